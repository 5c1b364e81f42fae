//! The file of options, and what is in force.

mod file;
mod names;
mod nearest;
mod show;

pub(crate) use self::file::{DirectEntry, File};
pub(crate) use self::names::{VARIABLE, keys, variable};
pub(crate) use self::nearest::nearest;
pub(crate) use self::show::{Loaded, without_credentials};
