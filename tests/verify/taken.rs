//! Zips that the go command takes, although they look odd. Each also has the right hash.

use crate::archive::{Archive, Descriptor, File};
use crate::check::{in_pieces, whole};

const PATH: &str = "/example.com/m/@v/v1.0.0.zip";
const PREFIX: &str = "example.com/m@v1.0.0/";

fn file(name: &str) -> File {
    File::new(
        format!("{PREFIX}{name}"),
        format!("package {}\n", name.len()),
    )
}

fn plain() -> Archive {
    Archive::of([file("go.mod"), file("a.go")])
}

/// As a whole, and as it arrives.
async fn takes(archive: &Archive) -> String {
    let bytes = archive.bytes();
    let found = whole(PATH, &bytes).await.unwrap().unwrap();
    for piece in [1, 7, bytes.len()] {
        assert_eq!(
            in_pieces(PATH, &bytes, piece).await,
            Ok(Some(found.clone()))
        );
    }
    found
}

/// The same files in a plain archive have the same hash.
async fn takes_like_plain(archive: &Archive) {
    assert_eq!(takes(archive).await, takes(&plain()).await);
}

macro_rules! taken {
    ($($name:ident: $archive:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            takes(&$archive).await;
        }
    )*};
}

macro_rules! taken_like_plain {
    ($($name:ident: $archive:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            takes_like_plain(&$archive).await;
        }
    )*};
}

taken! {
    no_go_mod: Archive::of([file("a.go")]);
    only_a_go_mod: Archive::of([file("go.mod")]);
    an_empty_archive: Archive::default();
    only_the_folder_of_the_version: Archive::of([File::new(PREFIX, "")]);
    another_go_mod_than_the_served_one: Archive::of([File::new(format!("{PREFIX}go.mod"), "module x\n")]);
    vendored_packages: Archive::of(["vendor/modules.txt", "vendor/x.y/z/z.go"].map(file));
    files_of_version_control: Archive::of([".git/config", ".hg_archival.txt"].map(file));
    folders_in_folders: Archive::of(["a/", "a/b/", "a/b/"].map(|name| File::new(format!("{PREFIX}{name}"), "")));
    a_folder_listed_twice_and_first_nowhere: Archive::of([Some(9_999), None].map(|offset| File { offset, ..File::new(format!("{PREFIX}a/"), "") }));
    a_folder_with_a_compressed_size: Archive::of([File { packed: Some(2), ..File::new(format!("{PREFIX}a/"), "") }]);
    a_folder_with_the_name_of_the_go_mod: Archive::of([File::new(format!("{PREFIX}go.mod/"), "")]);
    letters_of_all_scripts: Archive::of(["испытание", "été", "ß", "ss", "ﬀ", "ff", "İ", "ı", "e"].map(file));
    a_go_mod_of_16_mib: Archive::of([File::new(format!("{PREFIX}go.mod"), vec![b'/'; 16 << 20])]);
    a_licence_of_16_mib: Archive::of([File::new(format!("{PREFIX}LICENSE"), vec![b'/'; 16 << 20])]);
    a_large_licence_below: Archive::of([File::new(format!("{PREFIX}a/LICENSE"), vec![b'/'; (16 << 20) + 1])]);
    bangs_in_names_that_are_reserved_without: Archive::of(["con!.txt", "!c!o!n", "a/pr!n"].map(file));
    names_that_differ_in_more_than_case: Archive::of(["a/b.go", "A.go", "b/a.go", "ab/c", "a/c"].map(file));
}

taken_like_plain! {
    bytes_in_front: Archive { before: b"garbage".to_vec(), ..plain() };
    bytes_behind: Archive { after: b"garbage".to_vec(), ..plain() };
    a_comment: Archive { comment: b"a comment".to_vec(), ..plain() };
    two_archives: Archive { before: Archive::of([File::new("other", "x")]).bytes(), ..plain() };
    records_with_sums: Archive::of(plain().files.map_all(|file| File { descriptor: Some(Descriptor::Signed), ..file }));
    records_without_signature: Archive::of(plain().files.map_all(|file| File { descriptor: Some(Descriptor::Bare), ..file }));
    records_of_large_files: Archive::of(plain().files.map_all(|file| File { descriptor: Some(Descriptor::Signed64), ..file }));
    zip64_fields: Archive::of(plain().files.map_all(|file| File { zip64: true, ..file }));
    a_zip64_end_record: Archive { zip64: true, ..plain() };
    other_local_names: Archive::of(plain().files.map_all(|file| File { local_name: Some(b"x".to_vec()), ..file }));
    encryption_flags: Archive::of(plain().files.map_all(|file| File { flags: 1, ..file }));
    utf_8_flags: Archive::of(plain().files.map_all(|file| File { flags: 0x800, ..file }));
    no_checksums: Archive::of(plain().files.map_all(|file| File { crc: Some(0), ..file }));
    no_checksums_behind_other_bytes: Archive { before: b"garbage".to_vec(), ..Archive::of(plain().files.map_all(|file| File { crc: Some(0), ..file })) };
    symlink_modes: Archive::of(plain().files.map_all(|file| File { attributes: 0o120_777 << 16, ..file }));
    device_and_setuid_modes: Archive::of(plain().files.map_all(|file| File { attributes: 0o064_755 << 16, ..file }));
    folder_attributes: Archive::of(plain().files.map_all(|file| File { attributes: 0x10 | 0o040_755 << 16, ..file }));
    unicode_path_fields: Archive::of(plain().files.map_all(|file| File { extra: b"\x75\x70\x0d\0\x01abcdevil/../".to_vec(), ..file }));
    stored_files: Archive::of(plain().files.map_all(File::stored));
    another_order: Archive::of(plain().files.into_iter().rev());
    files_that_are_not_listed: Archive { unlisted: 1, ..Archive::of(plain().files.into_iter().chain([file("x")])) };
    a_wrong_size_of_the_list: Archive { list_size: Some(1), ..plain() };
}

trait MapAll {
    fn map_all(self, change: impl FnMut(File) -> File) -> Vec<File>;
}

impl MapAll for Vec<File> {
    fn map_all(self, change: impl FnMut(File) -> File) -> Vec<File> {
        self.into_iter().map(change).collect()
    }
}
