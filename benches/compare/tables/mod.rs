//! The tables, one file each.

mod first_run;
mod growth;
mod inside;
mod memory;
mod missing;
mod publish;
mod small;
mod tree;
mod unlimited;
mod zips;

use anyhow::Result;

use crate::report::Table;
use crate::world::World;

// Measures of more than one table.
const FIRST: &str = "first byte, s";
const LAST: &str = "last byte, s";
const FETCHES: &str = "upstream fetches";

type Measure = fn(&World) -> Result<Table>;

/// The name, whether `--short` includes it, and the function.
pub const TABLES: [(&str, bool, Measure); 10] = [
    ("missing", true, missing::measure),
    ("unlimited", true, unlimited::measure),
    ("small", false, small::measure),
    ("zips", false, zips::measure),
    ("tree", false, tree::measure),
    ("memory", true, memory::measure),
    ("inside", true, inside::measure),
    ("publish", false, publish::measure),
    ("growth", false, growth::measure),
    ("first-run", false, first_run::measure),
];
