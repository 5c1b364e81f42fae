//! Which hashes of a tree are in which tile.

use std::fmt;

/// The height of all tiles that the go command asks for.
pub(super) const HEIGHT: u32 = 8;
/// How many hashes a full tile has.
pub(super) const FULL: u64 = 1 << HEIGHT;

/// A complete part of a tree: the number of its leaves is a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) level: u32,
    pub(super) index: u64,
}

impl Part {
    /// The complete parts of a tree, the largest first.
    pub(super) fn all(size: u64) -> Vec<Self> {
        let mut start = 0;
        let levels = (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1);
        let part = |level| {
            let part = Self {
                level,
                index: start >> level,
            };
            start += 1 << level;
            part
        };
        levels.map(part).collect()
    }

    /// The tile with the hashes of the part, in a tree of this size that has the part.
    pub(super) fn tile(&self, size: u64) -> Option<Tile> {
        let index = self.index << (self.level % HEIGHT) >> HEIGHT;
        Tile::of_tree(self.level / HEIGHT, index, size)
    }

    /// Where in the tile its hashes are.
    pub(super) fn place(&self) -> std::ops::Range<usize> {
        let level = self.level % HEIGHT;
        let start = ((self.index << level) % FULL) as usize;
        start..start + (1 << level)
    }
}

/// A tile of hashes, by its level and its number in that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    pub(super) level: u32,
    pub(super) index: u64,
    pub(super) width: u64,
}

impl Tile {
    /// A tile as wide as it is in a tree of this size. `None` if the tree does not have it.
    pub(super) fn of_tree(level: u32, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(level * HEIGHT).unwrap_or(0);
        let width = hashes.saturating_sub(index.checked_mul(FULL)?).min(FULL);
        (width > 0).then_some(Self {
            level,
            index,
            width,
        })
    }

    /// The tile with the hash of this one.
    pub(super) fn parent(&self, size: u64) -> Option<Self> {
        Self::of_tree(self.level + 1, self.index / FULL, size)
    }

    /// Where in its parent the hash is.
    pub(super) fn place(&self) -> usize {
        (self.index % FULL) as usize
    }

    pub(super) fn is_full(&self) -> bool {
        self.width == FULL
    }

    pub(super) fn full(&self) -> Self {
        Self {
            width: FULL,
            ..*self
        }
    }

    /// The bytes of its hashes.
    pub(super) fn len(&self) -> usize {
        self.width as usize * 32
    }

    /// Reads `tile/8/..`. `None` for what is written in any other way, and for tiles of records.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/8/")?;
        let (rest, width) = match rest.split_once(".p/") {
            Some((rest, width)) => (rest, width.parse().ok().filter(|width| *width < FULL)?),
            None => (rest, FULL),
        };
        let (level, groups) = rest.split_once('/')?;
        let index = groups.split('/').try_fold(0_u64, |index, group| {
            let digits = group.strip_prefix('x').unwrap_or(group);
            index
                .checked_mul(1000)?
                .checked_add(digits.parse::<u16>().ok()?.into())
        });
        let tile = Self {
            level: level
                .parse()
                .ok()
                .filter(|level| *level < u64::BITS / HEIGHT)?,
            index: index?,
            width,
        };
        (width > 0 && tile.to_string() == path).then_some(tile)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/8/{}/", self.level)?;
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups[1..].iter().rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        match self.is_full() {
            true => Ok(()),
            false => write!(f, ".p/{}", self.width),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tile;
    use crate::module::vectors::data;

    /// Those of height 8 with hashes. Others are passed on unseen.
    #[test]
    fn paths_are_those_of_go() {
        for vector in data::of("TilePath", 14) {
            let path = vector.text(0).unwrap();
            let wanted = &*vector.result;
            let found = match Tile::parse(path) {
                Some(Tile {
                    level,
                    index,
                    width,
                }) => format!("{{H:8 L:{level} N:{index} W:{width}}}"),
                None => "error".to_owned(),
            };
            let is_other = wanted.contains("L:-1") || !wanted.contains("H:8");
            assert_eq!(found, if is_other { "error" } else { wanted }, "{path}");
        }
        for vector in data::of("TileFmt", 4) {
            let number = |at: usize| vector.text(at).unwrap().parse::<i64>().unwrap();
            let Ok(level) = number(1).try_into() else {
                continue;
            };
            let tile = Tile {
                level,
                index: number(2) as u64,
                width: number(3) as u64,
            };
            assert_eq!(tile.to_string(), vector.result);
        }
    }

    #[test]
    fn strange_paths_are_refused() {
        for path in [
            "tile/8/0/000.p/0",
            "tile/8/0/000.p/256",
            "tile/8/0/000.p/+5",
            "tile/8/+0/000",
            "tile/8/8/000",
            "tile/8/64/000",
            "tile/8/0/x000/001",
            "tile/8/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/8/0/",
            "tile/8/0",
            "tile/8/0/000.p/5/6",
            "tile/8/0/../../x",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }
}
