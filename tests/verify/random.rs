//! Archives and texts made by chance, the same for the same seed.

use crate::archive::{Archive, DEFLATED, Descriptor, File, STORED};

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Less than `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Once in so many times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

const ELEMENTS: &[&str] = &[
    "a",
    "b",
    "c.go",
    "d.go",
    "README.md",
    "LICENSE",
    "go.mod",
    "x_test.go",
    "sub",
    "internal",
    "vendor",
    ".github",
    "a b",
    "été",
    "испытание",
    "ß",
    "ss",
    "x~1",
    "v2",
    "testdata",
    "-x",
    "@",
    "#",
    "k",
    "s",
    "_x",
    "A1",
];
const ODD_ELEMENTS: &[&str] = &[
    "A", "C.GO", "GO.MOD", "go.MOD", ".", "..", "", "con", "NUL.txt", "com1", "a.", "a:b", "a\\b",
    "a*", "\n", "\u{0}", "☺", "\u{212a}", "ſ", "ẞ", "e\u{301}", "...", "\u{a0}", "ΐ", "ΐ", "Ǆ",
    "ǅ", "ǆ", "a|b", "a\"b", "a;b", "½", "lpt9.x.y", "ʼ",
];

fn name(random: &mut Random, prefix: &str) -> Vec<u8> {
    let mut elements = Vec::new();
    for _ in 0..=random.below(3) {
        elements.push(match random.one_in(40) {
            true => random.of(ODD_ELEMENTS),
            false => random.of(ELEMENTS),
        });
    }
    let folder = if random.one_in(12) { "/" } else { "" };
    let mut name = format!("{prefix}{}{folder}", elements.join("/")).into_bytes();
    match random.below(250) {
        0 => name = b"elsewhere/x".to_vec(),
        1 => name = prefix.into(),
        2 => name.push(0xff),
        3 => _ = name.remove(0),
        _ => {}
    }
    name
}

fn data(random: &mut Random) -> Vec<u8> {
    let len = match random.below(10) {
        0 => 0,
        1 => random.below(100_000),
        _ => random.below(300),
    };
    let is_text = !random.one_in(3);
    let byte = |random: &mut Random| match is_text {
        true => random
            .of(&["func ", "\n", "package x", "// ", "0123"])
            .as_bytes()
            .to_vec(),
        false => vec![random.next() as u8],
    };
    let mut data: Vec<u8> = Vec::new();
    while data.len() < len {
        data.extend(byte(random));
    }
    data
}

fn file(random: &mut Random, prefix: &str) -> File {
    let name = name(random, prefix);
    let is_folder = name.ends_with(b"/") && !random.one_in(10);
    let data = if is_folder { Vec::new() } else { data(random) };
    let mut file = File::new(name, data);
    file.method = if random.one_in(4) { STORED } else { DEFLATED };
    file.attributes = random.next() as u32;
    if random.one_in(3) {
        file.descriptor =
            Some([Descriptor::Signed, Descriptor::Bare, Descriptor::Signed64][random.below(3)]);
    }
    match random.below(120) {
        0 => file.crc = Some(0),
        1 => file.crc = Some(random.next() as u32),
        2 => file.size = Some(random.below(400) as u32),
        3 => file.size = Some(random.next() as u32),
        4 => file.packed = Some(random.below(400) as u32),
        5 => file.packed = Some(random.next() as u32),
        6 => file.offset = Some(random.below(400) as u32),
        7 => file.method = random.below(100) as u16,
        8 => file.flags = random.next() as u16,
        9 => file.flags = 0x801,
        10 => file.local_name = Some(b"other".to_vec()),
        11 => file.extra = b"\x75\x70\x05\0abcde".to_vec(),
        12 => file.extra = vec![1, 0, 0xff, 0xff, 1],
        13 => file.comment = vec![0xff; random.below(300)],
        14..=20 => file.zip64 = true,
        _ => {}
    }
    file
}

/// The bytes of a module's zip, valid or damaged.
pub fn zip(random: &mut Random, prefix: &str) -> Vec<u8> {
    let mut archive = Archive::default();
    for _ in 0..random.below(9) {
        let file = file(random, prefix);
        // Most names of an archive differ.
        if random.one_in(30) || archive.files.iter().all(|other| other.name != file.name) {
            archive.files.push(file);
        }
    }
    match random.below(60) {
        0 => archive.before = vec![b'x'; random.below(100)],
        1 => archive.comment = vec![b'c'; random.below(70_000)],
        2 => archive.comment = b"PK\x05\x06".repeat(8),
        3 => archive.after = vec![b'y'; random.below(70_000)],
        4 => archive.count = Some(random.below(20) as u16),
        5 => archive.list_size = Some(random.below(1000) as u32),
        6 => archive.list_at = Some(random.below(1000) as u32),
        7 => archive.before = Archive::of([file(random, prefix)]).bytes(),
        8 => archive.unlisted = usize::from(!archive.files.is_empty()),
        9..=13 => archive.zip64 = true,
        _ => {}
    }
    let mut bytes = archive.bytes();
    match random.below(8) {
        0 => damage(random, &mut bytes),
        1 if random.one_in(2) => {
            // In the list and the end record, where most of what counts is.
            let at = bytes.len() - bytes.len().min(400);
            damage(random, &mut bytes[at..]);
        }
        2 if random.one_in(3) => bytes.truncate(random.below(bytes.len())),
        3 if random.one_in(4) => {
            let (at, len) = (random.below(bytes.len()), random.below(20));
            bytes.drain(at..(at + len).min(bytes.len()));
        }
        4 if random.one_in(4) => {
            let at = random.below(bytes.len());
            let part = bytes[at..bytes.len().min(at + 60)].to_vec();
            bytes.splice(at..at, part);
        }
        _ => {}
    }
    bytes
}

fn damage(random: &mut Random, bytes: &mut [u8]) {
    for _ in 0..=random.below(2) {
        let at = random.below(bytes.len());
        bytes[at] = match random.below(4) {
            0 => 0xff,
            1 => 0,
            2 => random.next() as u8,
            _ => bytes[at] ^ 1 << random.below(8),
        };
    }
}

const KEYS: &[&str] = &[
    "Version",
    "version",
    "VERSION",
    "Ver\\u017fion",
    "Time",
    "time",
    "Origin",
    "ORIGIN",
    "Extra",
    "\\ud800",
    "V",
];
const VALUES: &[&str] = &[
    r#""v1.0.0""#,
    r#""v1.0.1""#,
    r#""""#,
    "null",
    "1",
    "1e999",
    "-0",
    "01",
    "true",
    "[]",
    "{}",
    "[[1,2],{}]",
    r#""2020-01-02T03:04:05Z""#,
    r#""2020-01-02T3:04:05Z""#,
    r#""2020-01-02T03:04:05,5+24:60""#,
    r#""2020-02-30T03:04:05Z""#,
    r#""2020-01-02T03:04:05.123456789123+02:00""#,
    r#""2020-01-02 03:04:05Z""#,
    r#""2020-01-02T03:04:05\u005a""#,
    r#"{"VCS":"git","URL":"https://x.y/z","Hash":"abc"}"#,
    r#"{"vcs":1}"#,
    r#"{"Ref":null,"ref":"x"}"#,
    r#"{"Other":1}"#,
    r#""\ud800""#,
    r#""\ud83d\ude00""#,
    "\"\t\"",
    r#""\x""#,
    r#""v1.0.\u0030""#,
    "\u{feff}1",
    "nul",
    "'x'",
];

/// The text of an `.info`, valid or damaged.
pub fn info(random: &mut Random) -> Vec<u8> {
    let mut fields: Vec<String> = (0..random.below(4))
        .map(|_| {
            let key = random.of(KEYS);
            let value = match (key.to_lowercase().as_str(), random.one_in(3)) {
                ("time", false) => random.of(&VALUES[12..19]),
                ("origin", false) => random.of(&VALUES[19..23]),
                _ => random.of(VALUES),
            };
            format!("\"{key}\":{value}")
        })
        .collect();
    if !random.one_in(6) {
        let at = random.below(fields.len() + 1);
        fields.insert(at, r#""Version":"v1.0.0""#.to_owned());
    }
    let blank = random.of(&["", "", " ", "\n", "\t\r\n", "\u{b}"]);
    let mut text = format!("{blank}{{{}}}{blank}", fields.join(&format!(",{blank}"))).into_bytes();
    match random.below(12) {
        0 => damage(random, &mut text),
        1 => text.truncate(random.below(text.len())),
        2 => text.extend(b" x"),
        3 => text = random.of(VALUES).as_bytes().to_vec(),
        _ => {}
    }
    text
}

const LINES: &[&str] = &[
    "module example.com/m",
    "module \"example.com/m\"",
    "module \"example.com\\u002fm\"",
    "module `example.com/m`",
    "module 'example.com/m'",
    "module example.com/a b",
    "module",
    "module ()",
    "module (",
    "\texample.com/m",
    ")",
    "(",
    "module example.com/m // Deprecated: no",
    "module\texample.com/m\r",
    "moduleexample.com/m",
    "module example.com//m",
    "module \"\"",
    "module \"",
    "module (a)",
    "module é",
    "module a\u{a0}b",
    "module a\u{200b}b",
    "module [a]",
    "// note",
    "/* note */",
    "go 1.21",
    "toolchain go1.21.0",
    "godebug default=go1.21",
    "require x.y/z v1.0.0 // indirect",
    "require (",
    "\tx.y/z v1.0.0",
    "retract [v1.0.0, v1.1.0] // \"quoted\"",
    "retract v1.0.0",
    "exclude x.y/z v1.1.0",
    "replace a.b/c => ../d",
    "tool x.y/z/cmd",
    "ignore ./x",
    "",
    " ",
];

/// The text of a `go.mod`, valid or damaged.
pub fn module_file(random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<&str> = (0..random.below(5)).map(|_| random.of(LINES)).collect();
    if !random.one_in(4) {
        let at = random.below(lines.len() + 1);
        lines.insert(at, LINES[0]);
    }
    let end = random.of(&["", "\n", "\r\n", "\n\n"]);
    let mut text = format!("{}{end}", lines.join("\n")).into_bytes();
    if random.one_in(6) && !text.is_empty() {
        damage(random, &mut text);
    }
    text
}
