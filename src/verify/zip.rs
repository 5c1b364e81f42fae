use std::io::{Read, Seek};

use ::zip::ZipArchive;

use super::error::Rejected;

/// The archive opens, and each name begins with `prefix`, which is `{module}@{version}/`
/// unescaped. Names are compared as bytes, as the go command does.
pub(crate) fn check_zip(archive: impl Read + Seek, prefix: &str) -> Result<(), Rejected> {
    let archive = ZipArchive::new(archive)
        .map_err(|error| Rejected::new(format!(".zip does not open: {error}")))?;
    match archive
        .file_names_raw()
        .find(|name| !name.starts_with(prefix.as_bytes()))
    {
        None => Ok(()),
        Some(name) => Err(Rejected::new(format!(
            ".zip has a file outside of {prefix}: {:?}",
            String::from_utf8_lossy(name)
        ))),
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
}
