//! What a source says about its answers, and what sources share.

#[cfg(feature = "upstream")]
pub(crate) mod address;
mod area;
#[cfg(feature = "upstream")]
pub(crate) mod base;
#[cfg(any(feature = "go-get", feature = "upstream"))]
mod body;
#[cfg(any(feature = "fill", all(feature = "upstream", feature = "tracing")))]
pub(crate) mod chain;
#[cfg(feature = "upstream")]
pub(crate) mod error_text;
#[cfg(any(feature = "go-get", feature = "upstream"))]
pub(crate) mod file_body;
#[cfg(any(feature = "fill", feature = "go-get", feature = "upstream"))]
mod future;
#[cfg(feature = "upstream")]
pub(crate) mod health;
#[cfg(any(feature = "go-get", feature = "upstream"))]
pub(crate) mod host;
#[cfg(any(feature = "go-get", feature = "upstream"))]
pub(crate) mod netrc;
#[cfg(feature = "upstream")]
pub(crate) mod netrc_file;
#[cfg(any(feature = "go-get", feature = "sumdb"))]
pub(crate) mod patterns;
mod stored_elsewhere;
#[cfg(any(feature = "fill", feature = "go-get"))]
mod tasks;
#[cfg(feature = "fill")]
mod unattended;
#[cfg(any(feature = "fill", feature = "upstream"))]
mod uncertain;
mod validators;

pub use self::area::{Area, AreaOfSource, HasArea};
#[cfg(any(feature = "go-get", feature = "upstream"))]
pub use self::body::SourceBody;
#[cfg(any(feature = "fill", feature = "go-get", feature = "upstream"))]
pub use self::future::ResponseFuture;
pub use self::stored_elsewhere::StoredElsewhere;
#[cfg(any(feature = "fill", feature = "go-get"))]
pub use self::tasks::Tasks;
#[cfg(feature = "fill")]
pub(crate) use self::unattended::Unattended;
#[cfg(any(feature = "fill", feature = "upstream"))]
pub(crate) use self::uncertain::Uncertain;
pub use self::validators::Validators;
