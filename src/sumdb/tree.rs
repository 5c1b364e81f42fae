//! Reads hashes of a tree out of tiles that a stranger sends, and believes none that the signed hash does not prove.
//!
//! The readers of golang.org/x/mod before 0.40 and of tlog_tiles 0.2 leave out the tiles between the first ones and the one
//! that is read (CVE-2026-56865). Here every tile is compared with its parent, in [`Plan::check`].

use super::hash::{self, Hash};
use super::tile::{Part, Tile};

/// A tree that the database has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) size: u64,
    pub(super) hash: Hash,
}

/// What a server said is not part of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inconsistent;

/// Which tiles prove some parts of a tree.
#[derive(Debug)]
pub(super) struct Plan {
    tree: Tree,
    /// The parts that make the whole tree, which its hash proves.
    all: Vec<Part>,
    /// First the tiles with these, then the others, each after its parent.
    tiles: Vec<Tile>,
    first: usize,
}

impl Plan {
    /// For parts of a tree. `None` if it does not have one of them.
    pub(super) fn new(tree: &Tree, parts: &[Part]) -> Option<Self> {
        let size = tree.size;
        let all = Part::all(size);
        let mut tiles = Vec::new();
        for part in &all {
            let tile = part.tile(size)?;
            if !tiles.contains(&tile) {
                tiles.push(tile);
            }
        }
        let first = tiles.len();
        for part in parts {
            let tile = part.tile(size)?;
            if part.place().end > tile.width as usize {
                return None;
            }
            let mut missing = Vec::new();
            let mut next = tile;
            while !tiles.contains(&next) {
                missing.push(next);
                next = next.parent(size)?;
            }
            tiles.extend(missing.into_iter().rev());
        }
        Some(Self {
            tree: tree.clone(),
            all,
            tiles,
            first,
        })
    }

    pub(super) fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Takes the tiles, if they belong to the tree.
    pub(super) fn check(self, tiles: &[Vec<u8>]) -> Result<Proven, Inconsistent> {
        let mut proven = Proven(Vec::new());
        for (tile, bytes) in self.tiles.iter().zip(tiles) {
            if bytes.len() != tile.len() {
                return Err(Inconsistent);
            }
            let (hashes, _) = bytes.as_chunks::<32>();
            proven.0.push((*tile, hashes.to_vec()));
        }
        if proven.0.len() != self.tiles.len() {
            return Err(Inconsistent);
        }
        let size = self.tree.size;
        let of_all = proven.tree_hash(&self.all, size)?;
        if of_all != self.tree.hash {
            return Err(Inconsistent);
        }
        for (tile, hashes) in &proven.0[self.first..] {
            let parent = tile.parent(size).ok_or(Inconsistent)?;
            let hash = proven
                .hashes(&parent)?
                .get(tile.place())
                .ok_or(Inconsistent)?;
            if !tile.is_full() || hash::complete(hashes) != *hash {
                return Err(Inconsistent);
            }
        }
        Ok(proven)
    }
}

/// Tiles of a tree.
pub(super) struct Proven(Vec<(Tile, Vec<Hash>)>);

impl Proven {
    fn hashes(&self, tile: &Tile) -> Result<&[Hash], Inconsistent> {
        let found = self.0.iter().find(|(found, _)| found == tile);
        found.map(|(_, hashes)| &**hashes).ok_or(Inconsistent)
    }

    /// The hash of a part that the plan was made for.
    pub(super) fn hash(&self, part: &Part, size: u64) -> Result<Hash, Inconsistent> {
        let tile = part.tile(size).ok_or(Inconsistent)?;
        let hashes = self.hashes(&tile)?.get(part.place()).ok_or(Inconsistent)?;
        Ok(hash::complete(hashes))
    }

    /// All of a tile that the plan needed.
    pub(super) fn bytes(&self, tile: &Tile) -> Option<Vec<u8>> {
        self.hashes(tile)
            .ok()
            .map(|hashes| hashes.as_flattened().to_vec())
    }

    /// The hash of a tree of these parts.
    pub(super) fn tree_hash(&self, parts: &[Part], size: u64) -> Result<Hash, Inconsistent> {
        let hashes: Result<Vec<_>, _> = parts.iter().map(|part| self.hash(part, size)).collect();
        Ok(hash::tree(&hashes?))
    }
}
