//! The names of the files of an archive, in the order of its list.

use std::cmp::Ordering;

/// Names, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    /// Where each name ends.
    ends: Vec<u32>,
}

impl Names {
    pub(super) fn with_capacity(files: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(files),
        }
    }

    /// Together they must be below 4 GiB.
    pub(super) fn push(&mut self, name: &[u8]) {
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len() as u32);
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes of memory they take.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    pub(super) fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[index] as usize]
    }

    pub(super) fn is_folder(&self, index: usize) -> bool {
        self.get(index).ends_with(b"/")
    }

    /// The indexes of all names, sorted like this. Equal ones stay in order.
    pub(super) fn sorted(&self, by: impl Fn(&[u8], &[u8]) -> Ordering) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.ends.len() as u32).collect();
        order.sort_unstable_by(|a, b| {
            by(self.get(*a as usize), self.get(*b as usize)).then(a.cmp(b))
        });
        order
    }
}
