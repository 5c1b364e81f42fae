//! Reads `vectors.tsv`: what the functions of golang.org/x/mod answer.

/// One line: what went into the function, and what came out.
#[derive(Debug)]
pub(crate) struct Vector {
    pub(crate) inputs: Vec<Vec<u8>>,
    pub(crate) result: String,
}

impl Vector {
    /// Input `index`, or `None` when it is not UTF-8 and so no Rust string at all.
    pub(crate) fn text(&self, index: usize) -> Option<&str> {
        std::str::from_utf8(&self.inputs[index]).ok()
    }
}

/// Every line: the name of the function, and the vector.
pub(crate) fn all() -> Vec<(&'static str, Vector)> {
    include_str!("vectors.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<_> = line.split('\t').collect();
            let [function, inputs @ .., result] = fields.as_slice() else {
                panic!("no vector: {line}");
            };
            let vector = Vector {
                inputs: inputs.iter().map(|input| decode(input)).collect(),
                result: (*result).to_owned(),
            };
            (*function, vector)
        })
        .collect()
}

/// The lines of one function; their number is given, so that none goes missing unseen.
pub(crate) fn of(function: &str, count: usize) -> Vec<Vector> {
    let found: Vec<_> = all()
        .into_iter()
        .filter(|(name, _)| *name == function)
        .map(|(_, vector)| vector)
        .collect();
    assert_eq!(found.len(), count, "lines of {function}");
    found
}

fn decode(input: &str) -> Vec<u8> {
    if input == "\"\"" {
        return Vec::new();
    }
    let mut bytes = Vec::new();
    let mut chars = input.chars();
    while let Some(c) = chars.next() {
        let plain = match (c, c == '\\') {
            ('␠', _) => ' ',
            (_, false) => c,
            (_, true) => match chars.next().expect("a letter after the backslash") {
                'x' => {
                    bytes.push(u8::try_from(hex(&mut chars, 2)).expect("two digits"));
                    continue;
                }
                'u' => char::from_u32(hex(&mut chars, 4)).expect("a character"),
                't' => '\t',
                other => other,
            },
        };
        bytes.extend(plain.encode_utf8(&mut [0; 4]).bytes());
    }
    bytes
}

fn hex(chars: &mut std::str::Chars<'_>, digits: usize) -> u32 {
    let text: String = chars.take(digits).collect();
    u32::from_str_radix(&text, 16).expect("hex digits")
}
