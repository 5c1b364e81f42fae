//! The filter file: its grammar, which rule wins, and our answer to each quirk of Athens' own reader.

mod ask;
mod case;
mod errors;
mod files;
mod precedence;
mod quirks;
mod signs;
mod versions;
