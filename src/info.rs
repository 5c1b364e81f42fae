//! The JSON of `.info` and `@latest`, read as the go command reads it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object in their order, with their texts.
pub(crate) struct Fields<'a>(Vec<(Key, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// An object, and nothing after it.
    ///
    /// To Go, bytes that are not UTF-8 are a replacement character: `json` is the text with these replaced.
    pub(crate) fn parse(json: &'a str) -> Result<Self, String> {
        let fields = serde_json::from_str(json).map_err(|error| error.to_string())?;
        match is_taken(json) {
            true => Ok(fields),
            false => Err("it is nested too deeply, or a name has control characters".to_owned()),
        }
    }

    /// All values of a field. Go compares names by simple case folding, and sets the field once for each.
    pub(crate) fn of(&self, name: &'static str) -> impl Iterator<Item = Value<'a>> {
        let found = self.0.iter().filter(move |(key, _)| key.folds_to(name));
        found.map(|(_, value)| Value(value.get()))
    }

    /// The text that Go sets a field to, or `None` if one of its values is not a text. Empty without a value.
    pub(crate) fn text(&self, name: &'static str) -> Option<String> {
        let mut text = String::new();
        for value in self.of(name) {
            if !value.is_null() {
                text = value.text()?;
            }
        }
        Some(text)
    }
}

/// Whether Go reads so deep, and all names: here they are bytes, for which the parser does less.
fn is_taken(json: &str) -> bool {
    const MAX_DEPTH: usize = 10_000;

    let (mut depth, mut most) = (0_usize, 0);
    let mut bytes = json.bytes();
    let mut is_text = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_text = !is_text,
            b'\\' if is_text => _ = bytes.next(),
            ..b' ' if is_text => return false,
            b'[' | b'{' if !is_text => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' if !is_text => depth -= 1,
            _ => {}
        }
    }
    most <= MAX_DEPTH
}

/// A value as it is written.
pub(crate) struct Value<'a>(pub(crate) &'a str);

impl Value<'_> {
    /// Which changes nothing for Go.
    pub(crate) fn is_null(&self) -> bool {
        self.0 == "null"
    }

    fn text(&self) -> Option<String> {
        // For Go half of a surrogate pair is a replacement character. No name or version has one.
        let text = serde_json::from_str(self.0);
        self.0
            .starts_with('"')
            .then(|| text.unwrap_or_else(|_| "\u{fffd}".to_owned()))
    }
}

/// A name, which may be no Unicode.
struct Key(Vec<u8>);

impl Key {
    /// `name` is of ASCII letters. Two letters beyond ASCII fold to ones in it.
    fn folds_to(&self, name: &str) -> bool {
        let fold = |char| match char {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            char => char.to_ascii_lowercase(),
        };
        let key = std::str::from_utf8(&self.0).unwrap_or_default();
        key.chars().map(fold).eq(name.chars().map(fold))
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Key(name.into()))
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Key, E> {
                Ok(Key(name.into()))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;

    fn version(json: &str) -> Option<String> {
        Fields::parse(json).unwrap().text("Version")
    }

    #[test]
    fn a_field_is_found_in_any_spelling_that_go_takes() {
        for json in [
            r#"{"Version":"1"}"#,
            r#"{"vERSION":"1"}"#,
            r#"{"Ver\u017fion":"1"}"#,
            r#"{"\ud800":[[1e999]],"Version":"\u0031","Version":null}"#,
        ] {
            assert_eq!(version(json).unwrap(), "1", "{json}");
        }
    }

    #[test]
    fn of_several_values_the_last_counts() {
        for json in [
            r#"{"Version":"0","Version":"1"}"#,
            r#"{"Version":"0","version":"1"}"#,
            r#"{"version":"0","Version":"1"}"#,
            r#"{"Version":"\ud800","Version":"1"}"#,
        ] {
            assert_eq!(version(json).unwrap(), "1", "{json}");
        }
    }

    #[test]
    fn every_value_is_a_text() {
        assert_eq!(version(r#"{"Version":1,"Version":"1"}"#), None);
        assert_eq!(version("{}").unwrap(), "");
    }
}
