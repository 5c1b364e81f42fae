//! The JSON of `.info` and `@latest`, read as the go command reads it.

use serde_json::{Map, Value};

/// An object, and nothing after it.
pub(crate) fn parse(content: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    serde_json::from_slice(content)
}

/// A field by its name. Like Go, names are compared without case.
pub(crate) fn field<'a>(info: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    info.iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .next_back()
}
