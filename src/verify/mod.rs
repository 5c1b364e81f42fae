//! What a file has to be before it is stored, and before its last bytes reach a client.
//!
//! `.info` is JSON and names the version that was asked for, `.mod` is not empty and declares a
//! module, a `.zip` opens and all its names begin with `{module}@{version}/`.

mod error;
mod info;
mod module_file;
mod zip;

pub(crate) use self::error::Rejected;
pub(crate) use self::info::check_info;
pub(crate) use self::module_file::check_module_file;
pub(crate) use self::zip::check_zip;
