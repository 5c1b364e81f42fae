//! Module zips: good ones of any content and size, and corrupt ones.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A zip as the go command makes it: every name behind `path@version/`, deflated, no directory entries.
///
/// Path and version are the unescaped ones.
pub fn module_zip(path: &str, version: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_behind(&format!("{path}@{version}/"), files)
}

/// A module whose zip holds `size` bytes that no one can compress: a little larger than `size`.
pub fn large_module_zip(path: &str, version: &str, size: usize) -> Vec<u8> {
    let go_mod = format!("module {path}\n");
    let data = incompressible(size, 1);
    module_zip(
        path,
        version,
        &[
            ("go.mod", go_mod.as_bytes()),
            ("mod.go", b"package mod\n"),
            ("data.bin", &data),
        ],
    )
}

/// A good zip of another module than the one that was asked for.
pub fn zip_with_wrong_prefix(path: &str, version: &str) -> Vec<u8> {
    let go_mod = format!("module {path}\n");
    zip_behind(
        &format!("{path}/elsewhere@{version}/"),
        &[("go.mod", go_mod.as_bytes())],
    )
}

/// Bytes that no reader takes for a zip.
pub fn not_a_zip() -> Vec<u8> {
    b"<!doctype html><title>Sign in</title>".repeat(100)
}

/// The first half of a zip: no central directory.
pub fn truncated(zip: &[u8]) -> Vec<u8> {
    zip[..zip.len() / 2].to_vec()
}

/// Bytes that look random, the same for the same seed (SplitMix64).
pub fn incompressible(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(len + 7);
    while bytes.len() < len {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn zip_behind(prefix: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        // Large test files are incompressible: deflating them would only take time.
        let method = if content.len() > 1 << 20 {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        let options = SimpleFileOptions::default().compression_method(method);
        writer
            .start_file(format!("{prefix}{name}"), options)
            .and_then(|()| Ok(writer.write_all(content)?))
            .expect("a zip in memory takes any file");
    }
    writer
        .finish()
        .expect("a zip in memory can be finished")
        .into_inner()
}
