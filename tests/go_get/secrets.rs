//! What git says may hold what it was given. Nobody is shown that: no client, and no log.

use tempfile::TempDir;
use tower_goproxy::goget::Settings;

use crate::setup::{Setup, git, script};
use crate::support::get;

const ZIP: &str = "/github.com/team/hello/@v/v1.0.0.zip";

/// A setup whose git says this of a repository, and what then is answered and logged.
async fn said(text: &str, change: impl FnOnce(Settings) -> Settings) -> String {
    let folder = TempDir::new().unwrap();
    let fails = format!(
        "case \"$*\" in *ls-remote*) echo \"{text}\" >&2; exit 128;; esac\nexec '{}' \"$@\"",
        git().display()
    );
    script(folder.path(), "git", &fails);
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", folder.path().display());
    let setup = Setup::new().with(|goget| change(goget.env("PATH", path)));
    let answer = setup.get(ZIP).await;
    let error = setup.goget.try_call(&get(ZIP)).await.unwrap_err();
    format!("{}\n{error}\n{error:?}\n{:?}", answer.text(), setup.goget)
}

#[tokio::test]
async fn a_password_in_a_message_is_not_shown() {
    let text = said("fatal: hunter2 is not the password of robot", |goget| {
        goget.credentials("github.com", "robot", "hunter2").unwrap()
    })
    .await;
    assert!(text.contains("is not the password of robot"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_password_in_a_url_is_not_shown() {
    let url = "https://robot:hunter2@github.com/team/hello/";
    let key = "url.https://robot:hunter2@github.com/.insteadOf";
    let text = said(&format!("fatal: unable to access '{url}': no"), |goget| {
        goget.git_config(key, "https://github.com/")
    })
    .await;
    assert!(
        text.contains("'https://github.com/team/hello/': no"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}
