//! The JSON of `.info` and `@latest`, read as the go command reads it.

use std::fmt;

use serde_json::{Map, Value};

/// An object, and nothing after it. Of two fields of the very same name the last counts.
pub(crate) fn parse(content: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    serde_json::from_slice(content)
}

/// Two fields have the same name for Go, and only it knows which of them counts.
#[derive(Debug)]
pub(crate) struct Ambiguous(&'static str);

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it has {} in two spellings", self.0)
    }
}

impl std::error::Error for Ambiguous {}

/// A field by its name, which Go compares by simple case folding.
pub(crate) fn field<'a>(
    info: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a Value>, Ambiguous> {
    let mut found = info.iter().filter(|(key, _)| folds_to(key, name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Ambiguous(name)),
        (found, None) => Ok(found.map(|(_, value)| value)),
    }
}

/// `name` is of ASCII letters. Two letters beyond ASCII fold to ones in it.
fn folds_to(key: &str, name: &str) -> bool {
    let fold = |char| match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        char => char.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

#[cfg(test)]
mod tests {
    use super::{field, parse};

    #[test]
    fn a_field_is_found_in_any_spelling_that_go_takes() {
        for json in [
            r#"{"Version":1}"#,
            r#"{"vERSION":1}"#,
            r#"{"Ver\u017fion":1}"#,
            r#"{"Version":0,"Version":1}"#,
        ] {
            let info = parse(json.as_bytes()).unwrap();
            assert_eq!(field(&info, "Version").unwrap().unwrap(), 1, "{json}");
        }
    }

    #[test]
    fn two_spellings_at_once_are_refused() {
        for json in [
            r#"{"Version":1,"version":2}"#,
            r#"{"version":1,"Version":2}"#,
            r#"{"Ver\u017fion":1,"Version":2}"#,
        ] {
            let info = parse(json.as_bytes()).unwrap();
            assert!(field(&info, "Version").is_err(), "{json}");
        }
    }
}
