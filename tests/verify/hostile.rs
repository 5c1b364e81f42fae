//! Archives that are made to take memory or time.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::archive::{Archive, DEFLATED, File, STORED};
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
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
}

/// A compressed file as it is, which the archive does not compress again.
fn packed(name: &str, packed: &[u8], size: u32) -> File {
    let mut file = File::new(format!("{PREFIX}{name}"), packed);
    file.method = STORED;
    file.size = Some(size);
    file
}

/// Changes the method of all files behind the archive's back.
fn deflated(zip: &mut [u8]) {
    for at in 0..zip.len() - 12 {
        match &zip[at..at + 4] {
            b"PK\x03\x04" => zip[at + 8] = DEFLATED as u8,
            b"PK\x01\x02" => zip[at + 10] = DEFLATED as u8,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_file_that_unpacks_to_more_than_it_says() {
    let mut bomb = DeflateEncoder::new(Vec::new(), Compression::best());
    for _ in 0..300 {
        bomb.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let mut zip = Archive::of([packed("a", &bomb, 10)]).bytes();
    deflated(&mut zip);
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
    let mut zip = Archive::of([first].into_iter().chain(others)).bytes();
    deflated(&mut zip);
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
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
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
