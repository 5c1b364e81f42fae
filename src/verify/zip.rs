use std::io::{self, Read, Seek, SeekFrom};

use ::zip::ZipArchive;

use super::error::Rejected;

/// The archive opens, and each name begins with `prefix`, which is `{module}@{version}/`
/// unescaped. Names are compared as bytes, as the go command does.
pub(crate) fn check_zip(archive: impl Read + Seek, prefix: &str) -> Result<(), Rejected> {
    let mut limited = Limited {
        inner: archive,
        left: MAX_DIRECTORY,
    };
    let outside = ZipArchive::new(&mut limited).map(|archive| {
        let mut names = archive.file_names_raw();
        names
            .find(|name| !name.starts_with(prefix.as_bytes()))
            .map(<[u8]>::to_vec)
    });
    match outside {
        Ok(None) => Ok(()),
        Ok(Some(name)) => Err(Rejected::Outside {
            prefix: prefix.to_owned(),
            name,
        }),
        Err(_) if limited.left == 0 => Err(Rejected::TooManyFiles),
        Err(error) => Err(Rejected::NoZip(error)),
    }
}

/// How much of an archive is read to list its files. Each of them is kept in memory while the
/// names are compared, at some times its size here; 200,000 files fit.
const MAX_DIRECTORY: u64 = 32 * 1024 * 1024;

/// A reader that fails after so many bytes.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Limited<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use ::zip::ZipWriter;
    use ::zip::write::SimpleFileOptions;

    use super::check_zip;

    fn archive(names: &[&str]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(b"module x\n").unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn takes_a_zip_of_the_version() {
        let zip = archive(&["a.b/C@v1.0.0/go.mod", "a.b/C@v1.0.0/x/y.go"]);
        assert!(check_zip(Cursor::new(zip), "a.b/C@v1.0.0/").is_ok());
    }

    #[test]
    fn refuses_names_of_another_version() {
        let zip = archive(&["a.b/c@v1.0.0/go.mod", "a.b/c@v1.0.1/go.mod"]);
        let refused = check_zip(Cursor::new(zip), "a.b/c@v1.0.0/").unwrap_err();
        assert!(refused.to_string().contains("a.b/c@v1.0.1/go.mod"));
    }

    #[test]
    fn refuses_every_cut_of_a_zip() {
        let zip = archive(&["a.b/c@v1.0.0/go.mod", "a.b/c@v1.0.0/c.go"]);
        for len in 0..zip.len() {
            assert!(
                check_zip(Cursor::new(&zip[..len]), "a.b/c@v1.0.0/").is_err(),
                "cut to {len} of {}",
                zip.len()
            );
        }
    }

    #[test]
    fn refuses_a_list_of_files_that_would_fill_the_memory() {
        let name = format!("a.b/c@v1.0.0/{}", "n".repeat(40_000));
        let names: Vec<String> = (0..900).map(|i| format!("{name}{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let refused = check_zip(Cursor::new(archive(&names)), "a.b/c@v1.0.0/").unwrap_err();
        assert_eq!(refused.to_string(), ".zip has too many files");
    }
}
