//! Module paths and versions: the rules of
//! [golang.org/x/mod](https://pkg.go.dev/golang.org/x/mod/module) as types.
//!
//! A [`ModulePath`] or a [`Version`] cannot exist unless it is valid. What becomes a storage key,
//! an upstream URL or an argument of a command is made of these two, and so never of unchecked
//! text from a request.
//!
//! Both keep the *escaped* form, in which each capital is a `!` and a small letter: it is what
//! requests carry and what storage uses, so the way from a request to a stored file allocates
//! nothing.
//!
//! ```
//! use tower_goproxy::module::{ModulePath, Version, check};
//!
//! let module = ModulePath::new("github.com/BurntSushi/toml")?;
//! let version = Version::new("v1.4.0")?;
//! check(&module, &version)?;
//!
//! let key = format!("{}/@v/{}.zip", module.escaped(), version.escaped());
//! assert_eq!(key, "github.com/!burnt!sushi/toml/@v/v1.4.0.zip");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Two limits are added to Go's rules, since file systems have them: an escaped path has at most
//! 2,048 bytes with elements of at most 255, an escaped version at most 250 bytes.
//!
//! A version whose `+incompatible` contradicts its major number (`v1.2.3+incompatible`) is valid
//! here, as it is in golang.org/x/mod; version control refuses it later.

pub(crate) mod element;
pub(crate) mod error;
pub(crate) mod escape;
pub(crate) mod limits;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod semver;
mod suffix;
pub(crate) mod version;

#[cfg(test)]
pub(crate) mod vectors;

pub use self::error::{InvalidPath, InvalidVersion};
pub use self::path::ModulePath;
pub use self::version::{Version, check};
