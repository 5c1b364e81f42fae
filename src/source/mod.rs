//! What a source says about its answers.

mod area;
mod stored_elsewhere;

pub use self::area::{Area, HasArea};
pub use self::stored_elsewhere::StoredElsewhere;
