//! What a stored file costs: a small one in memory, the same from the disk, and a zip.
//!
//! `cargo bench --features full --bench hit`. The service is asked without any network; the bodies are
//! read to their ends. The allocations are printed at the end, those of the request itself taken off.

#![allow(missing_docs)]

mod support;

use std::convert::Infallible;
use std::fs;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use support::{allocations, content};
use tokio::runtime::Runtime;
use tower::{Service, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;
use tower_layer::Layer;

const INFO: &str = "/example.com/module/@v/v1.2.3.info";
const ZIP: &str = "/example.com/module/@v/v1.2.3.zip";
const ZIP_LEN: usize = 5 * 1024 * 1024;

fn request(path: &'static str) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = Uri::from_static(path);
    request
}

async fn no_source(_: Request<Empty<Bytes>>) -> Result<Response<Empty<Bytes>>, Infallible> {
    panic!("the file is stored");
}

/// Reads the body that comes, and compares it with this.
async fn ask<S, B>(service: &mut S, path: &'static str, content: Option<&[u8]>)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    let Ok(response) = service.call(request(path)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let mut len = 0;
    while let Some(frame) = body.frame().await {
        let data = frame
            .expect("a whole file")
            .into_data()
            .expect("data alone");
        let end = len + data.len();
        if let Some(content) = content {
            assert_eq!(data, content[len..end]);
        }
        len = end;
    }
    black_box(len);
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |path: &str| folder.path().join(&path[1..]);
    let parent = file(INFO);
    fs::create_dir_all(parent.parent().expect("a folder")).expect("made");
    fs::write(file(INFO), format!("{:<300}", r#"{"Version":"v1.2.3"}"#)).expect("written");
    let zip = content(ZIP_LEN);
    fs::write(file(ZIP), &zip).expect("written");

    let runtime = Runtime::new().expect("a runtime");
    let storage = Storage::disk(folder.path()).expect("a storage");
    let source = service_fn(no_source);
    let mut in_memory = FillLayer::new(storage.clone())
        .area(Area::Included)
        .layer(source);
    let without_memory = Storage::disk(folder.path())
        .expect("a storage")
        .max_memory(0);
    let mut on_disk = FillLayer::new(without_memory)
        .area(Area::Included)
        .layer(source);

    // Compared once, since that costs more than the hit.
    runtime.block_on(ask(&mut on_disk, ZIP, Some(&zip)));

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("hit");
    group.bench_function(".info of 300 bytes in memory", |bencher| {
        bencher.iter(|| runtime.block_on(ask(&mut in_memory, black_box(INFO), None)));
    });
    group.bench_function(".info of 300 bytes on disk", |bencher| {
        bencher.iter(|| runtime.block_on(ask(&mut on_disk, black_box(INFO), None)));
    });
    group.throughput(Throughput::Bytes(ZIP_LEN as u64));
    group.bench_function(".zip of 5 MiB on disk", |bencher| {
        bencher.iter(|| runtime.block_on(ask(&mut on_disk, black_box(ZIP), None)));
    });
    group.finish();
    criterion.final_summary();

    eprintln!("allocations of the asking thread:");
    let request = allocations(|| request(INFO));
    for (name, path) in [("in memory", INFO), ("5 MiB on disk", ZIP)] {
        runtime.block_on(ask(&mut in_memory, path, None));
        let hit = allocations(|| runtime.block_on(ask(&mut in_memory, path, None)));
        eprintln!("  hit of a file, {name}: {}", hit - request);
    }
}
