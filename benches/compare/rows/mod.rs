//! What is measured, and what it has to show.

pub mod cold;
pub mod small_hits;
pub mod zip_hits;
