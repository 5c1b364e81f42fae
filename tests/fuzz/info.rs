//! An `.info` or a `.mod`, by the first byte.

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tower_goproxy::Target;
use tower_goproxy::verify::{GoModuleFiles, Verified, Verify as _, WholeFile};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().build().unwrap();
}

pub fn run(data: &[u8]) {
    let Some((kind, content)) = data.split_first() else {
        return;
    };
    let extension = if kind % 2 == 0 { "info" } else { "mod" };
    let path = format!("/example.com/m/@v/v1.0.0.{extension}");
    let target = Target::parse(&path).unwrap().unwrap();
    let file = WholeFile::from(Bytes::copy_from_slice(content));
    let dirhash = file.dirhash().clone();
    let check = GoModuleFiles::new().start(&target);
    let verified = RUNTIME.with(|runtime| runtime.block_on(check.finish(file)));
    match verified {
        Verified::Passed => assert_eq!(dirhash.get().is_some(), extension == "mod"),
        Verified::Rejected(reason) => {
            assert!(reason.starts_with(&format!(".{extension} ")), "{reason}")
        }
        other => panic!("{other:?}"),
    }
}
