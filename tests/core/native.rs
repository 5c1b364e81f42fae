//! Small C programs that take something away from a process. Where Rust is linked there is a `cc`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A library for `LD_PRELOAD`.
pub fn library(folder: &Path, name: &str) -> PathBuf {
    compile(folder, name, &["-shared", "-fPIC"])
}

/// A program that runs its arguments.
pub fn program(folder: &Path, name: &str) -> PathBuf {
    compile(folder, name, &[])
}

fn compile(folder: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/core");
    let made = folder.join(name);
    let status = Command::new("cc")
        .args(flags)
        .arg("-o")
        .arg(&made)
        .arg(source.join(name).with_extension("c"))
        .status();
    let status = status.expect("there is a C compiler");
    assert!(status.success(), "{name}.c does not compile");
    made
}
