use chrono::DateTime;
use serde_json::Value;

use crate::info::{field, parse};

/// Takes what the go command takes for a canonical version: an object whose `Version` is the one
/// asked for, with a `Time` in RFC 3339 and an `Origin` object if they are there. Like Go, names
/// are compared without case. The error is the reason.
pub(crate) fn check_info(content: &[u8], version: &str) -> Result<(), String> {
    let info = parse(content).map_err(|error| format!(".info is not a JSON object: {error}"))?;
    let field = |name| field(&info, name).map_err(|error| format!(".info is ambiguous: {error}"));
    match field("Version")? {
        Some(Value::String(found)) if found == version => {}
        Some(Value::String(found)) => return Err(format!(".info has another version: {found:?}")),
        _ => return Err(".info has no version".to_owned()),
    }
    match field("Time")? {
        None | Some(Value::Null) => {}
        Some(Value::String(time)) if DateTime::parse_from_rfc3339(time).is_ok() => {}
        Some(_) => return Err(".info has a malformed time".to_owned()),
    }
    match field("Origin")? {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err(".info has a malformed origin".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_info;

    #[test]
    fn takes_what_the_go_command_takes() {
        for info in [
            r#"{"Version":"v1.0.0"}"#,
            r#"{"version":"v1.0.0","time":"2020-01-02T03:04:05Z"}"#,
            r#"{"Version":"v1.0.0","Time":null,"Extra":[1]}"#,
            "{\"Version\":\"v1.0.0\",\"Time\":\"2020-01-02T03:04:05.678+02:00\"}\n \n",
            r#"{"Version":"v0.9.0","Version":"v1.0.0"}"#,
            r#"{"Version":"v1.0.0","Origin":{"VCS":"git"}}"#,
        ] {
            assert!(check_info(info.as_bytes(), "v1.0.0").is_ok(), "{info}");
        }
    }

    #[test]
    fn refuses_what_the_go_command_refuses() {
        for info in [
            r#"{"Version":"v1.0.1"}"#,
            "{}",
            "null",
            r#"{"Version":""}"#,
            r#"{"Version":1}"#,
            r#"{"Version":"v1.0.0","Time":""}"#,
            r#"{"Version":"v1.0.0","Time":"2020-01-02"}"#,
            r#"{"Version":"v1.0.0","Time":5}"#,
            r#"{"Version":"v1.0.0","Origin":"git"}"#,
            "[]",
            r#""v1.0.0""#,
            r#"{"Version":"v1.0.0","version":"v1.0.0"}"#,
            r#"{"Version":"v1.0.0"} x"#,
            "\u{feff}{\"Version\":\"v1.0.0\"}",
            "",
        ] {
            assert!(check_info(info.as_bytes(), "v1.0.0").is_err(), "{info}");
        }
    }
}
