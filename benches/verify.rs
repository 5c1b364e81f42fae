//! What verification costs: how much later a zip of real source text is known to be right than its last byte came, how
//! long its hash takes for each MiB of it, and the processor time and memory of whole fills.
//!
//! `cargo bench --features fill --bench verify` reads the sources of the go command (`go env GOROOT`).

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;
use tower_goproxy::verify::{GoModuleFiles, Verified, Verify as _, WholeFile};
use tower_goproxy::{Storage, Target};
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
    for (name, rate) in [("50 MiB/s", Some(50)), ("unlimited", None)] {
        let (mut took, process) = (Vec::new(), Process::now()?);
        for _ in 0..5 {
            took.push(runtime.block_on(fill(&zip, rate))?);
        }
        let (processor, memory) = process.since()?;
        took.sort();
        let (all, after) = took[2];
        println!(
            "a fill on disk, {name}: {:.0} ms, of which {:.0} ms after the last byte of the source, {:.1} ms of processor \
             time for each MiB, at most {memory} KiB of memory",
            all.as_secs_f64() * 1000.0,
            after.as_secs_f64() * 1000.0,
            processor.as_secs_f64() * 1000.0 / 5.0 / mib(zip.len()),
        );
    }
    Ok(())
}

/// What this process has used.
struct Process {
    processor: Duration,
    memory: u64,
}

impl Process {
    fn now() -> anyhow::Result<Self> {
        // Lets the kernel forget the peak.
        fs::write("/proc/self/clear_refs", "5")?;
        Ok(Self {
            processor: Self::processor()?,
            memory: Self::memory("VmRSS:")?,
        })
    }

    /// The processor time since then, and by how many KiB the memory has grown at most.
    fn since(&self) -> anyhow::Result<(Duration, u64)> {
        let peak = Self::memory("VmHWM:")?;
        let processor = Self::processor()? - self.processor;
        Ok((processor, peak.saturating_sub(self.memory)))
    }

    fn memory(field: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("a process has memory")?.parse()?)
    }

    fn processor() -> anyhow::Result<Duration> {
        let stat = fs::read_to_string("/proc/self/stat")?;
        // The name in brackets may have blanks.
        let (_, fields) = stat.rsplit_once(") ").context("a process has a name")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = ticks.sum::<Result<_, _>>()?;
        Ok(Duration::from_millis(ticks * 10))
    }
}

/// How long a client waits for the zip, and how long of it after its last byte has come from the source.
async fn fill(zip: &Bytes, mib_per_second: Option<u32>) -> anyhow::Result<(Duration, Duration)> {
    let folder = tempfile::tempdir()?;
    let (sent, last) = tokio::sync::watch::channel(None);
    let zip = zip.clone();
    let source = tower::service_fn(move |_: Request<Empty<Bytes>>| {
        let (zip, sent, start) = (zip.clone(), sent.clone(), Instant::now());
        let len = zip.len();
        let pieces = futures_util::stream::iter((0..len).step_by(PIECE)).then(move |at| {
            let piece = zip.slice(at..len.min(at + PIECE));
            let sent = sent.clone();
            async move {
                if let Some(rate) = mib_per_second {
                    let due = (at + PIECE) as f64 / MIB as f64 / f64::from(rate);
                    tokio::time::sleep_until((start + Duration::from_secs_f64(due)).into()).await;
                }
                sent.send_replace(Some(Instant::now()));
                Ok::<_, std::convert::Infallible>(Frame::data(piece))
            }
        });
        let response = Response::builder().header("content-length", len);
        let response = response.body(StreamBody::new(pieces));
        async move { response }
    });
    let layer = FillLayer::new(Storage::disk(folder.path())?).area(Area::Included);
    let request = Request::get("/example.com/go/@v/v1.0.0.zip").body(Empty::<Bytes>::new())?;
    let start = Instant::now();
    let response = layer.layer(source).oneshot(request).await?;
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        frame.map_err(|error| anyhow::anyhow!(error))?;
    }
    let (all, last) = (start.elapsed(), *last.borrow());
    layer.fills().idle().await;
    Ok((
        all,
        last.map_or(all, |last| all.saturating_sub(last - start)),
    ))
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
    let mut unpacked = 0;
    // They are fewer, so some are in it several times.
    for (number, file) in files.iter().cycle().enumerate() {
        let text = fs::read(file)?;
        unpacked += text.len();
        zip.start_file(
            format!("example.com/go@v1.0.0/{number}.go"),
            SimpleFileOptions::default(),
        )?;
        zip.write_all(&text)?;
        // Deflate makes about a fourth of them.
        if unpacked > 4 * MAX_ZIP {
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
