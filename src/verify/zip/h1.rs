//! The hash of a module's files, as `go.sum` has it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::entries::Names;

pub(super) type Sum = [u8; 32];

/// The sum of no bytes, which each folder has.
pub(super) fn of_nothing() -> Sum {
    Sha256::digest([]).into()
}

/// Of a zip: of its names, prefix included, and of the sum of each file. `order` has them sorted by bytes.
pub(super) fn of_files(names: &Names, order: &[u32], sum: impl Fn(usize) -> Sum) -> String {
    let mut all = Sha256::new();
    for index in order {
        let index = *index as usize;
        line(&mut all, &sum(index), names.get(index));
    }
    text(all)
}

/// Of a `go.mod`.
pub(crate) fn of_module_file(content: &[u8]) -> String {
    let mut all = Sha256::new();
    line(&mut all, &Sha256::digest(content).into(), b"go.mod");
    text(all)
}

fn line(all: &mut Sha256, sum: &Sum, name: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 64];
    for (digits, byte) in hex.chunks_exact_mut(2).zip(sum) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
    all.update(hex);
    all.update(b"  ");
    all.update(name);
    all.update(b"\n");
}

fn text(all: Sha256) -> String {
    format!("h1:{}", BASE64_STANDARD.encode(all.finalize()))
}
