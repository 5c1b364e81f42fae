//! The commands of the README and of the pages for operators, as they are printed.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::Command;

use crate::keys::Keys;
use crate::page::{Page, expand, shell};
use crate::proxy::Proxy;
use crate::support::real_registry::{does_straight, real_registry};
use crate::support::{self, Client, StaticRegistry, Tree};

/// How the README starts the server.
const RUN: &str = "cargo run --release -p tower-goproxy-server";

#[test]
fn the_readme_is_short() {
    let text = fs::read_to_string(Page::root().join("README.md")).unwrap();
    assert!(text.lines().count() < 150);
}

/// Each command has a test here that runs it, or a script that does.
#[test]
fn every_command_is_run_by_a_test() {
    let tests = fs::read_to_string(Page::root().join("scripts/test.sh")).unwrap();
    for name in [
        "README.md",
        "docs/company.md",
        "docs/operations.md",
        "docs/storage.md",
        "docs/rules.md",
        "docs/layers.md",
    ] {
        for command in Page::read(name).commands() {
            let is_known = command.starts_with(RUN)
                || command == "GOPROXY=http://127.0.0.1:3000 go mod download"
                || command == "cargo run --release -p tower-goproxy-tour"
                    && tests.contains("cargo run --locked -p tower-goproxy-tour")
                || command == "cargo build --profile dist -p tower-goproxy-server"
                || command == "target/dist/tower-goproxy --config server.toml"
                || command.starts_with("go env -")
                || command.contains("> token")
                || command == "scripts/static.sh";
            assert!(is_known, "{name}: no test runs `{command}`");
        }
    }
}

/// In an environment with nothing: no go, no git, no cmake.
fn as_printed(command: &str, folder: &Path) -> Command {
    let rest = command.strip_prefix(RUN).expect("it starts the server");
    let args = rest.trim().trim_start_matches("--").split_whitespace();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    command
        .args(args)
        .env_clear()
        .current_dir(folder)
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_readme_brings_a_server_and_a_module_through_it() {
    let folder = TempDir::new().unwrap();
    let tree = Tree::all();
    let registry = StaticRegistry::start(tree.root()).await;
    let commands = Page::read("README.md").commands();
    let printed = commands
        .iter()
        .find(|command| *command == RUN)
        .expect("one command starts it");
    let mut server = as_printed(printed, folder.path());
    // Another server may have the port, and there may be no internet.
    server
        .env("TOWER_GOPROXY_LISTEN", "127.0.0.1:0")
        .env("TOWER_GOPROXY_UPSTREAM", registry.url());
    let proxy = Proxy::run(server).await;

    let download = commands
        .iter()
        .find(|command| command.contains("go mod download"));
    let download = download.expect("one command downloads modules");
    let download = download.replace("127.0.0.1:3000", &proxy.address.to_string());
    let module = TempDir::new().unwrap();
    support::tree::write_program(module.path());
    shell(&download, module.path(), module.path()).await;
    assert!(
        folder.path().join("modules").is_dir(),
        "modules are not where the README says"
    );
    assert!(registry.requests().total() > 0);
}

/// With all defaults, where this machine has the default registry.
#[tokio::test]
async fn its_clients_and_the_server_need_no_other_host_than_the_registry() {
    let registry = real_registry("/sumdb/sum.golang.org/supported").await;
    if registry.as_deref() != Some("https://proxy.golang.org") {
        eprintln!("skipped: the default registry is not that of this machine");
        return;
    }
    let folder = TempDir::new().unwrap();
    let mut server = as_printed(RUN, folder.path());
    server.env("TOWER_GOPROXY_LISTEN", "127.0.0.1:0");
    let proxy = Proxy::run(server).await;
    let client = Client::new(format!("http://{}", proxy.address))
        .env("GOSUMDB", "sum.golang.org")
        .env("HTTPS_PROXY", "http://127.0.0.1:9");
    let (begun, download) = (Instant::now(), ["mod", "download", "rsc.io/quote@v1.5.2"]);
    let done = client.try_go(&download).await;
    let registry = "https://proxy.golang.org";
    if !done.success && !does_straight(registry, "sum.golang.org", &download).await {
        return;
    }
    assert!(done.success, "{}", done.stderr);
    let unverified = "modules/@records/sumdb/sum.golang.org/unverified";
    // The server waits so long for a database.
    let is_slow = begun.elapsed() >= Duration::from_secs(10);
    assert!(is_slow || !folder.path().join(unverified).exists());
}

#[tokio::test]
async fn commands_that_only_show_something_end_well() {
    let folder = TempDir::new().unwrap();
    for command in Page::read("README.md").commands() {
        if command.starts_with(RUN) && command.contains(" -- ") {
            let output = as_printed(&command, folder.path()).output().await.unwrap();
            assert!(
                output.status.success() && !output.stdout.is_empty(),
                "{command}"
            );
        }
    }
}

#[tokio::test]
async fn the_company_page_brings_a_server_over_tls() {
    let (folder, keys) = (TempDir::new().unwrap(), Keys::new());
    let page = Page::read("docs/company.md");
    for name in ["filter.conf", "netrc", "server.toml"] {
        fs::write(folder.path().join(name), page.file(name)).unwrap();
    }
    let users = format!("dev:{}\n", bcrypt::hash("PASSWORD", 4).unwrap());
    fs::write(folder.path().join("users"), users).unwrap();
    for name in ["cert.pem", "key.pem"] {
        fs::copy(keys.at(name), folder.path().join(name)).unwrap();
    }
    let printed = page.commands();
    let printed = printed
        .iter()
        .find_map(|command| command.strip_prefix("target/dist/tower-goproxy "));
    let mut server = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    server.args(printed.unwrap().split_whitespace());
    server
        .env_clear()
        .current_dir(folder.path())
        .kill_on_drop(true);
    let go = support::go::program();
    server
        .env("TOWER_GOPROXY_LISTEN", "127.0.0.1:0")
        .env("TOWER_GOPROXY_GO", go);
    server.env("TOWER_GOPROXY_STORAGE", folder.path().join("modules"));
    server.env("PATH", std::env::var_os("PATH").unwrap());
    let proxy = Proxy::run(server).await;

    for command in page.commands() {
        if command.starts_with("go env ") {
            shell(&command, folder.path(), folder.path()).await;
        }
    }
    let written = fs::read_to_string(folder.path().join("goenv")).unwrap();
    assert!(written.contains("GONOSUMDB=git.corp.example"), "{written}");
    proxy.terminate().await;
    assert_eq!(proxy.ended().await.code(), Some(0));

    // The tables of the page are read too.
    let mut show = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    let tables = folder.path().join("tables.toml");
    fs::write(&tables, page.blocks("toml")[1..].concat()).unwrap();
    show.arg("config").arg("--config").arg(&tables).env_clear();
    let output = show.output().await.unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(shown.matches("[[registry]]").count(), 2, "{shown}");
    assert_eq!(shown.matches("[[direct]]").count(), 1, "{shown}");
}

#[tokio::test]
async fn a_token_that_is_made_as_the_page_says_is_let_in() {
    let folder = TempDir::new().unwrap();
    let page = Page::read("docs/operations.md");
    let made: Vec<_> = page
        .commands()
        .into_iter()
        .filter(|command| command.contains("token"))
        .collect();
    shell(&made.join("\n"), folder.path(), folder.path()).await;
    let tokens = folder.path().join("tokens");
    let args = [
        "--storage",
        "memory:",
        "--upstream",
        "off",
        "--metrics",
        "--tokens",
    ];
    let proxy = Proxy::start(&[&args[..], &[tokens.to_str().unwrap()]].concat()).await;
    let token = fs::read_to_string(folder.path().join("token")).unwrap();
    let request = http::Request::get("/metrics").header("authorization", format!("Bearer {token}"));
    let mut connection =
        support::wire::Connection::open(proxy.address, support::wire::Protocol::Http11).await;
    connection.send(request.body(()).unwrap()).await.whole();
}

/// The table of the page has the default of each limit.
#[test]
fn every_option_of_the_operations_page_exists() {
    let help = ["serve", "check"].map(|command| {
        let help = std::process::Command::new(env!("CARGO_BIN_EXE_tower-goproxy"))
            .args([command, "--help"])
            .env_clear()
            .output()
            .unwrap();
        String::from_utf8(help.stdout).unwrap()
    });
    let help = help.concat();
    for name in ["docs/operations.md", "docs/company.md", "docs/storage.md"] {
        for option in expand(&Page::read(name).text) {
            let (flag, with_value) = (format!("--{option}"), format!("--{option}["));
            let mut words = help.split_whitespace();
            let is_known = words.any(|word| word == flag || word.starts_with(&with_value));
            assert!(is_known, "{name}: --{option}");
        }
    }
}
