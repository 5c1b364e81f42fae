//! netrc files and GOPROXY strings as people have them: what arrives at the registry is what the real go command sends.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;
use tower_goproxy::upstream::Client as HttpClient;
use tower_goproxy::{NotFound, Upstream};

use crate::ask::{LIST, get};
use crate::go_list::proxy;
use crate::server::{Script, Seen, Server, ok};
use crate::support::Client;

/// What arrived: the line of the first request for the list, and its headers but for those that differ.
type Arrived = Option<(String, BTreeMap<String, String>)>;

/// What differs by design: who we are, and that bytes are to come as they are stored.
const OURS: [(&str, &str, &str); 2] = [
    ("user-agent", "Go", "tower-goproxy"),
    ("accept-encoding", "gzip", "identity"),
];

fn arrived(seen: &[Seen], is_ours: bool) -> Arrived {
    let mut lists = seen.iter().filter(|seen| seen.target.contains("/@v/list"));
    let (line, mut headers) = lists.next()?.head();
    for (name, of_go, of_us) in OURS {
        let value = headers.remove(name).unwrap();
        let expected = if is_ours { of_us } else { of_go };
        assert!(value.starts_with(expected), "{name}: {value}");
    }
    Some((line, headers))
}

struct Scene {
    server: Server,
    /// Without TLS.
    plain: Server,
    folder: TempDir,
}

fn answer(seen: &Seen) -> Script {
    ok(match seen.target.rsplit_once("/@v/") {
        Some((_, rest)) if rest.starts_with("list") => "v1.0.0\n",
        Some((_, rest)) if rest.contains(".mod") => "module example.com/m\n",
        _ => r#"{"Version":"v1.0.0"}"#,
    })
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start_tls(answer).await;
        let folder = TempDir::new().unwrap();
        let certificate = server.certificate.as_ref().unwrap();
        fs::write(folder.path().join("roots.pem"), certificate).unwrap();
        let plain = Server::start(answer).await;
        Self {
            server,
            plain,
            folder,
        }
    }

    /// What the go command sends, and what `Upstream` does.
    async fn both(&self, goproxy: &str, netrc: &[u8]) -> (Arrived, Arrived) {
        let file = self.folder.path().join("netrc");
        fs::write(&file, netrc).unwrap();
        let client = Client::new(goproxy).env("NETRC", &file);
        let client = client.trusting(&self.folder.path().join("roots.pem"));
        let counts = || (self.server.seen().len(), self.plain.seen().len());
        let since = |(secure, plain): (usize, usize)| {
            [&self.server.seen()[secure..], &self.plain.seen()[plain..]].concat()
        };
        let before = counts();
        client
            .try_go(&["list", "-m", "-versions", "example.com/m"])
            .await;
        let by_go = arrived(&since(before), false);

        let before = counts();
        let trusted = HttpClient::with_roots(self.server.certificate.as_ref().unwrap()).unwrap();
        let upstream = match goproxy.contains("direct") {
            true => Upstream::with_direct(goproxy, trusted, NotFound),
            false => Upstream::with_client(goproxy, trusted),
        };
        if let Ok(upstream) = upstream {
            get(&upstream.netrc(&file).unwrap().retries(0), LIST).await;
        }
        (by_go, arrived(&since(before), true))
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
        let authorization = |arrived: Arrived| arrived.unwrap().1.remove("authorization");
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
    // HOST is the server over TLS, PLAIN the one without.
    let written = |list: &str| {
        list.replace("HOST", &format!("localhost:{port}"))
            .replace("PORT", &port.to_string())
            .replace("PLAIN", &scene.plain.address.to_string())
            .replace("FILE", &folder)
    };
    // Credentials of the URL count more than those of the file.
    let netrc = format!("machine localhost:{port} login net password rc");
    for list in [
        "https://HOST",
        "https://HOST/",
        " https://HOST ",
        "https://HOST,off",
        "https://HOST|off",
        ",|https://HOST||,",
        "off,https://HOST",
        "HOST",
        "HOST/base",
        "HTTPS://HOST",
        "https://HOST//a//b/../c/.",
        "https://HOST/a%20b/",
        "https://HOST/a%2Fb",
        "https://HOST/%2e%2e/x",
        "https://HOST/a;b=c",
        "https://HOST/a!(b)",
        "https://HOST/\u{e4}",
        "https://HOST?key=1",
        "https://HOST/base/?key=a%2Fb&x",
        "https://HOST/base#part",
        "https://user:pw@HOST",
        "https://us%20er:p%40%3Aw@HOST/base",
        "https://token@HOST",
        "https://:pw@HOST",
        "https://user:@HOST",
        "http://user:pw@HOST",
        "ftp://HOST",
        "foo",
        "https://HOST:x/",
        "https://127.0.0.1:PORT",
        "FILE,https://HOST",
        "http://PLAIN",
        "http://PLAIN/base/,https://HOST",
        "http://PLAIN,direct",
        "http://PLAIN|direct",
    ] {
        let (by_go, by_us) = scene.both(&written(list), netrc.as_bytes()).await;
        assert_eq!(by_us, by_go, "{list}");
    }
    // Where we differ, and why.
    let port = scene.plain.address.port();
    let capitals = format!("http://LOCALHOST:{port}");
    let (by_go, by_us) = scene.both(&capitals, b"").await;
    let (by_go, by_us) = (by_go.unwrap(), by_us.unwrap());
    assert_eq!(by_go.0, by_us.0);
    // Host names have no case, and credentials are found by one spelling.
    assert_eq!(by_go.1["host"], format!("LOCALHOST:{port}"));
    assert_eq!(by_us.1["host"], format!("localhost:{port}"));
    // A URL has no spaces.
    let (by_go, by_us) = scene.both(&written("https://HOST/a b"), b"").await;
    assert!(by_go.unwrap().0.contains("/a%20b/") && by_us.is_none());
}

/// The path of a module, from the target of a request for it.
fn unescaped(target: &str) -> String {
    let escaped = &target[target.find("example.com").unwrap()..];
    let mut pieces = escaped.split("%21");
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |path, piece| {
        let (capital, rest) = piece.split_at(1);
        path + &capital.to_uppercase() + rest
    })
}

/// The go command asks the registry, and then us, who ask the registry.
#[tokio::test]
async fn through_a_proxy_the_same_paths_arrive_byte_by_byte() {
    let server = Server::start(|seen| {
        let (module, file) = seen.target.rsplit_once("/@").unwrap();
        ok(match file {
            "v/list" => String::new(),
            "v/v1.0.0-%21r%21c.1.info" => r#"{"Version":"v1.0.0-RC.1"}"#.to_owned(),
            "v/v2.0.0+incompatible.info" => r#"{"Version":"v2.0.0+incompatible"}"#.to_owned(),
            file if file.ends_with(".mod") => format!("module {}\n", unescaped(module)),
            file if file.ends_with(".zip") => "no zip".to_owned(),
            _ => r#"{"Version":"v1.0.0"}"#.to_owned(),
        })
    })
    .await;
    for base in ["", "/base", "/a%20b"] {
        let url = server.http() + base;
        let through = proxy(Upstream::new(&url).unwrap().retries(0)).await;
        for (args, least) in [
            (
                &["mod", "download", "example.com/GoogleCloud/M@v1.0.0-RC.1"][..],
                3,
            ),
            (&["list", "-m", "example.com/GoogleCloud/M@latest"], 3),
            (&["list", "-m", "example.com/m@v2.0.0+incompatible"], 2),
            (&["list", "-m", "example.com/a~b_c-d.e/x@HEAD"], 2),
            (&["list", "-m", "example.com/m@a&b=c+de~f[g]{h}(i)^$"], 2),
            (&["list", "-m", "example.com/m@a b"], 2),
            (&["list", "-m", "example.com/m@a%b#c@d"], 2),
        ] {
            let mut arrived = Vec::new();
            for goproxy in [&url, &through] {
                let before = server.seen().len();
                Client::new(goproxy).try_go(args).await;
                let seen = server.seen();
                let mut lines: Vec<_> = seen[before..].iter().map(|seen| seen.head().0).collect();
                lines.sort();
                arrived.push(lines);
            }
            assert!(arrived[0].len() >= least, "{args:?}: {:?}", arrived[0]);
            assert_eq!(arrived[1], arrived[0], "{base} {args:?}");
        }
        // Where we differ, and why: only behind a base path the go command leaves a comma as it is. Both mean the same.
        let query = ["list", "-m", "example.com/m@a,b"];
        for (goproxy, comma) in [
            (&url, if base.is_empty() { "%2C" } else { "," }),
            (&through, "%2C"),
        ] {
            let before = server.seen().len();
            Client::new(goproxy).try_go(&query).await;
            let expected = format!("{base}/example.com/m/@v/a{comma}b.info");
            assert_eq!(server.seen()[before].target, expected);
        }
    }
}
