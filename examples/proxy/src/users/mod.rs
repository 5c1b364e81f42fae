//! Who may use the proxy, and who it was.

mod address;
mod args;
mod auth;
mod checker;
mod htpasswd;
mod per_address;
mod slow;
mod tokens;
mod verified;

pub(crate) use self::address::{Client, Trusted};
pub(crate) use self::args::{UserArgs, UserSource};
pub(crate) use self::auth::{Users, protect};
