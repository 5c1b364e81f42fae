use std::fmt;

/// Where the files of a source belong. Files of different areas are stored apart: a file that came from a registry is not
/// a hit for a module that is now fetched from version control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Area {
    /// Modules of a registry: the plain layout of a storage.
    Included,
    /// Modules of version control, stored below `@direct/`, and answered `Cache-Control: private`.
    Direct,
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Included => "included",
            Self::Direct => "direct",
        })
    }
}

/// A layer asks what it wraps where the files belong: see [`HasArea`].
#[derive(Clone, Copy, Debug, Default)]
pub struct AreaOfSource;

/// A source that knows its [`Area`]. `FillLayer` reads it, unless `FillLayer::area` sets another one.
///
/// ```
/// use tower_goproxy::source::{Area, HasArea};
///
/// #[derive(Clone)]
/// struct Registry;
///
/// impl HasArea for Registry {
///     fn area(&self) -> Area {
///         Area::Included
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say where its files belong",
    note = "call `FillLayer::area(Area::Included)` for a registry, or `FillLayer::area(Area::Direct)` for version control"
)]
pub trait HasArea {
    /// The area of every file of this source.
    fn area(&self) -> Area;
}
