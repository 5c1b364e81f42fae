//! Patterns of module paths (`go help module-private`).

/// Whether one of the patterns, with commas between them, matches the path or a prefix of it that ends with an element.
pub(crate) fn is_private(patterns: &str, path: &str) -> bool {
    patterns.split(',').any(|pattern| {
        let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
        let elements = pattern.split('/').count();
        let prefix: Vec<&str> = path.splitn(elements + 1, '/').take(elements).collect();
        !pattern.is_empty()
            && prefix.len() == elements
            && pattern
                .split('/')
                .zip(prefix)
                .all(|(pattern, element)| matches(pattern.as_bytes(), element.as_bytes()))
    })
}

/// As `path.Match` of Go does it for one element. A pattern that is malformed matches nothing.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        [b'?', rest @ ..] => !text.is_empty() && matches(rest, &text[1..]),
        [b'[', rest @ ..] => match (text.split_first(), class(rest)) {
            (Some((byte, text)), Some((is_in, rest))) => is_in(byte) && matches(rest, text),
            _ => false,
        },
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
            text.first() == Some(byte) && matches(rest, &text[1..])
        }
    }
}

/// What is in `[a-z]` or `[^a-z]`, and the rest behind it.
fn class(pattern: &[u8]) -> Option<(impl Fn(&u8) -> bool, &[u8])> {
    let end = pattern.iter().position(|byte| *byte == b']')?;
    let (inner, rest) = (&pattern[..end], &pattern[end + 1..]);
    let (is_not, mut inner) = match inner {
        [b'^', inner @ ..] => (true, inner),
        inner => (false, inner),
    };
    let mut ranges = Vec::new();
    while let Some((low, after)) = inner.split_first() {
        let (high, after) = match after {
            [b'-', high, after @ ..] => (high, after),
            after => (low, after),
        };
        ranges.push(*low..=*high);
        inner = after;
    }
    if ranges.is_empty() {
        return None;
    }
    let is_in = move |byte: &u8| ranges.iter().any(|range| range.contains(byte)) != is_not;
    Some((is_in, rest))
}

#[cfg(test)]
mod tests {
    use super::is_private;
    use crate::module::vectors::data;

    #[test]
    fn patterns_are_those_of_go() {
        for vector in data::of("MatchPrefix", 24) {
            let [patterns, path] = [0, 1].map(|at| vector.text(at).unwrap());
            let found = is_private(patterns, path).to_string();
            assert_eq!(found, vector.result, "{patterns} {path}");
        }
    }

    #[test]
    fn patterns_are_of_prefixes_and_of_whole_elements() {
        for (patterns, path, want) in [
            ("git.corp.example", "git.corp.example/team/m", true),
            ("*.corp.example", "git.corp.example/team/m", true),
            ("*.corp.example", "corp.example/m", false),
            ("x.example,github.com/corp/", "github.com/corp/m", true),
            ("github.com/corp", "github.com/corporate/m", false),
            ("github.com/corp/m", "github.com/corp", false),
            ("github.com/*/m", "github.com/corp/m/v2", true),
            ("github.com/c[o-p]?p", "github.com/corp", true),
            ("github.com/[^c]orp", "github.com/corp", false),
            ("github.com/[", "github.com/[", false),
            ("", "github.com/corp", false),
            (",", "github.com/corp", false),
        ] {
            assert_eq!(is_private(patterns, path), want, "{patterns} {path}");
        }
    }
}
