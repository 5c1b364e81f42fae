/// A file of a storage that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Its path in the storage.
    pub path: String,
    /// What it is.
    pub verdict: Verdict,
    /// Whether it was deleted.
    pub removed: bool,
}

/// What a check says of a stored file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It has passed all checks.
    Good,
    /// It has passed the rules, and the checksum database does not know it.
    Unconfirmed(String),
    /// It is wrong, with the reason.
    Wrong(String),
    /// It could not be checked, with the reason: the storage or the checksum database failed, or it is an `.info` of more than
    /// 1 MiB or a `.mod` of more than 16 MiB.
    Unchecked(String),
    /// It is never served, with the reason: it is empty, or not named as a file of a module.
    Stray(String),
    /// It does not belong to a module: a record of this crate, or a file of the go command's cache. Or it was deleted before
    /// it could be checked.
    Skipped,
}

/// How many files of each kind were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// [`Verdict::Good`]
    pub good: u64,
    /// [`Verdict::Unconfirmed`]
    pub unconfirmed: u64,
    /// [`Verdict::Wrong`], with those that were removed.
    pub wrong: u64,
    /// [`Verdict::Unchecked`]
    pub unchecked: u64,
    /// [`Verdict::Stray`], with those that were removed.
    pub stray: u64,
    /// [`Verdict::Skipped`]
    pub skipped: u64,
    /// How many of them were removed.
    pub removed: u64,
}

impl Summary {
    /// How many files were looked at.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.good + self.unconfirmed + self.wrong + self.unchecked + self.stray + self.skipped
    }

    /// Whether every file could be checked and none was wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.wrong == 0 && self.unchecked == 0
    }

    /// All counts, in an order that does not change.
    pub(super) fn counts(&mut self) -> [&mut u64; 7] {
        [
            &mut self.good,
            &mut self.unconfirmed,
            &mut self.wrong,
            &mut self.unchecked,
            &mut self.stray,
            &mut self.skipped,
            &mut self.removed,
        ]
    }

    pub(super) fn add(&mut self, file: &Checked) {
        let count = match file.verdict {
            Verdict::Good => &mut self.good,
            Verdict::Unconfirmed(_) => &mut self.unconfirmed,
            Verdict::Wrong(_) => &mut self.wrong,
            Verdict::Unchecked(_) => &mut self.unchecked,
            Verdict::Stray(_) => &mut self.stray,
            Verdict::Skipped => &mut self.skipped,
        };
        *count += 1;
        self.removed += u64::from(file.removed);
    }
}
