use std::io::{BufReader, ErrorKind};

use ::zip::ZipArchive;
use ::zip::result::ZipError;

use super::failed::Failed;
use super::whole_file::WholeFile;
use super::zip_directory::check_names;

/// The archive opens, and each name begins with `prefix`, which is `{module}@{version}/`
/// unescaped. Names are compared as bytes, as the go command does.
pub(super) fn check_zip(file: &WholeFile, prefix: &str) -> Result<(), Failed> {
    // Before the parser, which allocates memory for as many files as the end record says.
    check_names(file, prefix)?;
    match ZipArchive::new(BufReader::new(file.clone())) {
        Ok(_) => Ok(()),
        // The end of a field that is shorter than it says is not the end of the file.
        Err(ZipError::Io(error)) if error.kind() != ErrorKind::UnexpectedEof => Err(error.into()),
        Err(error) => Err(Failed::Rejected(format!(".zip does not open: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use ::zip::ZipWriter;
    use ::zip::write::SimpleFileOptions;
    use bytes::Bytes;

    use super::{Failed, check_zip};

    fn archive(names: &[&str]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(b"module x\n").unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn check(zip: &[u8], prefix: &str) -> Result<(), String> {
        match check_zip(&Bytes::copy_from_slice(zip).into(), prefix) {
            Ok(()) => Ok(()),
            Err(Failed::Rejected(reason)) => Err(reason),
            Err(Failed::Unreadable(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn takes_a_zip_of_the_version() {
        let zip = archive(&["a.b/C@v1.0.0/go.mod", "a.b/C@v1.0.0/x/y.go"]);
        assert_eq!(check(&zip, "a.b/C@v1.0.0/"), Ok(()));
        assert_eq!(check(&archive(&[]), "a.b/C@v1.0.0/"), Ok(()));
    }

    #[test]
    fn takes_what_the_go_command_takes() {
        let zip = archive(&["a.b/c@v1.0.0/go.mod"]);
        let after = [&*zip, b"garbage"].concat();
        let before = [b"garbage", &*zip].concat();
        let twice = [&*archive(&["other"]), &*zip].concat();
        let mut commented = [&*zip, b"a comment"].concat();
        commented[zip.len() - 2] = 9;
        for zip in [after, before, twice, commented] {
            assert_eq!(check(&zip, "a.b/c@v1.0.0/"), Ok(()));
        }
    }

    #[test]
    fn refuses_names_of_another_version() {
        let zip = archive(&["a.b/c@v1.0.0/go.mod", "a.b/c@v1.0.1/go.mod"]);
        let refused = check(&zip, "a.b/c@v1.0.0/").unwrap_err();
        assert!(refused.contains("a.b/c@v1.0.1/go.mod"), "{refused}");
    }

    #[test]
    fn refuses_every_cut_of_a_zip() {
        let zip = archive(&["a.b/c@v1.0.0/go.mod", "a.b/c@v1.0.0/c.go"]);
        for len in 0..zip.len() {
            let cut = check(&zip[..len], "a.b/c@v1.0.0/");
            assert!(cut.is_err(), "cut to {len} of {}", zip.len());
        }
    }

    #[test]
    fn refuses_a_list_of_files_that_would_fill_the_memory() {
        let name = format!("a.b/c@v1.0.0/{}", "n".repeat(40_000));
        let names: Vec<String> = (0..900).map(|i| format!("{name}{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let refused = check(&archive(&names), "a.b/c@v1.0.0/").unwrap_err();
        assert_eq!(refused, ".zip has too many files");
    }

    #[test]
    fn refuses_what_the_parser_refuses() {
        let mut zip = archive(&["a.b/c@v1.0.0/go.mod-------------"]);
        let (header, name) = (zip.len() - 22 - 46 - 32, zip.len() - 22 - 32);
        // The size is in a ZIP64 field, which is too short. The name ends where the field begins.
        zip[header + 24..header + 28].fill(0xff);
        zip[header + 28] = 24;
        zip[header + 30] = 8;
        zip[name + 24..name + 32].copy_from_slice(&[1, 0, 4, 0, 0, 0, 0, 0]);
        let refused = check(&zip, "a.b/c@v1.0.0/").unwrap_err();
        assert!(refused.starts_with(".zip does not open: "), "{refused}");
    }
}
