//! What readers of one file have of it at the moment, for those who come to the same place.
//!
//! Clients that have asked for a file together are at about the same place of it for as long as their
//! connections are equally fast. Their blocks are then one block: it is read once, and takes its memory once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::block::{BLOCK, Block};

/// The blocks of one file that somebody has.
#[derive(Debug, Default)]
pub(super) struct SharedBlocks(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// By the offset of their first byte.
    blocks: BTreeMap<u64, Weak<Block>>,
    /// How many there may be before those are removed that nobody has any more.
    most: usize,
}

/// So few that it does not matter whether anybody has them.
const FEW: usize = 32;

impl SharedBlocks {
    /// A block that has this byte, and where in it.
    pub(super) fn find(&self, offset: u64) -> Option<(Arc<Block>, usize)> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // None that begins before can have it.
        let first = offset.saturating_sub(BLOCK as u64 - 1);
        let mut near = table.blocks.range(first..=offset).rev();
        near.find_map(|(start, block)| {
            let block = block.upgrade()?;
            // Less than a block.
            let at = (offset - start) as usize;
            (at < block.bytes().len()).then_some((block, at))
        })
    }

    /// Shows a block to others.
    pub(super) fn add(&self, offset: u64, block: Block) -> Arc<Block> {
        let block = Arc::new(block);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.blocks.len() >= table.most {
            table.blocks.retain(|_, block| block.strong_count() > 0);
            table.most = (2 * table.blocks.len()).max(FEW);
        }
        table.blocks.insert(offset, Arc::downgrade(&block));
        block
    }
}
