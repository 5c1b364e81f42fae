//! Hashes that the go command wrote into a `go.sum`.

use crate::archive::{Archive, File};
use crate::check::{in_pieces, streamed, whole};

async fn has(path: &str, prefix: &str, files: &[(&str, &str)], hash: &str) {
    let files = files
        .iter()
        .map(|(name, data)| File::new(format!("{prefix}{name}"), data));
    let zip = Archive::of(files).bytes();
    let wanted = Ok(Some(hash.to_owned()));
    assert_eq!(whole(path, &zip).await, wanted);
    assert_eq!(in_pieces(path, &zip, 5).await, wanted);
    assert_eq!(streamed(path, &zip, 5).await, Some(wanted));
}

#[tokio::test]
async fn a_module() {
    let go_mod = "module example.com/hello\n\ngo 1.20\n";
    has(
        "/example.com/hello/@v/v1.0.0.zip",
        "example.com/hello@v1.0.0/",
        &[
            ("go.mod", go_mod),
            (
                "hello.go",
                "package hello\n\n// Greeting is a greeting.\nconst Greeting = \"hello, world\"\n",
            ),
        ],
        "h1:iFwpL/2qdf2SK1+c+n0JtcCAaPo93Mr+TmWRdj0JMmY=",
    )
    .await;
    let found = whole("/example.com/hello/@v/v1.0.0.mod", go_mod.as_bytes()).await;
    let hash = "h1:/e89k18/YPK2tKb/SZ+fXRKQE7ccT7r6I4hbIHESRTc=";
    assert_eq!(found, Ok(Some(hash.to_owned())));
}

#[tokio::test]
async fn capitals_other_alphabets_and_the_order_of_names() {
    let go_mod = "module example.com/Mixed/v2\n\ngo 1.21\n\nrequire example.com/hello v1.0.0\n";
    has(
        "/example.com/!mixed/v2/@v/v2.3.4-!r!c.1.zip",
        "example.com/Mixed/v2@v2.3.4-RC.1/",
        &[
            ("z.txt", "crlf line\r\n"),
            ("a/b.go", "package a\n"),
            ("a-b.go", "package mixed\n"),
            ("a.go", "package mixed\n"),
            ("A.md", ""),
            ("LICENSE", "Permission is granted.\n"),
            ("go.mod", go_mod),
            ("été.txt", "é\n"),
        ],
        "h1:akv3K9I0DK0f1i9hEeAD0Ew6U42J/kV6Aw1QNutvsn0=",
    )
    .await;
    let path = "/example.com/!mixed/v2/@v/v2.3.4-!r!c.1.mod";
    let hash = "h1:dijFlLV6VUc3oiwpZ7Ynw38wHdkiOVVEKMr1e95gM4M=";
    assert_eq!(
        whole(path, go_mod.as_bytes()).await,
        Ok(Some(hash.to_owned()))
    );
}

#[tokio::test]
async fn folders_and_no_go_mod() {
    has(
        "/example.com/legacy/@v/v3.0.0+incompatible.zip",
        "example.com/legacy@v3.0.0+incompatible/",
        &[
            ("legacy.go", "package legacy\n"),
            ("sub/", ""),
            ("sub/x.go", "package sub\n"),
        ],
        "h1:nf2vxR96CF/wH9puXfhvWsDeWUenWhalTJY5QPCC07Y=",
    )
    .await;
    let path = "/example.com/legacy/@v/v3.0.0+incompatible.mod";
    let hash = "h1:pS2KLshur9YBlehNARWQ3af1njEt+NcOfNS6ku9j6Ng=";
    let found = whole(path, b"module example.com/legacy\n").await;
    assert_eq!(found, Ok(Some(hash.to_owned())));
}

#[tokio::test]
async fn an_empty_zip() {
    let hash = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    has("/a.b/c/@v/v1.0.0.zip", "", &[], hash).await;
}
