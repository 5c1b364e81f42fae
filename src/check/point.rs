//! The record of how far a check is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::file::Summary;

/// Its path in the storage.
pub(super) const RECORD: &str = "@records/check";

/// The last file that was checked, and what was found up to there.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    /// Empty before the first file.
    pub(super) path: String,
    pub(super) summary: Summary,
}

impl Point {
    /// The path comes last: it may have lines of its own.
    pub(super) fn write(&self, settings: &str) -> String {
        let (seconds, path) = (now().as_secs(), &self.path);
        let counts = self.summary.clone().counts().map(|count| count.to_string());
        format!("{settings}\n{seconds}\n{}\n{path}", counts.join(" "))
    }

    /// The point, and how long ago it was written. `None` if another check has written it, or it is malformed.
    pub(super) fn read(record: &[u8], settings: &str) -> Option<(Self, Duration)> {
        let record = str::from_utf8(record).ok()?;
        let mut lines = record.splitn(4, '\n');
        if lines.next()? != settings {
            return None;
        }
        let written = Duration::from_secs(lines.next()?.parse().ok()?);
        let (mut summary, mut counts) = (Summary::default(), lines.next()?.split(' '));
        for count in summary.counts() {
            *count = counts.next()?.parse().ok()?;
        }
        let path = lines.next()?.to_owned();
        Some((Self { path, summary }, now().saturating_sub(written)))
    }
}

fn now() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is wrong.
    since.unwrap_or_default()
}
