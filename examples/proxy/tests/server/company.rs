//! The page for companies, as an operator and two users walk it.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::keys::Keys;
use crate::page::Page;
use crate::proxy::{Proxy, command};
use crate::support::go::program;
use crate::support::{Client, GitHost, Repos, StaticRegistry, company, within_minutes};
use crate::users::hash;

/// What the operator has: the files of the page, for modules of `github.com/corp`, since the tests have no name server.
struct Operator {
    folder: TempDir,
    page: Page,
}

impl Operator {
    fn new() -> Self {
        let this = Self {
            folder: TempDir::new().unwrap(),
            page: Page::read("docs/company.md"),
        };
        for name in ["filter.conf", "server.toml"] {
            let text = this.page.file(name);
            this.write(name, &text.replace("git.corp.example", "github.com/corp"));
        }
        this.token("elderberry");
        this
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    fn token(&self, token: &str) {
        let netrc = self.page.file("netrc").replace("TOKEN", token);
        self.write("netrc", &netrc.replace("git.corp.example", "127.0.0.1"));
    }

    /// Whom the server lets in.
    fn users(&self, users: [(&str, &str); 2]) {
        let lines = users.map(|(name, password)| format!("{name}:{}\n", hash(password)));
        self.write("users", &lines.concat());
    }

    async fn start(&self, upstream: &str) -> Proxy {
        let modules = self.at("modules");
        let mut command = command(&["--config", "server.toml", "--git-config", "gitconfig"]);
        command
            .args(["--upstream", upstream, "--storage"])
            .arg(modules)
            .arg("--go")
            .arg(program())
            .current_dir(self.folder.path())
            .env("PATH", std::env::var_os("PATH").unwrap());
        Proxy::run(command).await
    }
}

#[tokio::test]
async fn the_way_of_the_page_ends_with_a_build_twice_and_goes_on_with_new_tokens() {
    let repos = Repos::new();
    let ids = company::all(&company::private(&repos));
    let host = GitHost::start(repos.root()).await;
    let names = ["one", "two", "mono", "major", "commit"].map(|name| format!("corp/{name}"));
    let names = names.each_ref().map(String::as_str);
    host.allow("robot", "elderberry", &names);
    let tree = company::registry();
    let registry = StaticRegistry::start(tree.root()).await;

    let (operator, keys) = (Operator::new(), Keys::new());
    for name in ["cert.pem", "key.pem"] {
        fs::copy(keys.at(name), operator.at(name)).unwrap();
    }
    let (key, value) = host.instead_of("https://github.com/");
    let url = key
        .trim_start_matches("url.")
        .trim_end_matches(".insteadOf");
    let authority = host.authority();
    operator.write(
        "gitconfig",
        &format!("[url \"{url}\"]\n\tinsteadOf = {value}\n[http]\n\tsslCAInfo = {authority}\n"),
    );
    operator.users([("dev", "PASSWORD"), ("lee", "OTHER")]);

    let proxy = operator.start(&registry.url()).await;
    let client = |user: &str, password: &str| {
        let address = proxy.address;
        let netrc = format!("machine {address} login {user} password {password}\n");
        let client = Client::new(format!("https://{address}"));
        let client = client.trusting(&keys.at("authority.pem")).netrc(&netrc);
        client.env("GONOSUMDB", "github.com/corp")
    };
    let first = company::build(&client("dev", "PASSWORD"), &ids).await;
    assert_eq!(first.1.lines().count(), 10, "{}", first.1);
    assert_eq!(company::build(&client("lee", "OTHER"), &ids).await, first);
    let list = ["list", "-m", "github.com/corp/one@v1.1.0"];
    let is_let_in = async |user: &str, password: &str| {
        let output = client(user, password).try_go(&list).await;
        !output.stderr.contains("401 Unauthorized")
    };
    assert!(!is_let_in("dev", "WRONG").await);

    // One user's password is replaced while the other one builds.
    let replaced = async {
        operator.users([("dev", "NEW-PASSWORD"), ("lee", "OTHER")]);
        within_minutes(async { while is_let_in("dev", "PASSWORD").await {} }).await;
    };
    let lee = client("lee", "OTHER");
    let (of_lee, ()) = tokio::join!(company::build(&lee, &ids), replaced);
    assert_eq!(of_lee, first);
    let dev = || client("dev", "NEW-PASSWORD");
    assert_eq!(company::build(&dev(), &ids).await, first);

    // The token of the server is replaced, first at the host.
    let repo = repos.at("corp/one");
    repo.commit("next");
    repo.tag("v1.1.0");
    host.refuse("robot", "elderberry");
    host.allow("robot", "cloudberry", &names);
    let refused = dev().try_go(&list).await;
    assert!(
        refused.stderr.contains("502 Bad Gateway"),
        "{}",
        refused.stderr
    );
    operator.token("cloudberry");
    dev().go(&list).await;
    for client in [dev(), lee] {
        assert_eq!(company::build(&client, &ids).await, first);
    }
    assert_eq!(host.leaks(), [""; 0]);
    proxy.terminate().await;
    assert_eq!(proxy.ended().await.code(), Some(0));
}
