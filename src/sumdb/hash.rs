//! The hashes of a tree (RFC 6962).

use sha2::{Digest, Sha256};

pub(super) type Hash = [u8; 32];

pub(super) fn leaf(record: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(record)
        .finalize()
        .into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// The hash of a complete tree, whose number of leaves is a power of two.
pub(super) fn complete(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len() / 2);
            node(&complete(left), &complete(right))
        }
    }
}

/// The hash of a tree whose complete parts are these, the largest first. Without any it is that of no bytes.
pub(super) fn tree(parts: &[Hash]) -> Hash {
    let folded = parts
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node(&left, &right));
    folded.unwrap_or_else(|| Sha256::digest([]).into())
}
