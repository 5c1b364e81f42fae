//! Zips that the go command refuses.

use crate::archive::{Archive, Descriptor, File};
use crate::check::{in_pieces, streamed, whole};

const PATH: &str = "/example.com/m/@v/v1.0.0.zip";
const PREFIX: &str = "example.com/m@v1.0.0/";

fn file(name: &str) -> File {
    File::new(format!("{PREFIX}{name}"), "package x\n")
}

fn files<const N: usize>(names: [&str; N]) -> Archive {
    Archive::of(names.map(file))
}

async fn refuses(archive: &Archive, reason: &str) {
    let bytes = archive.bytes();
    let refused = whole(PATH, &bytes).await.unwrap_err();
    assert!(refused.contains(reason), "{refused:?}, not {reason:?}");
    for piece in [1, bytes.len()] {
        assert_eq!(in_pieces(PATH, &bytes, piece).await, Err(refused.clone()));
    }
    let streamed = streamed(PATH, &bytes, 1000).await;
    assert!(!matches!(streamed, Some(Ok(_))), "{streamed:?}");
}

macro_rules! refused {
    ($($name:ident: $archive:expr, $reason:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            refuses(&$archive, $reason).await;
        }
    )*};
}

refused! {
    a_file_of_another_version: Archive::of([File::new("example.com/m@v1.0.1/a.go", "")]), "outside example.com/m@v1.0.0/";
    an_escaped_prefix: Archive::of([File::new("example.com/!m@v1.0.0/a.go", "")]), "outside";
    a_prefix_without_a_slash: Archive::of([File::new("example.com/m@v1.0.0", "")]), "outside";
    double_slashes: files(["a//b"]), "double slash";
    a_dot_element: files(["a/./b"]), "of dots alone";
    dots_that_lead_out: files(["../../etc/x"]), "of dots alone";
    dots_that_clean_away: files(["a/../b"]), "of dots alone";
    an_absolute_path: files(["/etc/passwd"]), "empty path element";
    a_folder_with_two_slashes: files(["a//"]), "trailing slash";
    a_folder_without_a_name: files(["/"]), "empty";
    a_nul_byte: files(["a\0.go"]), "invalid char";
    a_line_feed: files(["a\nb.go"]), "invalid char";
    a_backslash: files(["..\\x"]), "invalid char";
    a_colon: files(["a:b"]), "invalid char";
    a_quote: files(["a'b"]), "invalid char";
    a_symbol: files(["x☺y"]), "invalid char";
    a_combining_accent: files(["e\u{301}"]), "invalid char";
    a_device_of_windows: files(["a/CON.txt"]), "on Windows";
    a_trailing_dot: files(["a."]), "trailing dot";
    no_utf_8: Archive::of([File::new([PREFIX.as_bytes(), b"\xff"].concat(), "")]), "not UTF-8";
    the_same_file_twice: files(["a.go", "a.go"]), "collide";
    names_that_differ_in_case: files(["a.go", "A.go"]), "collide";
    folders_that_differ_in_case: files(["a/x", "b", "A/y"]), "collide";
    deep_folders_that_differ_in_case: files(["a/b/c/x", "a/B/d/y"]), "collide";
    a_file_that_is_a_folder: files(["a", "a/b"]), "collide";
    a_file_that_is_a_folder_between_others: files(["a/b", "a.go", "a-b", "a"]), "collide";
    a_file_and_its_folder_entry: files(["a/", "a"]), "collide";
    a_folded_file_and_folder: files(["K/x", "\u{212a}"]), "collide";
    kelvin: files(["k", "\u{212a}"]), "collide";
    long_s: files(["s", "ſ"]), "collide";
    sharp_s: files(["ß", "ẞ"]), "collide";
    angstrom: files(["Å", "\u{212b}"]), "collide";
    sigma: files(["σ", "ς"]), "collide";
    micro: files(["µ", "μ"]), "collide";
    ohm: files(["Ω", "\u{2126}"]), "collide";
    titlecase_digraph: files(["ǅ", "ǆ"]), "collide";
    theta: files(["θ", "ϑ"]), "collide";
    a_folder_in_place_of_the_go_mod: files(["go.mod/x"]), "folder go.mod";
    a_go_mod_below: files(["sub/go.mod"]), "not the go.mod";
    a_go_mod_in_capitals: files(["GO.MOD"]), "not the go.mod";
    a_go_mod_in_capitals_below: files(["sub/Go.Mod"]), "not the go.mod";
    a_go_mod_of_more_than_16_mib: Archive::of([File::new(format!("{PREFIX}go.mod"), vec![b'/'; (16 << 20) + 1])]), "go.mod of more than";
    a_licence_of_more_than_16_mib: Archive::of([File::new(format!("{PREFIX}LICENSE"), vec![b'/'; (16 << 20) + 1])]), "LICENSE of more than";
    more_than_500_mib_in_all: Archive::of([File { size: Some(524_288_001), ..file("a") }]), "more than 524288000 bytes";
    an_unknown_method: Archive::of([File { method: 99, ..file("a") }]), "unknown method 99";
    a_wrong_checksum: Archive::of([File { crc: Some(1), ..file("a") }]), "wrong checksum";
    a_wrong_checksum_of_a_stored_file: Archive::of([File { crc: Some(1), ..file("a").stored() }]), "wrong checksum";
    a_wrong_checksum_in_the_record: Archive::of([File { descriptor: Some(Descriptor::Wrong), ..file("a") }]), "wrong checksum";
    a_zero_checksum_with_a_record: Archive::of([File { crc: Some(0), descriptor: Some(Descriptor::Signed), ..file("a") }]), "wrong checksum";
    a_size_that_is_too_large: Archive::of([File { size: Some(11), ..file("a") }]), "shorter than it says";
    a_size_that_is_too_small: Archive::of([File { size: Some(9), ..file("a") }]), "larger than it says";
    a_stored_size_that_is_too_large: Archive::of([File { size: Some(11), ..file("a").stored() }]), "shorter than it says";
    a_compressed_file_that_is_cut: Archive::of([File { packed: Some(3), ..file("a") }]), "cut";
    a_folder_with_content: Archive::of([File { size: Some(1), ..File::new(format!("{PREFIX}a/"), "") }]), "folder with content";
    a_folder_that_holds_bytes: Archive::of([File::new(format!("{PREFIX}a/"), "x")]), "folder with content";
    a_file_where_there_is_none: Archive::of([File { offset: Some(1), ..file("a") }]), "where its list says";
    a_file_beyond_the_end: Archive::of([File { offset: Some(9_999), ..file("a") }]), "where its list says";
    a_wrong_place_of_the_list: Archive { list_at: Some(0), ..files(["a"]) }, "where its list says";
    a_place_beyond_the_end: Archive { list_at: Some(99_999), ..files(["a"]) }, "where its list says";
    a_list_beyond_the_file: Archive { list_size: Some(9_999), ..files(["a"]) }, "outside of the file";
    a_count_that_hides_files: Archive { count: Some(1), ..files(["a", "b"]) }, "another number of files";
    a_count_that_is_too_large: Archive { count: Some(3), ..files(["a", "b"]) }, "another number of files";
    a_comment_that_is_cut: Archive { files: vec![file("a")], comment: b"PK\x05\x06aaaabbbbccccddddee\xff\xff".to_vec(), ..Archive::default() }, "cut comment";
}

#[tokio::test]
async fn what_is_not_a_zip() {
    for content in [&b""[..], b"PK", b"module x\n", &[0; 100_000]] {
        let refused = whole(PATH, content).await.unwrap_err();
        assert_eq!(refused, ".zip has no end record");
    }
}

#[tokio::test]
async fn every_cut_of_a_zip() {
    let zip = Archive::of([file("go.mod"), file("a.go").stored()]).bytes();
    for len in 0..zip.len() {
        assert!(in_pieces(PATH, &zip[..len], 10).await.is_err(), "{len}");
    }
}

/// Each name is shown in one short line.
#[tokio::test]
async fn reasons_are_printable() {
    let name = "\u{1b}[31m\n\u{202e}".repeat(100);
    let reason = whole(PATH, &files([&name]).bytes()).await.unwrap_err();
    assert!(reason.len() < 300, "{reason}");
    assert!(
        reason.is_ascii() && !reason.contains(char::is_control),
        "{reason}"
    );
}
