//! Hits while many files are verified.
#![cfg(feature = "fill")]

#[path = "verify/archive.rs"]
#[allow(dead_code, reason = "other test binaries use the rest")]
mod archive;
#[path = "core/scene.rs"]
mod core;
#[path = "support/mod.rs"]
mod support;

use std::io::Write as _;
use std::time::{Duration, Instant};

use archive::{Archive, File};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use futures_util::future::join_all;
use tower_goproxy::Storage;

use crate::core::{HIT, content, fetch, layer, mod_file, proxy};
use crate::support::{Answer, Recorded, Source, within_minutes};

const MIB: usize = 1 << 20;
const UNPACKED: usize = 100 * MIB;
const FILLS: usize = 64;

/// Small, and takes long to verify.
fn zips() -> Vec<Bytes> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    let mut crc = crc32fast::Hasher::new();
    for _ in 0..UNPACKED / MIB {
        packed.write_all(&[b'/'; MIB]).unwrap();
        crc.update(&[b'/'; MIB]);
    }
    let (packed, crc) = (packed.finish().unwrap(), crc.finalize());
    let zip = |n: usize| {
        let name = format!("example.com/slow@v1.{n}.0/a.go");
        let file = File::packed(name, &packed, UNPACKED as u32);
        let archive = Archive::of([File {
            crc: Some(crc),
            ..file
        }]);
        archive.bytes_of_packed().into()
    };
    (0..FILLS).map(zip).collect()
}

/// Compared with all of it: a busy machine is slow for both.
#[tokio::test(flavor = "multi_thread")]
async fn hits_do_not_wait_for_64_files_that_are_verified() {
    let zips = zips();
    let source = Source::new(move |request: &Recorded| {
        let number = request.path.strip_prefix("/example.com/slow/@v/v1.");
        let number = number.and_then(|rest| rest.split('.').next()?.parse::<usize>().ok());
        match number {
            Some(number) => Answer::in_parts(zips[number].clone(), 64 * 1024),
            None => Answer::new([content(&request.path)]),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let layer = layer(Storage::disk(folder.path()).unwrap());
    let proxy = proxy(&layer, &source);
    let hit = mod_file(0);
    fetch(&proxy, &hit).await.assert_status(200);
    layer.fills().idle().await;

    let fills = (0..FILLS).map(|n| {
        let proxy = proxy.clone();
        let fill =
            async move { fetch(&proxy, &format!("/example.com/slow/@v/v1.{n}.0.zip")).await };
        tokio::spawn(fill)
    });
    let fills: Vec<_> = fills.collect();
    let (mut times, start) = (Vec::new(), Instant::now());
    while !fills.iter().all(|fill| fill.is_finished()) {
        let asked = Instant::now();
        fetch(&proxy, &hit).await.assert_file(&hit, HIT);
        times.push(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let all = start.elapsed();
    for got in within_minutes(join_all(fills)).await {
        got.unwrap().assert_status(200);
    }
    times.sort();
    let [middle, late, last] = [500, 990, 1000].map(|part| times[(times.len() - 1) * part / 1000]);
    println!(
        "{} hits in {all:?}: half within {middle:?}, 99 % within {late:?}, all within {last:?}",
        times.len(),
    );
    assert!(middle * 200 < all, "{middle:?} of {all:?}");
    assert!(late * 20 < all, "{late:?} of {all:?}");
}
