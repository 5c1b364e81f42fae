//! What a running fill costs while 1, 16 and 64 clients read it.
//!
//! `cargo bench --features full --bench spool`. The source hands out a zip from memory as fast as it is
//! taken, into a storage on disk that is empty each time. The throughput is that of all readers together.

#![allow(missing_docs)]

mod support;

use std::convert::Infallible;
use std::io::{Cursor, Write};

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use futures_util::future::join_all;
use futures_util::stream;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use support::content;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::{ServiceExt, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;
use tower_layer::Layer;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What a source sends at once: a slow one, one that speaks TLS or HTTP/2, a fast one.
const PIECES: [usize; 3] = [4 * 1024, 16 * 1024, 64 * 1024];
const PIECE: usize = PIECES[2];
const PATH: &str = "/example.com/module/@v/v1.0.0.zip";

fn module_zip() -> Bytes {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("example.com/module@v1.0.0/data", options)
        .expect("begun");
    zip.write_all(&content(16 * 1024 * 1024)).expect("written");
    zip.finish().expect("whole").into_inner().into()
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let zip = module_zip();
    // Compared once, since that costs as much as the reading.
    let folder = tempfile::tempdir().expect("a temporary folder");
    runtime.block_on(read(&folder, zip.clone(), PIECE, 16, true));

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("fill of 16 MiB");
    group.sample_size(20);
    for readers in [1, 16, 64] {
        group.throughput(Throughput::Bytes((zip.len() * readers) as u64));
        group.bench_function(BenchmarkId::new("readers", readers), |bencher| {
            bencher.iter_batched_ref(
                || tempfile::tempdir().expect("a temporary folder"),
                |folder| runtime.block_on(read(folder, zip.clone(), PIECE, readers, false)),
                BatchSize::PerIteration,
            );
        });
    }
    group.throughput(Throughput::Bytes(zip.len() as u64));
    for piece in PIECES {
        group.bench_function(
            BenchmarkId::new("one reader, pieces of KiB", piece / 1024),
            |bencher| {
                bencher.iter_batched_ref(
                    || tempfile::tempdir().expect("a temporary folder"),
                    |folder| runtime.block_on(read(folder, zip.clone(), piece, 1, false)),
                    BatchSize::PerIteration,
                );
            },
        );
    }
    group.finish();
    criterion.final_summary();
}

async fn read(folder: &TempDir, zip: Bytes, piece: usize, readers: usize, compare: bool) {
    let (len, content) = (zip.len(), zip.clone());
    let source = service_fn(move |_: Request<Empty<Bytes>>| {
        let mut rest = zip.clone();
        let pieces = std::iter::from_fn(move || {
            let piece = rest.split_to(rest.len().min(piece));
            (!piece.is_empty()).then(|| Ok::<_, Infallible>(Frame::data(piece)))
        });
        let body = StreamBody::new(stream::iter(pieces));
        let response = Response::builder().header(CONTENT_LENGTH, len).body(body);
        async { response }
    });
    let layer = FillLayer::new(Storage::disk(folder).expect("a storage")).area(Area::Included);
    let fill = layer.layer(source);
    let ask = || async {
        let request = Request::get(PATH).body(()).expect("a request");
        let Ok(response) = fill.clone().oneshot(request).await;
        response
    };
    let responses = join_all((0..readers).map(|_| ask())).await;
    let readers: Vec<_> = responses
        .into_iter()
        .map(|response| {
            let content = content.clone();
            tokio::spawn(async move {
                let mut body = response.into_body();
                let mut len = 0;
                while let Some(frame) = body.frame().await {
                    let data = frame.expect("whole").into_data().expect("data alone");
                    let end = len + data.len();
                    assert!(!compare || data == content[len..end]);
                    len = end;
                }
                len
            })
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.expect("no panic"), len);
    }
    layer.fills().idle().await;
}
