//! Lengths, in bytes of the escaped form. The protocol has none; file systems and URLs do.

/// A whole module path. Room enough for any path that a version control host accepts.
pub(crate) const PATH: usize = 2048;

/// One element of a module path: a folder name on disk, of which common file systems take 255 bytes.
pub(crate) const ELEMENT: usize = 255;

/// A version or a version query: with `.info` behind it, it is a file name of at most 255 bytes.
pub(crate) const VERSION: usize = 250;
