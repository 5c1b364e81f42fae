//! Which zips can be checked while they arrive, without a file.

use std::io::{Cursor, Write as _};

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::archive::{Archive, Descriptor, File};
use crate::check::{streamed, whole};
use crate::support::large_module_zip;

const PATH: &str = "/example.com/m/@v/v1.0.0.zip";
const PREFIX: &str = "example.com/m@v1.0.0/";

fn plain() -> Archive {
    let file = |name: &str| File::new(format!("{PREFIX}{name}"), name.repeat(1000));
    Archive::of(
        ["go.mod", "a.go", "b/", "b/c.go"].map(|name| match name.ends_with('/') {
            true => File::new(format!("{PREFIX}{name}"), "").stored(),
            false => file(name),
        }),
    )
}

async fn follows(zip: &[u8]) -> bool {
    let wanted = whole(PATH, zip).await;
    for piece in [1, 100, zip.len()] {
        match streamed(PATH, zip, piece).await {
            Some(found) => assert_eq!(found, wanted),
            None => return false,
        }
    }
    true
}

#[tokio::test]
async fn zips_as_the_go_command_and_others_write_them() {
    assert!(follows(&plain().bytes()).await);
    for descriptor in [Descriptor::Signed, Descriptor::Signed64] {
        let mut archive = plain();
        for file in archive
            .files
            .iter_mut()
            .filter(|file| !file.name.ends_with(b"/"))
        {
            file.descriptor = Some(descriptor);
        }
        assert!(follows(&archive.bytes()).await, "{descriptor:?}");
    }
    let large = large_module_zip("example.com/m", "v1.0.0", 300_000);
    assert!(follows(&large).await);
    let mut streamed = ZipWriter::new_stream(Cursor::new(Vec::new()));
    for name in ["go.mod", "a.go"] {
        let name = format!("{PREFIX}{name}");
        let options = SimpleFileOptions::default();
        streamed.start_file(name, options).unwrap();
        streamed.write_all(&[b'/'; 100_000]).unwrap();
    }
    let streamed = streamed.finish().unwrap().into_inner().into_inner();
    assert!(follows(&streamed).await);
}

#[tokio::test]
async fn what_is_not_plain_needs_the_whole_file() {
    for archive in [
        Archive {
            before: b"x".to_vec(),
            ..plain()
        },
        Archive {
            after: b"x".to_vec(),
            ..plain()
        },
        Archive {
            comment: b"x".to_vec(),
            ..plain()
        },
        Archive {
            zip64: true,
            ..plain()
        },
        Archive {
            unlisted: 1,
            ..plain()
        },
        Archive {
            list_size: Some(1),
            ..plain()
        },
    ] {
        let zip = archive.bytes();
        assert!(whole(PATH, &zip).await.is_ok());
        assert!(!follows(&zip).await, "{archive:?}");
    }
    let mut other = plain();
    other.files[1].local_name = Some(b"other".to_vec());
    assert!(!follows(&other.bytes()).await);
}
