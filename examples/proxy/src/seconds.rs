//! Options that are durations.

use std::time::Duration;

/// Decimals are fine: `0.5`.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(limit) if limit >= Duration::from_millis(1) => Ok(limit),
        _ => Err("must be more than 0".to_owned()),
    }
}

/// As for [`seconds`], or nothing at all.
pub(crate) fn seconds_or_none(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(0.0) => Ok(Duration::ZERO),
        _ => seconds(text),
    }
}
