//! One version of one module, and proxies in front of it.

use std::sync::LazyLock;

use bytes::Bytes;
use tower::ServiceBuilder;
use tower_goproxy::fill::{Fill, FillLayer};
use tower_goproxy::source::Area;

use super::support::{Answer, Source, large_module_zip, module_zip};

pub const INFO: &str = "/example.com/!mod/@v/v1.0.0.info";
pub const MOD: &str = "/example.com/!mod/@v/v1.0.0.mod";
pub const ZIP: &str = "/example.com/!mod/@v/v1.0.0.zip";

pub fn info() -> Bytes {
    Bytes::from_static(br#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"}"#)
}

pub fn module_file() -> Bytes {
    Bytes::from_static(b"module example.com/Mod\n\ngo 1.21\n")
}

pub fn zip() -> Bytes {
    let go_mod = module_file();
    module_zip(
        "example.com/Mod",
        "v1.0.0",
        &[("go.mod", &*go_mod), ("mod.go", b"package mod\n")],
    )
    .into()
}

/// One that is too large to be held back as a whole, and to stay in memory.
pub fn large_zip() -> Bytes {
    static ZIP: LazyLock<Bytes> =
        LazyLock::new(|| large_module_zip("example.com/Mod", "v1.0.0", 1_100_000).into());
    ZIP.clone()
}

/// The three files of the version.
pub fn files() -> [(&'static str, Bytes); 3] {
    [(INFO, info()), (MOD, module_file()), (ZIP, zip())]
}

pub fn registry() -> Source {
    Source::new(|request| {
        files()
            .into_iter()
            .find(|(path, _)| *path == request.path)
            .map_or_else(not_found, |(_, content)| Answer::new([content]))
    })
}

pub fn not_found() -> Answer {
    Answer::text(http::StatusCode::NOT_FOUND, "not found: no such module")
}

pub fn proxy(layer: &FillLayer<Area>, source: &Source) -> Fill<Source> {
    ServiceBuilder::new().layer(layer).service(source.clone())
}
