//! Clients that check every byte.

pub mod large;
pub mod small;
