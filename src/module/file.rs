//! The names of files in a module.

use super::element::{Kind, check_elements};
use super::error::PathFault;
use super::escape::Form;

/// The rules of `CheckFilePath` in [golang.org/x/mod/module](https://pkg.go.dev/golang.org/x/mod/module).
pub(crate) fn check_file_path(path: &str) -> Result<(), PathFault> {
    check_elements(path, Kind::File, Form::Plain)
}
