//! The README's way to set it up for a company, as an operator and a client walk it.

use std::fs;
use std::path::PathBuf;

use http::header::AUTHORIZATION;
use http::{Request, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use tempfile::TempDir;
use tower::service_fn;

use crate::proxy::{Proxy, command};
use crate::support::go::program;
use crate::support::{Client, GitHost, Repos, Server, StaticRegistry, Tls, company, web_client};

/// What the operator has, `@` being the folder.
struct Operator {
    folder: TempDir,
}

impl Operator {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    fn token(&self, token: &str) {
        self.write(
            "netrc",
            &format!("machine 127.0.0.1 login robot password {token}\n"),
        );
    }

    async fn start(&self, upstream: &str) -> Proxy {
        let options = format!(
            "--storage @/modules --filter @/filter.conf --go {} --go-private github.com/corp \
             --netrc @/netrc --git-config @/gitconfig --basic-auth dev:PASSWORD --upstream {upstream}",
            program().display()
        );
        let options = options.replace('@', self.folder.path().to_str().unwrap());
        let args: Vec<_> = options.split_whitespace().collect();
        let mut command = command(&args);
        command.env("PATH", std::env::var_os("PATH").unwrap());
        Proxy::run(command).await
    }
}

/// The TLS server in front.
async fn front(proxy: &Proxy, tls: &Tls) -> Server {
    let (address, client) = (proxy.address.to_string(), web_client(false));
    let service = service_fn(move |request: Request<Incoming>| {
        let path = request.uri().path_and_query().unwrap().clone();
        let uri = Uri::builder()
            .scheme("http")
            .authority(address.as_str())
            .path_and_query(path);
        let mut forwarded = Request::builder().uri(uri.build().unwrap());
        if let Some(credentials) = request.headers().get(AUTHORIZATION) {
            forwarded = forwarded.header(AUTHORIZATION, credentials);
        }
        client.request(forwarded.body(Empty::default()).unwrap())
    });
    Server::start_tls(service, tls).await
}

#[tokio::test]
async fn the_way_of_the_readme_ends_with_a_build_twice_and_goes_on_with_a_new_token() {
    let repos = Repos::new();
    let ids = company::all(&company::private(&repos));
    let host = GitHost::start(repos.root()).await;
    let names = ["one", "two", "mono", "major", "commit"].map(|name| format!("corp/{name}"));
    let names = names.each_ref().map(String::as_str);
    host.allow("robot", "TOKEN", &names);
    let tree = company::registry();
    let registry = StaticRegistry::start(tree.root()).await;

    let operator = Operator {
        folder: TempDir::new().unwrap(),
    };
    operator.write("filter.conf", "+\nD github.com/corp\n");
    operator.token("TOKEN");
    let (key, value) = host.instead_of("https://github.com/");
    let url = key
        .trim_start_matches("url.")
        .trim_end_matches(".insteadOf");
    let authority = host.authority();
    operator.write(
        "gitconfig",
        &format!("[url \"{url}\"]\n\tinsteadOf = {value}\n[http]\n\tsslCAInfo = {authority}\n"),
    );

    let proxy = operator.start(&registry.url()).await;
    let tls = Tls::http1_only();
    let front = front(&proxy, &tls).await;
    let client = |password: &str| {
        let netrc = format!(
            "machine {} login dev password {password}\n",
            front.address()
        );
        let client = Client::new(front.url()).trusting(&tls.authority_file());
        client.netrc(&netrc).env("GONOSUMDB", "github.com/corp")
    };
    let first = company::build(&client("PASSWORD"), &ids).await;
    assert_eq!(first.1.lines().count(), 10, "{}", first.1);
    assert_eq!(company::build(&client("PASSWORD"), &ids).await, first);
    let list = ["list", "-m", "github.com/corp/one@v1.1.0"];
    let refused = client("WRONG").try_go(&list).await;
    assert!(
        refused.stderr.contains("401 Unauthorized"),
        "{}",
        refused.stderr
    );

    // The token is replaced while the server runs, first at the host.
    let repo = repos.at("corp/one");
    repo.commit("next");
    repo.tag("v1.1.0");
    host.refuse("robot", "TOKEN");
    host.allow("robot", "NEW-TOKEN", &names);
    let refused = client("PASSWORD").try_go(&list).await;
    assert!(
        refused.stderr.contains("502 Bad Gateway"),
        "{}",
        refused.stderr
    );
    operator.token("NEW-TOKEN");
    client("PASSWORD").go(&list).await;
    assert_eq!(company::build(&client("PASSWORD"), &ids).await, first);
    assert_eq!(host.leaks(), [""; 0]);
}
