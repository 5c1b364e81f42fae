//! How much memory all checks take together, whatever the zips are.
#![cfg(feature = "fill")]
// A global allocator cannot be written without `unsafe`; this one only counts and passes on.
#![allow(unsafe_code)]

#[path = "verify/archive.rs"]
#[allow(dead_code, reason = "other test binaries use the rest")]
mod archive;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::{Archive, File};
use bytes::Bytes;
use futures_util::future::join_all;
use tower_goproxy::Target;
use tower_goproxy::verify::{GoModuleFiles, Verified, Verify as _, WholeFile};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: both methods pass their arguments on to the system's allocator as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// As many files as a zip may have, with names that are nearly as long as all may be together.
fn largest_list() -> Bytes {
    let file = |n: u32| File::new(format!("example.com/m@v1.0.0/{n:0>58}"), "").stored();
    Archive::of((0..199_999).map(file)).bytes().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_checks_of_the_largest_zips_stay_within_64_mib() {
    let zip = largest_list();
    let checks = GoModuleFiles::new();
    let target = Target::parse("/example.com/m/@v/v1.0.0.zip")
        .unwrap()
        .unwrap();
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let running = (0..5).map(|number| {
        let (zip, mut check) = (zip.clone(), checks.start(&target));
        tokio::spawn(async move {
            // Half of them arrive, as fast as they can.
            for at in (0..zip.len())
                .step_by(64 * 1024)
                .filter(|_| number % 2 == 0)
            {
                check.update(&zip.slice(at..zip.len().min(at + 64 * 1024)));
                tokio::task::yield_now().await;
            }
            check.finish(WholeFile::from(zip)).await
        })
    });
    let running: Vec<_> = running.collect();
    for passed in join_all(running).await {
        assert_eq!(passed.unwrap(), Verified::Passed);
    }
    let took = PEAK.load(Ordering::Relaxed) - before;
    assert!(took < 64 << 20, "{} MiB", took >> 20);
    assert!(took > 16 << 20, "the counter counts: {took}");
}
