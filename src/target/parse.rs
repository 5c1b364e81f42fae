//! From a request path to a [`Target`].

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::error::{Fault, InvalidTarget};
use super::resource::Resource;
use super::value::Target;
use crate::module::cut::at_last;
use crate::module::file_name::check_escaped_query;
use crate::module::path::ModulePath;
use crate::module::version::check_fits;

/// What divides the module from the resource. A module path has no `@`, but a version query can.
const DIVIDER: &str = "/@";

pub(super) fn parse(path: &str) -> Result<Option<Target<'_>>, InvalidTarget> {
    let Some(path) = path.strip_prefix('/') else {
        return Ok(None);
    };
    let text = match memchr(b'%', path.as_bytes()) {
        None => Cow::Borrowed(path),
        Some(_) => match decode(path)? {
            Some(text) => Cow::Owned(text),
            None => return Ok(None),
        },
    };
    let Some(module_len) = split(text.as_bytes()) else {
        return Ok(None);
    };
    if is_checksum_database(text.as_bytes()) {
        return Ok(None);
    }
    let module = ModulePath::from_escaped(&text[..module_len])
        .map_err(|error| InvalidTarget(Fault::Module(error)))?;
    let resource = match &text[module_len + DIVIDER.len()..] {
        "latest" => Resource::Latest,
        "v/list" => Resource::List,
        // `split` has seen to it that what is left starts with `v/`.
        file => classify(&module, &file["v/".len()..])?,
    };
    Ok(Some(Target::trusted(text, module_len, resource)))
}

/// Whether there is an `@`, encoded or not. Without one it is a route of the app, whose path need not be decoded.
fn has_at(path: &[u8]) -> bool {
    path.contains(&b'@') || path.windows(3).any(|bytes| matches!(bytes, b"%40"))
}

/// Where the divider is; `None` when the path is no request for a module.
fn split(path: &[u8]) -> Option<usize> {
    let at = memchr_iter(b'@', path).find(|&at| path[..at].ends_with(b"/"))?;
    let rest = &path[at + 1..];
    (rest == b"latest" || rest.starts_with(b"v/")).then_some(at - 1)
}

fn is_checksum_database(path: &[u8]) -> bool {
    path.starts_with(b"sumdb/")
}

fn classify(module: &ModulePath<'_>, file: &str) -> Result<Resource, InvalidTarget> {
    let (asked, resource) = match at_last(file, b'.') {
        Some((asked, "info")) => (asked, Resource::Info),
        Some((asked, "mod")) => (asked, Resource::Mod),
        Some((asked, "zip")) => (asked, Resource::Zip),
        _ => return Err(InvalidTarget(Fault::UnknownResource)),
    };
    let error = match check_fits(module, asked) {
        Ok(()) => return Ok(resource),
        Err(error) => error,
    };
    check_escaped_query(asked).map_err(|error| InvalidTarget(Fault::Version(error)))?;
    if resource != Resource::Info {
        return Err(InvalidTarget(Fault::NotAVersion(error)));
    }
    match asked {
        "latest" => Err(InvalidTarget(Fault::WordOfGo("latest"))),
        "upgrade" => Err(InvalidTarget(Fault::WordOfGo("upgrade"))),
        "patch" => Err(InvalidTarget(Fault::WordOfGo("patch"))),
        _ => Ok(Resource::Query),
    }
}

/// Undoes percent-encoding, once. `None` when it is a route of the app, which may be called anything: only what asks for
/// a module is judged.
fn decode(path: &str) -> Result<Option<String>, InvalidTarget> {
    if !has_at(path.as_bytes()) {
        return Ok(None);
    }
    // One allocation, which the length of what comes does not tell.
    let mut bytes = Vec::with_capacity(path.len());
    bytes.extend(percent_encoding::percent_decode_str(path));
    let (bytes, fault) = if is_percent_encoding(path.as_bytes()) {
        match String::from_utf8(bytes) {
            Ok(text) => return Ok(Some(text)),
            Err(error) => (error.into_bytes(), Fault::NotUtf8),
        }
    } else {
        (bytes, Fault::PercentEncoding)
    };
    if split(&bytes).is_some() && !is_checksum_database(&bytes) {
        return Err(InvalidTarget(fault));
    }
    Ok(None)
}

/// The decoder leaves a `%` without two digits as it is; two proxies in a row could then
/// understand two different paths.
fn is_percent_encoding(path: &[u8]) -> bool {
    let mut bytes = path.iter();
    while let Some(byte) = bytes.next() {
        let good = *byte != b'%'
            || [bytes.next(), bytes.next()]
                .iter()
                .all(|digit| digit.is_some_and(u8::is_ascii_hexdigit));
        if !good {
            return false;
        }
    }
    true
}
