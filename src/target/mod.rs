//! What is requested: one resource of one module.

pub(crate) mod error;
mod parse;
pub(crate) mod resource;
pub(crate) mod value;

pub use self::error::InvalidTarget;
pub use self::resource::Resource;
pub use self::value::Target;
