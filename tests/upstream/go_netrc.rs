//! netrc files and GOPROXY strings as people have them: what arrives at the registry is what the real go command sends.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;
use tower_goproxy::Upstream;
use tower_goproxy::upstream::Client as HttpClient;

use crate::ask::{LIST, get};
use crate::server::{Server, ok};
use crate::support::Client;

/// What arrived: the target of the first request for the list, and its `Authorization`.
type Arrived = Option<(String, Option<String>)>;

struct Scene {
    server: Server,
    folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start_tls(|seen| {
            ok(match seen.target.rsplit_once("/@v/") {
                Some((_, rest)) if rest.starts_with("list") => "v1.0.0\n",
                Some((_, rest)) if rest.contains(".mod") => "module example.com/m\n",
                _ => r#"{"Version":"v1.0.0"}"#,
            })
        })
        .await;
        let folder = TempDir::new().unwrap();
        let certificate = server.certificate.as_ref().unwrap();
        fs::write(folder.path().join("roots.pem"), certificate).unwrap();
        Self { server, folder }
    }

    fn arrived(&self, from: usize) -> Arrived {
        let seen = self.server.seen();
        let list = seen[from..]
            .iter()
            .find(|seen| seen.target.contains("/@v/list"))?;
        let authorization = list.header("authorization").map(str::to_owned);
        Some((list.target.clone(), authorization))
    }

    /// What the go command sends, and what `Upstream` does.
    async fn both(&self, goproxy: &str, netrc: &[u8]) -> (Arrived, Arrived) {
        let file = self.folder.path().join("netrc");
        fs::write(&file, netrc).unwrap();
        let client = Client::new(goproxy).env("NETRC", &file);
        let client = client.trusting(&self.folder.path().join("roots.pem"));
        let from = self.server.seen().len();
        client
            .try_go(&["list", "-m", "-versions", "example.com/m"])
            .await;
        let by_go = self.arrived(from);

        let from = self.server.seen().len();
        let trusted = HttpClient::with_roots(self.server.certificate.as_ref().unwrap()).unwrap();
        if let Ok(upstream) = Upstream::with_client(goproxy, trusted) {
            get(&upstream.netrc(&file).unwrap().retries(0), LIST).await;
        }
        (by_go, self.arrived(from))
    }
}

#[tokio::test]
async fn of_a_netrc_file_the_same_entry_is_sent_as_by_the_go_command() {
    let scene = Scene::new().await;
    let port = scene.server.address.port();
    // `@` stands for the host and port of the server.
    let files: [&[u8]; 29] = [
        b"",
        b"machine @ login a password b",
        b"machine @ login a password b\n",
        b"machine @\nlogin a\npassword b\n",
        b"machine @\n\tlogin a\n\tpassword b\n\n\n",
        b"machine @\r\nlogin a\r\npassword b\r\n",
        b"machine @ password b login a",
        b"machine @ login a account c password b",
        b"machine @ login a password b\nmachine @ login c password d",
        b"machine @/ login a password b",
        b"machine @// login a password b",
        b"machine @/base login a password b",
        b"machine @/base/example.com/m/ login a password b\nmachine @ login c password d",
        b"machine @/other login a password b",
        b"machine https://@ login a password b",
        b"machine https://@/base/ login a password b",
        b"machine http://@ login a password b",
        b"machine localhost login a password b",
        b"machine localhost:443 login a password b",
        b"default login a password b",
        b"default login a password b\nmachine @ login c password d",
        b"default\nlogin a password b\nmachine @ login c password d",
        b"machine other login x password y\nmachine @ login a password b",
        b"machine @ login a",
        b"machine @ login a password \"b c\"",
        b"machine @ login a password #b",
        b"machine @ login a\\b password b\xff\xc3\xa4",
        b"macdef m\nmachine @ login x password y\n\nmachine @ login a password b",
        b"# old\nmachine @ login a password b # new one\n#",
    ];
    let host = format!("localhost:{port}");
    let goproxy = format!("https://{host}/base");
    for file in files {
        let mut netrc = Vec::new();
        for byte in file {
            match byte {
                b'@' => netrc.extend_from_slice(host.as_bytes()),
                byte => netrc.push(*byte),
            }
        }
        let (by_go, by_us) = scene.both(&goproxy, &netrc).await;
        assert!(by_go.is_some());
        assert_eq!(by_us, by_go, "{}", String::from_utf8_lossy(file));
    }
    // Where we differ, and why.
    let basic = Some("Basic YTpi".to_owned());
    for (netrc, by_go, by_us) in [
        // Host names have no case.
        (
            format!("machine LocalHost:{port} login a password b"),
            None,
            basic.clone(),
        ),
        // What is commented out is no entry.
        (format!("# machine {host} login a password b"), None, None),
        (
            format!("# old: machine {host} login a password b"),
            basic.clone(),
            None,
        ),
        (
            format!("machine {host}\n#login: login x\nlogin a password b"),
            basic.clone(),
            basic,
        ),
    ] {
        let (go, us) = scene.both(&goproxy, netrc.as_bytes()).await;
        let authorization = |arrived: Arrived| arrived.unwrap().1;
        assert_eq!(
            (authorization(go), authorization(us)),
            (by_go, by_us),
            "{netrc}"
        );
    }
}

#[tokio::test]
async fn of_a_goproxy_string_the_same_request_is_made_as_by_the_go_command() {
    let scene = Scene::new().await;
    let port = scene.server.address.port();
    let folder = format!("file://{}", scene.folder.path().display());
    let lists = [
        "https://@",
        "https://@/",
        " https://@ ",
        "https://@,off",
        "https://@|off",
        ",|https://@||,",
        "off,https://@",
        "@",
        "https://@//a//b/../c/.",
        "https://@/a%20b/",
        "https://@/a%2Fb",
        "https://@/%2e%2e/x",
        "https://@/a;b=c",
        "https://user:pw@@",
        "https://us%20er:p%40%3Aw@@/base",
        "https://token@@",
        "https://:pw@@",
        "https://user:@@",
        "http://user:pw@@",
        "ftp://@",
        "foo",
        "https://@:x/",
        "https://127.0.0.1:PORT",
        "FILE,https://@",
    ];
    let mut different = BTreeMap::new();
    for list in lists {
        let host = format!("localhost:{port}");
        let goproxy = match list
            .strip_suffix("@@")
            .or_else(|| list.strip_suffix("@@/base"))
        {
            Some(user) => list.replace(&format!("{user}@@"), &format!("{user}@{host}")),
            None => list.replace('@', &host),
        };
        let goproxy = goproxy
            .replace("PORT", &port.to_string())
            .replace("FILE", &folder);
        // Credentials of the URL count more than those of the file.
        let netrc = format!("machine {host} login net password rc");
        let (by_go, by_us) = scene.both(&goproxy, netrc.as_bytes()).await;
        if by_go != by_us {
            different.insert(list, (by_go, by_us));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}
