//! What a request asks for: one resource of one module.

mod error;
mod parse;
mod resource;
mod value;

pub use self::error::InvalidTarget;
pub use self::resource::Resource;
pub use self::value::Target;
