//! Which module goes where: include, exclude or direct.

mod classify;
mod error;
mod parse;
mod qualifier;
mod rule;
mod rules;
mod table;

pub use self::classify::Policy;
pub use self::error::{ParseRulesError, ReadRulesError};
pub use self::rule::Rule;
pub use self::rules::Rules;
