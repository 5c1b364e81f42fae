//! Modules made up for the show.

use std::io::{Cursor, Write};

use bytes::Bytes;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::Result;

/// A module as its zip: a go.mod, and so many bytes that no one can compress.
pub fn zip(path: &str, version: &str, size: usize) -> Result<Bytes> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(format!("{path}@{version}/go.mod"), options)?;
    writeln!(zip, "module {path}")?;
    zip.start_file(format!("{path}@{version}/data.bin"), options)?;
    zip.write_all(&noise(size))?;
    Ok(zip.finish()?.into_inner().into())
}

/// Looks random (SplitMix64).
fn noise(len: usize) -> Vec<u8> {
    let mut state = len as u64;
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
