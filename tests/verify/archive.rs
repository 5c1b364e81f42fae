//! Zips written by hand, right or wrong in every field.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

pub const STORED: u16 = 0;
pub const DEFLATED: u16 = 8;

/// How the record behind a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor {
    Signed,
    Bare,
    Signed64,
    /// With another checksum than that of the file.
    Wrong,
}

#[derive(Clone, Debug)]
pub struct File {
    /// In the list.
    pub name: Vec<u8>,
    pub local_name: Option<Vec<u8>>,
    pub data: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub attributes: u32,
    /// In the list, where these differ from what is true.
    pub crc: Option<u32>,
    pub size: Option<u32>,
    pub packed: Option<u32>,
    pub offset: Option<u32>,
    pub extra: Vec<u8>,
    pub comment: Vec<u8>,
    pub descriptor: Option<Descriptor>,
    /// Sizes and offset in a field of their own.
    pub zip64: bool,
}

impl File {
    pub fn new(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            local_name: None,
            data: data.as_ref().to_vec(),
            method: DEFLATED,
            flags: 0,
            attributes: 0,
            crc: None,
            size: None,
            packed: None,
            offset: None,
            extra: Vec::new(),
            comment: Vec::new(),
            descriptor: None,
            zip64: false,
        }
    }

    /// What is deflated already. See [`Archive::bytes_of_packed`].
    pub fn packed(name: impl AsRef<[u8]>, packed: &[u8], size: u32) -> Self {
        Self {
            size: Some(size),
            ..Self::new(name, packed).stored()
        }
    }

    pub fn stored(self) -> Self {
        Self {
            method: STORED,
            ..self
        }
    }

    fn packed_data(&self) -> Vec<u8> {
        if self.method != DEFLATED {
            return self.data.clone();
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.data).unwrap();
        encoder.finish().unwrap()
    }
}

/// Files, and what is around them.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    pub files: Vec<File>,
    /// Of files that are not in the list.
    pub unlisted: usize,
    pub before: Vec<u8>,
    pub comment: Vec<u8>,
    pub after: Vec<u8>,
    pub count: Option<u16>,
    pub list_size: Option<u32>,
    pub list_at: Option<u32>,
    pub zip64: bool,
}

impl Archive {
    pub fn of(files: impl IntoIterator<Item = File>) -> Self {
        Self {
            files: files.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Says of all files that they are deflated.
    pub fn bytes_of_packed(&self) -> Vec<u8> {
        let mut zip = self.bytes();
        for at in 0..zip.len() - 12 {
            match &zip[at..at + 4] {
                b"PK\x03\x04" => zip[at + 8] = DEFLATED as u8,
                b"PK\x01\x02" => zip[at + 10] = DEFLATED as u8,
                _ => {}
            }
        }
        zip
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.before.clone();
        let mut list = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            let at = (bytes.len() - self.before.len()) as u32;
            let packed = file.packed_data();
            let crc = crc32fast::hash(&file.data);
            let (len, size) = (packed.len() as u32, file.data.len() as u32);
            let flags = file.flags | if file.descriptor.is_some() { 8 } else { 0 };
            let local_name = file.local_name.as_ref().unwrap_or(&file.name);
            let sizes = match file.descriptor {
                Some(_) => [0; 3],
                None => [crc, len, size],
            };
            bytes.extend(b"PK\x03\x04\x14\0");
            bytes.extend([flags, file.method, 0, 0x21].map(u16::to_le_bytes).concat());
            bytes.extend(sizes.map(u32::to_le_bytes).concat());
            bytes.extend([local_name.len() as u16, 0].map(u16::to_le_bytes).concat());
            bytes.extend(local_name);
            bytes.extend(&packed);
            match file.descriptor {
                None => {}
                Some(Descriptor::Bare) => {
                    bytes.extend([crc, len, size].map(u32::to_le_bytes).concat())
                }
                Some(signed @ (Descriptor::Signed | Descriptor::Wrong)) => {
                    let crc = crc ^ u32::from(signed == Descriptor::Wrong);
                    bytes.extend(b"PK\x07\x08");
                    bytes.extend([crc, len, size].map(u32::to_le_bytes).concat());
                }
                Some(Descriptor::Signed64) => {
                    bytes.extend(b"PK\x07\x08");
                    bytes.extend([crc, len, 0, size, 0].map(u32::to_le_bytes).concat());
                }
            }
            if index >= self.files.len() - self.unlisted {
                continue;
            }
            let crc = file.crc.unwrap_or(crc);
            let mut numbers = [
                file.packed.unwrap_or(len),
                file.size.unwrap_or(size),
                file.offset.unwrap_or(at),
            ];
            let mut extra = file.extra.clone();
            if file.zip64 {
                let [packed, size, at] = numbers.map(|number| u64::from(number).to_le_bytes());
                extra.extend([1, 0, 24, 0]);
                extra.extend([size, packed, at].concat());
                numbers = [u32::MAX; 3];
            }
            let lengths = [file.name.len(), extra.len(), file.comment.len()];
            list.extend(b"PK\x01\x02\x14\x03\x14\0");
            list.extend([flags, file.method, 0, 0x21].map(u16::to_le_bytes).concat());
            list.extend([crc, numbers[0], numbers[1]].map(u32::to_le_bytes).concat());
            list.extend(lengths.map(|len| (len as u16).to_le_bytes()).concat());
            list.extend([0; 4]);
            list.extend(file.attributes.to_le_bytes());
            list.extend(numbers[2].to_le_bytes());
            list.extend(&file.name);
            list.extend(extra);
            list.extend(&file.comment);
        }
        let count = (self.files.len() - self.unlisted) as u16;
        let count = self.count.unwrap_or(count);
        let list_at = self
            .list_at
            .unwrap_or((bytes.len() - self.before.len()) as u32);
        let list_size = self.list_size.unwrap_or(list.len() as u32);
        bytes.extend(list);
        let mut end = (count, list_size, list_at);
        if self.zip64 {
            let at = bytes.len() as u64;
            bytes.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0");
            bytes.extend([0; 8]);
            let (count, size, start) = (u64::from(count), u64::from(list_size), u64::from(list_at));
            bytes.extend([count, count, size, start].map(u64::to_le_bytes).concat());
            bytes.extend(b"PK\x06\x07\0\0\0\0");
            bytes.extend(at.to_le_bytes());
            bytes.extend([1, 0, 0, 0]);
            end = (u16::MAX, u32::MAX, u32::MAX);
        }
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend([end.0, end.0].map(u16::to_le_bytes).concat());
        bytes.extend([end.1, end.2].map(u32::to_le_bytes).concat());
        bytes.extend((self.comment.len() as u16).to_le_bytes());
        bytes.extend(&self.comment);
        bytes.extend(&self.after);
        bytes
    }
}
