use std::io;

use super::traits::Verified;

/// Why a built-in check has not passed a file.
#[derive(Debug)]
pub(super) enum Failed {
    Rejected(String),
    Unreadable(io::Error),
}

impl From<&str> for Failed {
    fn from(reason: &str) -> Self {
        Self::Rejected(reason.to_owned())
    }
}

impl From<String> for Failed {
    fn from(reason: String) -> Self {
        Self::Rejected(reason)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

pub(super) fn verified(checked: Result<(), Failed>) -> Verified {
    match checked {
        Ok(()) => Verified::Passed,
        Err(Failed::Rejected(reason)) => Verified::Rejected(reason),
        Err(Failed::Unreadable(error)) => {
            Verified::Unknown(format!("cannot read the file: {error}"))
        }
    }
}
