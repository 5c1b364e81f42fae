//! What verification costs: how much later a zip of real source text is known to be right than its last byte came, and how
//! long its hash takes for each MiB of it.
//!
//! `cargo bench --features fill --bench verify` reads the sources of the go command (`go env GOROOT`).

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tower_goproxy::Target;
use tower_goproxy::verify::{GoModuleFiles, Verified, Verify as _, WholeFile};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const MIB: usize = 1024 * 1024;
/// About as much as a connection gives at once.
const PIECE: usize = 64 * 1024;
const MAX_ZIP: usize = 50 * MIB;

fn main() -> anyhow::Result<()> {
    let (zip, unpacked) = zip_of_sources()?;
    let mib = |len: usize| len as f64 / MIB as f64;
    println!(
        "a zip of {:.1} MiB with {:.1} MiB of source text",
        mib(zip.len()),
        mib(unpacked)
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    for (name, rate) in [
        ("50 MiB/s", Some(50)),
        ("unlimited", None),
        ("nothing before the end", Some(0)),
    ] {
        let mut took: Vec<Duration> = (0..5)
            .map(|_| runtime.block_on(verify(&zip, rate)))
            .collect();
        took.sort();
        let ms = took[2].as_secs_f64() * 1000.0;
        println!(
            "{name}: {ms:.0} ms after the last byte, {:.1} ms for each MiB of text",
            ms / mib(unpacked)
        );
    }
    Ok(())
}

/// How long it takes after the last byte.
async fn verify(zip: &Bytes, mib_per_second: Option<u32>) -> Duration {
    let target = Target::parse("/example.com/go/@v/v1.0.0.zip");
    let target = target.expect("a path of a proxy").expect("of a module");
    let mut check = GoModuleFiles::new().start(&target);
    let start = Instant::now();
    if mib_per_second != Some(0) {
        for at in (0..zip.len()).step_by(PIECE) {
            check.update(&zip.slice(at..zip.len().min(at + PIECE)));
            if let Some(rate) = mib_per_second {
                let due =
                    Duration::from_secs_f64((at + PIECE) as f64 / MIB as f64 / f64::from(rate));
                tokio::time::sleep_until((start + due).into()).await;
            }
        }
    }
    let last = Instant::now();
    let passed = check.finish(WholeFile::from(zip.clone())).await;
    assert_eq!(passed, Verified::Passed);
    last.elapsed()
}

fn zip_of_sources() -> anyhow::Result<(Bytes, usize)> {
    let root = Command::new("go").args(["env", "GOROOT"]).output()?.stdout;
    let root = PathBuf::from(String::from_utf8(root)?.trim());
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files)?;
    collect(&root.join("test"), &mut files)?;
    files.sort();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let (mut packed, mut unpacked) = (0, 0);
    for (number, file) in files.iter().enumerate() {
        let text = fs::read(file)?;
        packed += text.len() / 3;
        unpacked += text.len();
        zip.start_file(
            format!("example.com/go@v1.0.0/{number}.go"),
            SimpleFileOptions::default(),
        )?;
        zip.write_all(&text)?;
        if packed > MAX_ZIP {
            break;
        }
    }
    Ok((zip.finish()?.into_inner().into(), unpacked))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "go") {
            files.push(path);
        }
    }
    Ok(())
}
