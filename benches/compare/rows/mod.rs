//! What is measured, and what it has to show.

pub mod check;
pub mod cold;
pub mod cold_rows;
pub mod layer;
pub mod memory;
pub mod memory_plot;
pub mod memory_rows;
pub mod small_hits;
pub mod timeline;
pub mod zip_hits;
