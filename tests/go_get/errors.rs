//! What is not there, and what cannot be had: the status of each, and what a client is told.

use http::Method;
use tempfile::TempDir;
use tower_goproxy::GoGet;
use tower_goproxy::goget::{GoGetError, Settings};

use crate::setup::{Answer, HELLO, Setup, ask};
use crate::support::get;
use crate::support::go::program;

#[track_caller]
pub(crate) fn assert_error(answer: &Answer, status: u16, text: &str) {
    let said = answer.text();
    assert_eq!(answer.status, status, "{said}");
    assert!(said.contains(text), "{said:?} has no {text:?}");
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    // One line, which the go command shows.
    assert!(
        said.ends_with('\n') && said.lines().count() == 1,
        "{said:?}"
    );
    assert!(said.len() < 648);
    // Nothing of where things are on this machine.
    for path in ["/tmp/", "cache/vcs", "file://"] {
        assert!(!said.contains(path), "{said:?}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    setup.repos.init("team/empty");
    for (path, text) in [
        (format!("{HELLO}/@v/v1.0.1.info"), "unknown revision v1.0.1"),
        (format!("{HELLO}/@v/v1.0.1.mod"), "unknown revision v1.0.1"),
        (format!("{HELLO}/@v/v1.0.1.zip"), "unknown revision v1.0.1"),
        (
            format!("{HELLO}/@v/nothing.info"),
            "unknown revision nothing",
        ),
        (format!("{HELLO}/@v/0123456789ab.info"), "unknown revision"),
        (
            format!("{HELLO}/sub/@v/v1.0.0.info"),
            "unknown revision sub/v1.0.0",
        ),
        (format!("{HELLO}/sub/@v/list"), "no matching versions"),
        (format!("{HELLO}/sub/@latest"), "no matching versions"),
        (
            "example.com/team/empty.git/@v/list".into(),
            "no matching versions",
        ),
        (
            "example.com/team/empty.git/@latest".into(),
            "no matching versions",
        ),
        (
            "github.com/team/none/@v/list".into(),
            "does not appear to be a git repository",
        ),
        (
            "github.com/team/none/@v/v1.0.0.zip".into(),
            "does not appear to be a git repository",
        ),
        (
            "github.com/team/@v/list".into(),
            "invalid github.com import path",
        ),
        (format!("{HELLO}/a...b/@v/list"), "not found"),
        (format!("{HELLO}/@v/all.info"), "not found"),
        (format!("{HELLO}/@v/-x.info"), "not found"),
        (format!("{HELLO}/@v/%3Cv2.info"), "not found"),
    ] {
        assert_error(&setup.get(&format!("/{path}")).await, 404, text);
    }
}

#[tokio::test]
async fn branches_that_are_called_like_words_of_messages_are_not_found() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    for name in ["e", "n", "un", "unknown", "version", "revision", "invalid"] {
        let answer = setup.get(&format!("/{HELLO}/@v/{name}.info")).await;
        assert_error(&answer, 404, "unknown revision");
    }
}

#[tokio::test]
async fn a_command_that_says_nothing_is_told_by_how_it_ended() {
    let folder = TempDir::new().unwrap();
    for (text, ended) in [("kill -9 $$", "signal: 9"), ("exit 3", "exit status: 3")] {
        let text = format!("case $1 in version) echo go version go1.99 a/b; exit;; esac; {text}");
        let go = crate::setup::script(folder.path(), "go", &text);
        let settings = Settings::new(folder.path().join("cache")).go(go);
        let goget = GoGet::new(settings).unwrap();
        let request = get(&format!("/{HELLO}/@v/v1.0.0.zip"));
        let error = goget.try_call(&request).await.unwrap_err();
        assert_eq!(error.status(), 502);
        assert!(error.to_string().contains(ended), "{error}");
    }
}

/// Else what is left of it would be nonsense, and lines with names of the host would decide what went wrong.
#[tokio::test]
async fn a_command_that_prints_too_much_is_refused_for_that() {
    let folder = TempDir::new().unwrap();
    let text = "case $1 in version) echo go version go1.99 a/b; exit;; esac\n\
                echo 'could not resolve host: SSL_ERROR' >&2; head -c 9000000 /dev/zero; exit 1";
    let go = crate::setup::script(folder.path(), "go", text);
    let settings = Settings::new(folder.path().join("cache")).go(go);
    let goget = GoGet::new(settings).unwrap();
    let request = get(&format!("/{HELLO}/@v/list"));
    let error = goget.try_call(&request).await.unwrap_err();
    assert_eq!(error.status(), 502);
    assert!(
        error.to_string().contains("more than is ever needed"),
        "{error}"
    );
}

#[tokio::test]
async fn a_major_version_that_does_not_fit_is_not_found() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v5.0.0");
    repo.write("go.mod", &format!("module {HELLO}/v3\n"));
    repo.commit("three");
    repo.tag("v3.0.0");
    repo.tag("v2.0.0");
    for (path, text) in [
        (
            "/@v/v3.0.0+incompatible.zip",
            "go.mod has post-v3 module path",
        ),
        (
            "/@v/v5.0.0+incompatible.zip",
            "module path must match major version",
        ),
        ("/@v/v3.0.0.info", "go.mod has post-v3 module path"),
        ("/v2/@v/v2.0.0.zip", "go.mod has "),
        ("/v4/@v/v4.0.0.zip", "unknown revision v4.0.0"),
        ("/@v/v1.0.0+incompatible.zip", "not found"),
    ] {
        assert_error(&setup.get(&format!("/{HELLO}{path}")).await, 404, text);
    }
}

#[tokio::test]
async fn forged_pseudo_versions_are_not_found() {
    let setup = Setup::new();
    let repo = setup.hello();
    let first = repo.git(&["rev-parse", "HEAD"]);
    repo.tag("v1.0.0");
    let second = repo.commit("two");
    let (first, second) = (&first[..12], &second[..12]);
    for (version, text) in [
        (
            format!("v0.0.0-20200101000000-{first}"),
            "version-control timestamp",
        ),
        (
            format!("v1.5.2-0.20240102030405-{second}"),
            "preceding tag (v1.5.1) not found",
        ),
        (
            format!("v1.0.1-0.20240102030405-{}", &second[..11]),
            "shorter than canonical",
        ),
        (
            "v0.0.0-20240102030405-0123456789ab".to_owned(),
            "unknown revision 0123456789ab",
        ),
    ] {
        for extension in ["info", "mod", "zip"] {
            let answer = setup
                .get(&format!("/{HELLO}/@v/{version}.{extension}"))
                .await;
            assert_error(&answer, 404, text);
        }
    }
    // The tag is on a commit that comes later.
    repo.tag("v1.6.0");
    let version = format!("v1.6.1-0.20240102030405-{first}");
    let answer = setup.get(&format!("/{HELLO}/@v/{version}.zip")).await;
    assert_error(&answer, 404, "is not a descendent of preceding tag");
}

#[tokio::test]
async fn names_that_no_zip_can_hold_are_not_found() {
    let setup = Setup::new();
    for (i, (files, text)) in [
        (["a:b.txt", "c"], "malformed file path"),
        (
            ["Same.go", "same.go"],
            "case-insensitive file name collision",
        ),
        (["aux.txt", "c"], "malformed file path"),
    ]
    .into_iter()
    .enumerate()
    {
        let module = format!("github.com/team/names{i}");
        let repo = setup.repos.module(&format!("team/names{i}"), &module);
        for file in files {
            repo.write(file, "package names\n");
        }
        repo.commit("names");
        repo.tag("v1.0.0");
        let answer = setup.get(&format!("/{module}/@v/v1.0.0.zip")).await;
        assert_error(&answer, 404, text);
        // Asked again it is no other: a failure leaves nothing that could be served.
        let answer = setup.get(&format!("/{module}/@v/v1.0.0.zip")).await;
        assert_error(&answer, 404, text);
    }
}

#[tokio::test]
async fn what_cannot_be_told_apart_is_a_bad_gateway() {
    let setup = Setup::new();
    // The repository is missing, or the network is down: the message is the same.
    let answer = setup.get("/example.com/team/none.git/@v/v1.0.0.zip").await;
    assert_error(&answer, 502, "no secure protocol found for repository");
}

#[tokio::test]
async fn what_the_settings_do_not_allow_is_forbidden() {
    let setup = Setup::new().with(|goget| goget.vcs("*:off"));
    setup.hello().tag("v1.0.0");
    let answer = setup.get(&format!("/{HELLO}/@v/v1.0.0.info")).await;
    assert_error(&answer, 403, "GOVCS disallows using git");

    let setup = setup.with(|goget| goget.vcs("private:git,public:off").private("example.com"));
    let answer = setup.get(&format!("/{HELLO}/@v/v1.0.0.info")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_is_no_request_for_a_module_is_refused_without_a_run() {
    let folder = TempDir::new().unwrap();
    let settings = Settings::new(folder.path().join("new")).go(program());
    let goget = GoGet::new(settings).unwrap();
    for (method, path, status) in [
        (Method::GET, "/healthz", 404),
        (Method::GET, "/example.com/../m/@latest", 404),
        (Method::GET, "/example.com/m/@v/upgrade.info", 404),
        (Method::GET, "/sumdb/sum.golang.org/supported", 404),
        (Method::POST, "/example.com/m/@latest", 405),
    ] {
        let answer = ask(&goget, method, path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.headers.contains_key("allow"), status == 405);
    }
    assert!(!folder.path().join("new").exists());
}

#[tokio::test]
async fn the_error_is_in_the_extensions_with_the_whole_message() {
    let setup = Setup::new();
    let request = get("/github.com/team/none/@v/list");
    let error = setup.goget.try_call(&request).await.unwrap_err();
    assert!(error.is_not_found());
    // For operators.
    assert!(error.to_string().contains("cache/vcs"), "{error}");
    let response = error.into_response();
    assert!(response.extensions().get::<GoGetError>().is_some());
}
