//! What the fuzz targets of `fuzz/` do, over a small corpus, without a fuzzer.
#![cfg(feature = "sumdb")]

mod filter;
mod info;
mod names;
mod sumdb;
mod zip;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The checks turn a panic of a parser into a rejection, so a panic is noticed here on whatever thread it happens.
static PANICKED: AtomicBool = AtomicBool::new(false);

type FuzzTarget = fn(&[u8]);

const TARGETS: [(&str, FuzzTarget); 5] = [
    ("filter", filter::run),
    ("info", info::run),
    ("names", names::run),
    ("sumdb", sumdb::run),
    ("zip", zip::run),
];

#[test]
fn no_target_panics_on_its_corpus() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICKED.store(true, Ordering::SeqCst);
        default(info);
    }));
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut failed = Vec::new();
    for (name, target) in TARGETS {
        let entries = fs::read_dir(corpus.join(name)).expect("each target has a corpus");
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{name} has an empty corpus");
        for file in files {
            let data = fs::read(&file).unwrap();
            // Also what is cut and what is damaged, so that a few files reach far.
            let cut = data.len() / 2;
            let mut damaged = data.clone();
            damaged.iter_mut().step_by(7).for_each(|byte| *byte ^= 1);
            for data in [&data, &data[..cut], &damaged] {
                let run = panic::catch_unwind(AssertUnwindSafe(|| target(data)));
                if run.is_err() | PANICKED.swap(false, Ordering::SeqCst) {
                    failed.push(file.clone());
                }
            }
        }
    }
    let _ = panic::take_hook();
    assert!(failed.is_empty(), "panicked: {failed:?}");
}
