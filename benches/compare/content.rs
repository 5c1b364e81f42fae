//! The modules that are served: valid module zips of an exact size, known byte by byte everywhere.
//!
//! A zip is a head, data, and a tail. The data repeats one block of random bytes, so that a client
//! compares what it gets against 64 KiB that stay in the processor's cache, and any number of
//! versions takes no memory. The length of the block is a prime: bytes that come from a wrong
//! place do not pass, since no buffer's length is a multiple of it.

use std::fs::{self, File};
use std::io::{self, Cursor, Write};
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub const KIB: u64 = 1024;
pub const MIB: u64 = 1024 * KIB;

/// What the data of all zips repeats.
pub static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let bytes = random().map(|number| number.to_le_bytes()[3]);
    bytes.take(65_521).collect()
});

/// The same ones each time.
fn random() -> impl Iterator<Item = u64> {
    let mut state = 1_u64;
    std::iter::repeat_with(move || {
        // Marsaglia's xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
}

/// A module with as many versions as anybody asks for, all of one size.
#[derive(Debug)]
pub struct Module {
    pub path: &'static str,
    /// Of its zip, in bytes; none when the files decide.
    size: Option<u64>,
    /// Besides the one that fills the zip up to its size.
    files: usize,
    template: OnceLock<Template>,
}

pub static ZIP_100K: Module = Module::new("example.com/zip100k", Some(100 * KIB), 0);
pub static ZIP_5M: Module = Module::new("example.com/zip5m", Some(5 * MIB), 0);
pub static ZIP_100M: Module = Module::new("example.com/zip100m", Some(100 * MIB), 0);
/// The largest that the go command takes.
pub static ZIP_500M: Module = Module::new("example.com/zip500m", Some(500 * MIB), 0);
/// What costs most to check: 18,000 deflated files.
pub static MANY_FILES: Module = Module::new("example.com/many", None, 18_000);

/// How modules begin of which there are as many as anybody asks for. They have a go.mod.
pub const SEEN_ONCE: &str = "example.com/seen-once-";

static MODULES: [&Module; 5] = [&ZIP_100K, &ZIP_5M, &ZIP_100M, &ZIP_500M, &MANY_FILES];

/// The bytes of one file.
#[derive(Debug)]
pub struct Content {
    pub head: Vec<u8>,
    /// How many bytes of repeated [`BLOCK`]s lie between head and tail.
    pub data: u64,
    pub tail: Vec<u8>,
}

/// A version that has the same length for every number.
pub fn version(number: usize) -> String {
    format!("v1.{}.0", 1_000_000 + number)
}

/// The path of a request, and of the file below a storage, is `/{this}`.
pub fn path(module: &Module, number: usize, extension: &str) -> String {
    format!("{}/@v/{}.{extension}", module.path, version(number))
}

/// What lies at the path of a request, without its first slash.
pub fn find(path: &str) -> Option<Content> {
    let (module, file) = path.split_once("/@v/")?;
    if module.starts_with(SEEN_ONCE) {
        return file
            .ends_with(".mod")
            .then(|| Content::small(go_mod(module)));
    }
    let module = MODULES.iter().find(|known| known.path == module)?;
    let (version, extension) = file.rsplit_once('.')?;
    match extension {
        "zip" => Some(module.zip(version)),
        "mod" => Some(Content::small(go_mod(module.path))),
        "info" => Some(Content::small(format!(
            "{{\"Version\":\"{version}\",\"Time\":\"2026-01-02T03:04:05Z\"}}"
        ))),
        _ => None,
    }
}

/// 300 bytes, as the go.mod of a small module has.
fn go_mod(module: &str) -> String {
    let mut text = format!("module {module}\n\ngo 1.22\n\n// ");
    while text.len() < 299 {
        text.push('x');
    }
    text.push('\n');
    text
}

impl Module {
    const fn new(path: &'static str, size: Option<u64>, files: usize) -> Self {
        Self {
            path,
            size,
            files,
            template: OnceLock::new(),
        }
    }

    pub fn zip(&self, version: &str) -> Content {
        self.template
            .get_or_init(|| Template::new(self))
            .with(version)
    }
}

impl Content {
    pub fn small(text: String) -> Self {
        Self {
            head: text.into_bytes(),
            data: 0,
            tail: Vec::new(),
        }
    }

    pub fn len(&self) -> u64 {
        self.head.len() as u64 + self.data + self.tail.len() as u64
    }

    /// The bytes from this offset on that lie together; none at the end.
    pub fn at(&self, offset: u64) -> &[u8] {
        let head = self.head.len() as u64;
        if offset < head {
            return &self.head[offset as usize..];
        }
        let offset = offset - head;
        if offset < self.data {
            let block = &BLOCK[(offset % BLOCK.len() as u64) as usize..];
            return &block[..block.len().min((self.data - offset) as usize)];
        }
        &self.tail[(offset - self.data) as usize..]
    }

    /// Whether these bytes stand at this offset.
    pub fn holds(&self, mut offset: u64, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let expected = self.at(offset);
            let len = expected.len().min(bytes.len());
            if len == 0 || expected[..len] != bytes[..len] {
                return false;
            }
            bytes = &bytes[len..];
            offset += len as u64;
        }
        true
    }

    /// Puts it where a static server or a storage looks for it.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = io::BufWriter::with_capacity(1 << 20, File::create(file)?);
        let mut offset = 0;
        while offset < self.len() {
            let bytes = self.at(offset);
            file.write_all(bytes)?;
            offset += bytes.len() as u64;
        }
        file.flush()
    }
}

/// The zip of one version, and where its name stands in it.
#[derive(Debug)]
struct Template {
    head: Vec<u8>,
    data: u64,
    tail: Vec<u8>,
    versions: [Vec<usize>; 2],
}

impl Template {
    fn new(module: &Module) -> Self {
        // What the names and the directory take, once.
        let overhead = zipped(module, 0).len() as u64;
        let data = module.size.map_or(0, |size| size - overhead);
        let mut head = zipped(module, data);
        assert!(module.size.is_none_or(|size| size == head.len() as u64));
        let tail = if data == 0 {
            Vec::new()
        } else {
            let start = find_in(&head, &BLOCK[..64])[0];
            let tail = head.split_off(start + data as usize);
            head.truncate(start);
            head.shrink_to_fit();
            tail
        };
        let name = version(0).into_bytes();
        let versions = [find_in(&head, &name), find_in(&tail, &name)];
        Self {
            head,
            data,
            tail,
            versions,
        }
    }

    fn with(&self, version: &str) -> Content {
        let rewritten = |bytes: &[u8], places: &[usize]| {
            let mut bytes = bytes.to_vec();
            for &place in places {
                bytes[place..place + version.len()].copy_from_slice(version.as_bytes());
            }
            bytes
        };
        Content {
            head: rewritten(&self.head, &self.versions[0]),
            data: self.data,
            tail: rewritten(&self.tail, &self.versions[1]),
        }
    }
}

fn find_in(bytes: &[u8], part: &[u8]) -> Vec<usize> {
    let starts = bytes.windows(part.len()).enumerate();
    starts
        .filter(|(_, window)| *window == part)
        .map(|(at, _)| at)
        .collect()
}

fn zipped(module: &Module, mut data: u64) -> Vec<u8> {
    let root = format!("{}@{}", module.path, version(0));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for number in 0..module.files {
        zip.start_file(
            format!("{root}/pkg{}/file{number}.go", number % 300),
            deflated,
        )
        .expect("a new name");
        zip.write_all(source(number).as_bytes()).expect("memory");
    }
    let stored = deflated.compression_method(CompressionMethod::Stored);
    zip.start_file(format!("{root}/data"), stored)
        .expect("a new name");
    while data > 0 {
        let len = BLOCK.len().min(data as usize);
        zip.write_all(&BLOCK[..len]).expect("memory");
        data -= len as u64;
    }
    zip.finish().expect("memory").into_inner()
}

/// Text that deflates about as Go does.
fn source(number: usize) -> String {
    let mut text = format!("package pkg{}\n", number % 300);
    for (line, bytes) in BLOCK.chunks(8).skip(number % 4_000).take(60).enumerate() {
        let name = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        text.push_str(&format!(
            "\nfunc F{name:x}(a int) int {{\n\treturn a + {line}\n}}\n"
        ));
    }
    text
}
