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

    /// Shows a block to others, unless another one that has as much was faster: then it is that one.
    pub(super) fn add(&self, offset: u64, block: Block) -> Arc<Block> {
        let block = Arc::new(block);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = table.blocks.get(&offset).and_then(Weak::upgrade);
        if let Some(same) = same.filter(|same| same.bytes().len() >= block.bytes().len()) {
            return same;
        }
        if table.blocks.len() >= table.most {
            table.blocks.retain(|_, block| block.strong_count() > 0);
            table.most = (2 * table.blocks.len()).max(FEW);
        }
        table.blocks.insert(offset, Arc::downgrade(&block));
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Block {
        Block::read(1, |buffer| Ok(buffer.len())).unwrap()
    }

    #[test]
    fn what_nobody_has_any_more_is_forgotten() {
        let blocks = SharedBlocks::default();
        let kept = blocks.add(7, block());
        for offset in 100..10_000 {
            drop(blocks.add(offset, block()));
        }
        let table = blocks.0.lock().unwrap();
        assert!(table.blocks.len() <= FEW, "{}", table.blocks.len());
        drop(table);
        let (found, at) = blocks.find(7).unwrap();
        assert!(Arc::ptr_eq(&found, &kept));
        assert_eq!(at, 0);
        assert!(blocks.find(9_999).is_none());
    }

    #[test]
    fn all_that_somebody_has_is_found() {
        let blocks = SharedBlocks::default();
        let kept: Vec<_> = (0..1_000)
            .map(|offset| blocks.add(offset, block()))
            .collect();
        for (offset, kept) in (0..).zip(&kept) {
            assert!(Arc::ptr_eq(&blocks.find(offset).unwrap().0, kept));
        }
    }

    #[test]
    fn a_block_is_found_up_to_its_last_byte() {
        let blocks = SharedBlocks::default();
        let block = Block::read(BLOCK, |buffer| Ok(buffer.len())).unwrap();
        let _kept = blocks.add(0, block);
        let last = BLOCK - 1;
        assert_eq!(blocks.find(last as u64).unwrap().1, last);
        assert!(blocks.find(BLOCK as u64).is_none());
    }

    #[test]
    fn of_two_that_were_read_at_once_one_is_kept() {
        let blocks = SharedBlocks::default();
        let first = blocks.add(0, block());
        assert!(Arc::ptr_eq(&blocks.add(0, block()), &first));
    }
}
