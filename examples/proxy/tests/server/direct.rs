//! Direct modules: private ones, by the real go command and git, from a host that wants to know who asks.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use http::StatusCode;
use tempfile::TempDir;
use tokio::process::Command;

use crate::proxy::{Proxy, command, refusal};
use crate::support::go::program;
use crate::support::{
    Client, GitHost, Repos, StaticRegistry, company, fetch, web_client, within_minutes,
};

/// All that an operator has: the rules, the configuration of git, credentials; and the folder in which all of it is.
pub(crate) struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new(rules: &str) -> Self {
        let this = Self {
            folder: TempDir::new().unwrap(),
        };
        this.write("filter.conf", rules);
        this
    }

    /// The one of a company, whose modules are on a host that takes itself for GitHub.
    pub(crate) fn corp(host: &GitHost) -> Self {
        let this = Self::new("+\nD github.com/corp\n");
        let (key, value) = host.instead_of("https://github.com/");
        let authority = host.authority();
        let url = key
            .trim_start_matches("url.")
            .trim_end_matches(".insteadOf");
        let text =
            format!("[url \"{url}\"]\n\tinsteadOf = {value}\n[http]\n\tsslCAInfo = {authority}\n");
        this.write("gitconfig", &text);
        this.write(
            "netrc",
            "machine 127.0.0.1 login robot password raspberry\n",
        );
        this
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    /// A proxy of this upstream in an environment with nothing but programs. Options are as at a command line, `@`
    /// being the folder.
    fn command(&self, upstream: &str, options: &str) -> Command {
        let folder = self.folder.path().to_str().unwrap();
        let options = format!("--storage @/modules --filter @/filter.conf {options}");
        let options = options.replace('@', folder);
        let mut args: Vec<_> = options.split_whitespace().collect();
        args.extend(["--upstream", upstream]);
        let mut command = command(&args);
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    pub(crate) async fn start(&self, upstream: &str, options: &str) -> Proxy {
        Proxy::run(self.command(upstream, options)).await
    }
}

/// The host of all private modules, which one user may see.
async fn corp_host(repos: &Repos) -> GitHost {
    let host = GitHost::start(repos.root()).await;
    let names = ["one", "two", "mono", "major", "commit"].map(|name| format!("corp/{name}"));
    host.allow("robot", "raspberry", &names.each_ref().map(String::as_str));
    host
}

/// `--go` with the go command of the tests.
pub(crate) fn go() -> String {
    format!("--go {}", program().display())
}

pub(crate) const KNOWN: &str =
    "--git-config @/gitconfig --netrc @/netrc --go-private github.com/corp";
const INFO: &str = "/github.com/corp/one/@v/v1.0.0.info";
pub(crate) const NOBODY: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn a_program_of_public_and_private_modules_builds_again_when_all_sources_are_gone() {
    let repos = Repos::new();
    let ids = company::all(&company::private(&repos));
    let host = corp_host(&repos).await;
    let tree = company::registry();
    let registry = StaticRegistry::start(tree.root()).await;
    let scene = Scene::corp(&host);
    let options = format!("{} {KNOWN}", go());

    let proxy = scene.start(&registry.url(), &options).await;
    let client = || Client::new(format!("http://{}", proxy.address));
    let first = company::build(&client(), &ids).await;
    assert_eq!(first.1.lines().count(), 10, "{}", first.1);
    assert_eq!(host.leaks(), [""; 0]);
    proxy.terminate().await;
    assert_eq!(proxy.ended().await.code(), Some(0));

    // A new process knows only what is stored.
    registry.shutdown().await;
    drop(host);
    repos.remove();
    fs::remove_dir_all(scene.at("modules-go")).unwrap();
    let proxy = scene.start(NOBODY, &options).await;
    let client = Client::new(format!("http://{}", proxy.address));
    assert_eq!(company::build(&client, &ids).await, first);
}

#[tokio::test]
async fn who_has_no_credentials_is_told_so() {
    let repos = Repos::new();
    company::private(&repos);
    let host = corp_host(&repos).await;
    let scene = Scene::corp(&host);
    let options = format!("{} --git-config @/gitconfig", go());
    let proxy = scene.start(NOBODY, &options).await;
    let answered = proxy.get(INFO).await;
    assert_eq!(answered.status, Some(StatusCode::NOT_FOUND));
    let text = answered.text();
    assert!(text.contains("the server lacks credentials"), "{text}");
}

#[tokio::test]
async fn the_authorities_of_the_server_are_those_of_git_too() {
    let repos = Repos::new();
    company::private(&repos);
    let host = corp_host(&repos).await;
    let scene = Scene::corp(&host);
    let config = fs::read_to_string(scene.at("gitconfig")).unwrap();
    let (config, _) = config.split_once("[http]").unwrap();
    scene.write("gitconfig", config);
    let trusting = format!("--ca-file {}", host.authority());
    for (options, status) in [("", StatusCode::BAD_GATEWAY), (&*trusting, StatusCode::OK)] {
        let options = format!("{} {KNOWN} {options}", go());
        let proxy = scene.start(NOBODY, &options).await;
        let answered = proxy.get(INFO).await;
        assert_eq!(answered.status, Some(status), "{}", answered.text());
    }
}

#[tokio::test]
async fn a_go_command_of_the_path_is_used_where_none_is_named() {
    let repos = Repos::new();
    company::private(&repos);
    let host = corp_host(&repos).await;
    let scene = Scene::corp(&host);
    fs::create_dir(scene.at("bin")).unwrap();
    symlink(program(), scene.at("bin/go")).unwrap();
    let path = |folders: &[PathBuf]| -> OsString { std::env::join_paths(folders).unwrap() };
    let git = std::env::var_os("PATH").unwrap();
    let git: Vec<_> = std::env::split_paths(&git).collect();

    let mut command = scene.command(NOBODY, "--netrc @/netrc");
    command.env("PATH", path(&[&[scene.at("bin")], &git[..]].concat()));
    let proxy = Proxy::run(command).await;
    // Without its own configuration git asks the real GitHub; here the module is forbidden before that.
    let answered = proxy.get("/github.com/corp/@v/list").await;
    let text = answered.text();
    assert!(text.contains("invalid github.com import path"), "{text}");
    assert!(scene.at("modules-go").is_dir());

    // There is a go command, and no git: it starts, says so, and so does each answer.
    let mut command = scene.command(NOBODY, "");
    command.env("PATH", path(&[scene.at("bin")]));
    let (proxy, mut log) = Proxy::with_log(command).await;
    let line = within_minutes(log.next_line()).await.unwrap().unwrap();
    assert!(line.contains("there is no git command"), "{line}");
    let answered = proxy.get(INFO).await;
    assert_eq!(answered.status, Some(StatusCode::BAD_GATEWAY));
    let text = answered.text();
    assert!(text.contains("there is no git command"), "{text}");
}

#[tokio::test]
async fn a_direct_module_is_never_redirected_and_with_redirect_only_not_stored() {
    let repos = Repos::new();
    company::private(&repos);
    let host = corp_host(&repos).await;
    let scene = Scene::corp(&host);
    for (mode, stored) in [("--redirect-only", false), ("--on-miss redirect", true)] {
        let options = format!("{} {KNOWN} {mode} --go-cache @/work", go());
        let proxy = scene.start(NOBODY, &options).await;
        let answered = proxy.get(INFO).await.whole();
        assert_eq!(answered.status, Some(StatusCode::OK));
        assert!(answered.text().contains("\"v1.0.0\""));
        let public = proxy.get("/example.com/base/@v/v1.2.0.info").await;
        assert_eq!(public.status, Some(StatusCode::SEE_OTHER));
        proxy.terminate().await;
        assert_eq!(proxy.ended().await.code(), Some(0));
        assert_eq!(
            scene.at("modules/@direct").join(&INFO[1..]).exists(),
            stored
        );
        assert!(scene.at("work/clones").is_dir());
    }
}

#[tokio::test]
async fn a_list_may_end_with_direct() {
    let repos = Repos::new();
    company::private(&repos);
    let host = corp_host(&repos).await;
    let tree = company::registry();
    let registry = StaticRegistry::start(tree.root()).await;
    let scene = Scene::corp(&host);
    // All modules are included, so that the list decides.
    scene.write("filter.conf", "+\n");
    let list = format!("{},direct", registry.url());
    let proxy = scene.start(&list, &format!("{} {KNOWN}", go())).await;
    let public = "/example.com/base/@v/v1.2.0.info";
    for (path, private) in [(INFO, true), (public, false)] {
        let answered = proxy.get(path).await.whole();
        assert_eq!(answered.status, Some(StatusCode::OK), "{path}");
        let caching = answered.headers["cache-control"].to_str().unwrap();
        assert_eq!(caching.contains("private"), private, "{path}: {caching}");
    }
    proxy.terminate().await;
    assert_eq!(proxy.ended().await.code(), Some(0));
    assert!(scene.at("modules").join(&public[1..]).exists());
    assert!(!scene.at("modules").join(&INFO[1..]).exists());

    let mut command = scene.command(&list, "");
    command.env("PATH", scene.at("bin"));
    let said = refusal(command, 1).await;
    assert!(said.contains("`direct` needs a go command"), "{said}");
}

/// The client is gone, and the module is stored all the same, before the process ends.
#[tokio::test]
async fn sigterm_in_a_run_of_the_go_command_loses_no_file() {
    let repos = Repos::new();
    company::private(&repos);
    let host = corp_host(&repos).await;
    let scene = Scene::corp(&host);
    let made = std::process::Command::new("mkfifo")
        .args([scene.at("begun"), scene.at("gate")])
        .status();
    assert!(made.unwrap().success());
    let (folder, real) = (scene.folder.path().display(), program());
    // It waits when its work is done: a fill that nobody waits for has few seconds once the server stops.
    let text = format!(
        "#!/bin/sh\n'{}' \"$@\" > '{folder}/said'\nstatus=$?\n\
         case \"$1\" in mod) echo begun > '{folder}/begun'; cat '{folder}/gate';; esac\n\
         cat '{folder}/said'\nexit $status\n",
        real.display()
    );
    scene.write("draft", &text);
    fs::set_permissions(scene.at("draft"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(scene.at("draft"), scene.at("go")).unwrap();

    let proxy = scene.start(NOBODY, &format!("--go @/go {KNOWN}")).await;
    let url = format!("http://{}/github.com/corp/one/@v/v1.0.0.zip", proxy.address);
    let client = tokio::spawn(async move { fetch(&web_client(false), &url).await });
    let begun = within_minutes(tokio::fs::read(scene.at("begun"))).await;
    assert_eq!(begun.unwrap(), b"begun\n");
    client.abort();
    let _ = client.await;
    proxy.terminate().await;
    let stored = scene.at("modules/@direct/github.com/corp/one/@v/v1.0.0.zip");
    assert!(!stored.exists());
    tokio::fs::write(scene.at("gate"), "").await.unwrap();
    assert_eq!(proxy.ended().await.code(), Some(0));
    assert!(stored.exists());
}

#[tokio::test]
async fn what_is_wrong_with_an_option_is_said_at_the_start() {
    let scene = Scene::new("D github.com/corp\n");
    fs::create_dir(scene.at("module")).unwrap();
    scene.write("module/go.mod", "module m\n");
    scene.write("key", "");
    let missing = "No such file or directory (os error 2)";
    let cannot = "error: direct modules cannot be fetched:";
    for (options, expected) in [
        (
            "--go @/go".to_owned(),
            format!("{cannot} @/go: no such go command\n"),
        ),
        (
            "--go @/key".to_owned(),
            format!("{cannot} @/key cannot be started: Permission denied (os error 13)\n"),
        ),
        (
            format!("{} --go-cache @/module/work", go()),
            format!("{cannot} @/module/go.mod would be the module of every command\n"),
        ),
        (
            format!("{} --go-cache @/key/work", go()),
            format!("{cannot} @/key/work: Not a directory (os error 20)\n"),
        ),
        (
            format!("{} --netrc @/netrc", go()),
            format!("error: --netrc @/netrc: {missing}\n"),
        ),
        (
            format!("{} --git-config @/config", go()),
            format!("error: --git-config @/config: {missing}\n"),
        ),
        (
            format!("{} --ssh-key @/none --ssh-known-hosts @/key", go()),
            format!("error: --ssh-key @/none: {missing}\n"),
        ),
        (
            format!("{} --ssh-known-hosts @/hosts", go()),
            format!("error: --ssh-known-hosts @/hosts: {missing}\n"),
        ),
    ] {
        let said = refusal(scene.command(NOBODY, &options), 1).await;
        let folder = scene.folder.path().to_str().unwrap();
        assert_eq!(said.replace(folder, "@"), expected, "{options}");
    }
    let mut no_git = scene.command(NOBODY, &go());
    no_git.env("PATH", "/nonexistent");
    let said = refusal(no_git, 1).await;
    assert_eq!(
        said,
        format!("{cannot} there is no git command on the PATH\n")
    );

    // They say something of modules that the rules leave to version control.
    for option in [&*go(), "--go-private corp.example", "--go-cache work"] {
        let args: Vec<_> = option
            .split_whitespace()
            .chain(["--storage", "memory:"])
            .collect();
        let (_proxy, mut log) = Proxy::with_log(command(&args)).await;
        let line = within_minutes(log.next_line()).await.unwrap().unwrap();
        assert!(line.contains("have no effect without --filter"), "{line}");
    }
    let said = refusal(scene.command(NOBODY, "--ssh-key @/key"), 1).await;
    assert_eq!(said, "error: --ssh-key needs --ssh-known-hosts\n");
}
