//! How much memory all checks take together, whatever the zips are.
#![cfg(feature = "fill")]

#[path = "verify/archive.rs"]
#[allow(dead_code, reason = "other test binaries use the rest")]
mod archive;
#[path = "support/counting.rs"]
mod counting;

use std::io::Write as _;

use archive::{Archive, File};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use futures_util::future::join_all;
use tower_goproxy::Target;
use tower_goproxy::verify::{GoModuleFiles, Verified, Verify as _};

const MIB: usize = 1 << 20;

/// As many files as a zip may have, with names that are nearly as long as all may be together.
fn largest_list() -> Bytes {
    let file = |n: u32| File::new(format!("example.com/m@v1.0.0/{n:0>58}"), "").stored();
    Archive::of((0..199_999).map(file)).bytes().into()
}

/// Unpacks to 300 MiB, says so or not, and has a wrong checksum.
fn bomb(size: u32) -> Bytes {
    let mut bomb = DeflateEncoder::new(Vec::new(), Compression::best());
    for _ in 0..300 {
        bomb.write_all(&[0; MIB]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let file = File::packed("example.com/m@v1.0.0/a", &bomb, size);
    Archive::of([file]).bytes_of_packed().into()
}

/// All files are one, which takes a MiB to see that it is empty.
fn overlapping() -> Bytes {
    let blocks = [0, 0, 0, 0xff, 0xff].repeat(200_000);
    let blocks = [&*blocks, &[1, 0, 0, 0xff, 0xff]].concat();
    let file = |n: u32| File {
        crc: Some(0),
        packed: Some(blocks.len() as u32),
        offset: Some(0),
        ..File::packed(
            format!("example.com/m@v1.0.0/{n}"),
            if n == 0 { &blocks } else { &[] },
            0,
        )
    };
    Archive::of((0..20_000).map(file)).bytes_of_packed().into()
}

/// A list of ten million files, and nothing else.
fn endless_list() -> Vec<Bytes> {
    let header = [&b"PK\x01\x02"[..], &[0; 24], &[1], &[0; 17], b"n"].concat();
    let thousand = Bytes::from(header.repeat(1000));
    let mut pieces = vec![thousand; 10_000];
    let len = (header.len() as u32 * 10_000_000).to_le_bytes();
    let count = (10_000_000_u32 as u16).to_le_bytes();
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &len, &[0; 6]].concat();
    pieces.push(end.into());
    pieces
}

/// The most that checks of these zips take together. Half of them arrive as fast as they can, the others lie there.
async fn most_memory(zips: &[(Vec<Bytes>, bool)]) -> usize {
    let checks = GoModuleFiles::new();
    let target = Target::parse("/example.com/m/@v/v1.0.0.zip")
        .unwrap()
        .unwrap();
    let before = counting::begin();
    let running = zips.iter().enumerate().map(|(number, (zip, is_right))| {
        let (zip, is_right, mut check) = (zip.clone(), *is_right, checks.start(&target));
        tokio::spawn(async move {
            for piece in zip.iter().filter(|_| number % 2 == 0) {
                for at in (0..piece.len()).step_by(64 * 1024) {
                    check.update(&piece.slice(at..piece.len().min(at + 64 * 1024)));
                    tokio::task::yield_now().await;
                }
            }
            let verified = check.finish(zip.into_iter().collect()).await;
            assert_eq!(verified == Verified::Passed, is_right, "{verified:?}");
        })
    });
    let running: Vec<_> = running.collect();
    for checked in join_all(running).await {
        checked.unwrap();
    }
    counting::peak() - before
}

/// The most that so many checks take that have begun, each of a file that unpacks to more than has come.
async fn memory_of_begun(count: usize) -> usize {
    let noise =
        (0..300_000_u32).map(|at| (at.wrapping_mul(at).wrapping_mul(2_654_435_761) >> 24) as u8);
    let file = File::new("example.com/m@v1.0.0/a", noise.collect::<Vec<_>>());
    let zip = Bytes::from(Archive::of([file]).bytes());
    let target = Target::parse("/example.com/m/@v/v1.0.0.zip")
        .unwrap()
        .unwrap();
    let checks = GoModuleFiles::new();
    let before = counting::begin();
    let mut begun = Vec::new();
    for _ in 0..count {
        let mut check = checks.start(&target);
        check.update(&zip.slice(..zip.len() / 2));
        check.ready().await;
        begun.push(check);
    }
    let took = counting::peak() - before;
    for check in begun {
        let verified = check.finish(zip.clone().into()).await;
        assert_eq!(verified, Verified::Passed);
    }
    took
}

/// One after the other, so that each is counted alone.
#[tokio::test(flavor = "multi_thread")]
async fn all_checks_together_stay_within_64_mib() {
    let largest = (vec![largest_list()], true);
    let took = most_memory(&vec![largest.clone(); 5]).await;
    assert!(took < 64 * MIB, "the largest: {} MiB", took / MIB);
    assert!(took > 16 * MIB, "the counter counts: {took}");

    let names = (0..300).map(|n| File::new(format!("{n}{}", "n".repeat(60_000)), ""));
    let hostile = [
        vec![bomb(300 << 20)],
        vec![bomb(10)],
        vec![overlapping()],
        endless_list(),
        vec![Archive::of(names).bytes().into()],
    ];
    let hostile = hostile.map(|zip| (zip, false));
    let took = most_memory(&[&hostile[..], &[largest]].concat()).await;
    assert!(took < 64 * MIB, "hostile ones: {} MiB", took / MIB);

    let took = memory_of_begun(1000).await;
    assert!(took < 32 * MIB, "very many: {} MiB", took / MIB);
}
