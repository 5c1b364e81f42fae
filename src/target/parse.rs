//! From a request path to a [`Target`].

use percent_encoding::percent_decode_str;

use super::error::{Fault, InvalidTarget};
use super::resource::Resource;
use super::value::Target;
use crate::module::error::InvalidVersion;
use crate::module::path::ModulePath;
use crate::module::query::check_escaped_query;
use crate::module::version::check_fits;

/// What divides the module from the resource. A module path has no `@`, but a version query can.
const DIVIDER: &str = "/@";

const UNKNOWN: &str = "unknown resource (want list, or a version with .info, .mod or .zip)";

/// Undoes percent-encoding, once.
pub(super) fn parse(path: &str) -> Result<Option<Target<'_>>, InvalidTarget> {
    let Some(path) = path.strip_prefix('/') else {
        return Ok(None);
    };
    let text = percent_decode_str(path).decode_utf8_lossy();
    let Some((module, resource)) = text.split_once(DIVIDER) else {
        return Ok(None);
    };
    let is_module_request = resource == "latest" || resource.starts_with("v/");
    if !is_module_request || text.starts_with("sumdb/") {
        return Ok(None);
    }
    // Only now: a route of the app may be encoded in any way.
    if !is_percent_encoding(path) {
        return Err(InvalidTarget(Fault::Text("malformed percent-encoding")));
    }
    // What is not UTF-8 is not ASCII in `text`, and so refused.
    let module = ModulePath::from_escaped(module).map_err(Fault::Module);
    let module = module.map_err(InvalidTarget)?;
    let resource = match resource.strip_prefix("v/") {
        None => Resource::Latest,
        Some("list") => Resource::List,
        Some(file) => resource_of_file(&module, file).map_err(InvalidTarget)?,
    };
    let module_len = module.escaped().len();
    Ok(Some(Target::trusted(text, module_len, resource)))
}

fn resource_of_file(module: &ModulePath<'_>, file: &str) -> Result<Resource, Fault> {
    let (version, resource) = match file.rsplit_once('.') {
        Some((version, "info")) => (version, Resource::Info),
        Some((version, "mod")) => (version, Resource::Mod),
        Some((version, "zip")) => (version, Resource::Zip),
        _ => return Err(Fault::Text(UNKNOWN)),
    };
    let Err(error) = check_fits(module, version) else {
        return Ok(resource);
    };
    check_escaped_query(version).map_err(Fault::Version)?;
    if resource != Resource::Info {
        return Err(Fault::Version(error));
    }
    // No repository is asked for these.
    if ["latest", "upgrade", "patch"].contains(&version) {
        let fault = format!("\"{version}\" is resolved by the go command");
        return Err(Fault::Version(InvalidVersion(fault.into())));
    }
    Ok(Resource::Query)
}

/// The decoder leaves a `%` without two digits as it is; two proxies in a row could then
/// understand two different paths.
fn is_percent_encoding(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}
