//! Archives that are made to take memory or time.

use std::io::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use tower_goproxy::Target;
use tower_goproxy::verify::{Dirhash, GoModuleFiles, Verified, Verify as _};

use crate::archive::{Archive, File, STORED};
use crate::check::{in_pieces, streamed, whole};

const PATH: &str = "/example.com/m/@v/v1.0.0.zip";
const PREFIX: &str = "example.com/m@v1.0.0/";

async fn refused(zip: &[u8], reason: &str) {
    let start = Instant::now();
    let found = whole(PATH, zip).await.unwrap_err();
    assert!(found.contains(reason), "{found:?}, not {reason:?}");
    assert!(in_pieces(PATH, zip, 60_000).await.is_err());
    assert!(!matches!(streamed(PATH, zip, 60_000).await, Some(Ok(_))));
    // Each takes a second at most; the machine may be busy.
    assert!(
        start.elapsed() < Duration::from_secs(300),
        "{:?}",
        start.elapsed()
    );
}

fn packed(name: &str, packed: &[u8], size: u32) -> File {
    File::packed(format!("{PREFIX}{name}"), packed, size)
}

#[tokio::test]
async fn a_file_that_unpacks_to_more_than_it_says() {
    let mut bomb = DeflateEncoder::new(Vec::new(), Compression::best());
    for _ in 0..300 {
        bomb.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let zip = Archive::of([packed("a", &bomb, 10)]).bytes_of_packed();
    refused(&zip, "larger than it says").await;
}

#[tokio::test]
async fn files_that_say_they_are_large() {
    let files = (0..3).map(|n| packed(&n.to_string(), b"x", 400 << 20));
    refused(&Archive::of(files).bytes(), "more than 524288000 bytes").await;
}

/// Each is empty, but it takes a MiB to find out.
#[tokio::test]
async fn files_that_overlap() {
    let blocks = [0, 0, 0, 0xff, 0xff].repeat(200_000);
    let blocks = [&*blocks, &[1, 0, 0, 0xff, 0xff]].concat();
    let mut first = packed("0", &blocks, 0);
    first.crc = Some(0);
    let len = blocks.len() as u32;
    let others = (1..20_000).map(|n| File {
        packed: Some(len),
        offset: Some(0),
        ..packed(&n.to_string(), b"", 0)
    });
    let zip = Archive::of([first].into_iter().chain(others)).bytes_of_packed();
    refused(&zip, "overlap").await;
}

#[tokio::test]
async fn more_files_than_any_module_has() {
    let file = |n: u32| File {
        method: STORED,
        offset: Some(0),
        ..File::new(format!("{PREFIX}{n}"), "")
    };
    let zip = Archive::of((0..200_001).map(file)).bytes();
    refused(&zip, "too many files").await;
}

/// Only the lower 16 bits of the count mean anything.
#[tokio::test]
async fn more_files_than_an_end_record_can_count() {
    let files = (0..65_537).map(|n| File::new(format!("{PREFIX}{n}"), "").stored());
    assert!(whole(PATH, &Archive::of(files).bytes()).await.is_ok());
}

#[tokio::test]
async fn names_that_would_fill_the_memory() {
    let name = "n".repeat(60_000);
    let files = (0..300).map(|n| File::new(format!("{PREFIX}{name}{n}"), ""));
    refused(&Archive::of(files).bytes(), "too many files").await;
}

#[tokio::test]
async fn folders_in_folders_in_folders() {
    let files =
        (0..200).map(|n| File::new(format!("{PREFIX}{}{n}", format!("{n}/").repeat(9_000)), ""));
    let zip = Archive::of(files).bytes();
    let start = Instant::now();
    assert!(whole(PATH, &zip).await.is_ok());
    assert!(
        start.elapsed() < Duration::from_secs(300),
        "{:?}",
        start.elapsed()
    );
}

/// Of what their headers have in them: they unpack to nothing.
#[tokio::test]
async fn a_zip_of_more_than_500_mib() {
    for (count, is_taken) in [(7_900, true), (8_010_u32, false)] {
        let filling = Bytes::from(vec![0; 65_535]);
        let (mut pieces, mut list, mut at) = (Vec::new(), Vec::new(), 0_u32);
        for number in 0..count {
            let name = format!("{PREFIX}{number}");
            let len = (name.len() as u16).to_le_bytes();
            let mut local = [b"PK\x03\x04\x14\0", &[0; 20][..], &len, &[0xff; 2]].concat();
            local.extend(name.bytes());
            list.extend([b"PK\x01\x02\x14\x03\x14\0", &[0; 20][..], &len, &[0; 12]].concat());
            list.extend(at.to_le_bytes());
            list.extend(name.bytes());
            at += (local.len() + filling.len()) as u32;
            pieces.extend([local.into(), filling.clone()]);
        }
        let len = (list.len() as u32).to_le_bytes();
        let count = (count as u16).to_le_bytes();
        list.extend(
            [
                b"PK\x05\x06\0\0\0\0",
                &count[..],
                &count,
                &len,
                &at.to_le_bytes(),
                &[0; 2],
            ]
            .concat(),
        );
        pieces.push(list.into());
        let target = Target::parse(PATH).unwrap().unwrap();
        let [mut followed, whole] = [(), ()].map(|()| GoModuleFiles::new().start(&target));
        for piece in &pieces {
            followed.update(piece);
            followed.ready().await;
        }
        let followed = followed.finish_stream(Dirhash::default()).await;
        let whole = whole.finish(pieces.into_iter().collect()).await;
        assert_eq!(whole == Verified::Passed, is_taken, "{whole:?}");
        assert_eq!(followed, whole);
    }
}

#[tokio::test]
async fn zip64_records_that_lie() {
    let archive = Archive {
        zip64: true,
        ..Archive::of([File::new(format!("{PREFIX}a"), "x")])
    };
    let zip = archive.bytes();
    let record = zip.len() - 22 - 20 - 56;
    for at in [32, 40, 48, 56 + 8] {
        for value in [u64::MAX, u64::MAX >> 1, 1 << 40, 1 << 63] {
            let mut zip = zip.clone();
            zip[record + at..record + at + 8].copy_from_slice(&value.to_le_bytes());
            assert!(whole(PATH, &zip).await.is_err(), "{at} {value}");
        }
    }
}
