//! What the environment decides: proxies, roots, the netrc file. Each case is a process of its own, since a variable
//! belongs to a whole process.

use std::net::SocketAddr;
use std::process::Stdio;

use crate::ask::{LIST, answer_of};
use crate::server::{Server, answer, ok, redirect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;
use tower_goproxy::Upstream;

const CHILD: &str = "TOWER_GOPROXY_TEST_UPSTREAM";
/// Has the process install a TLS provider that can do nothing.
const PROVIDER: &str = "TOWER_GOPROXY_TEST_PROVIDER";

#[tokio::test]
#[ignore = "what the other tests run in a process of its own"]
async fn child() {
    let list = std::env::var(CHILD).unwrap_or_else(|_| "off".to_owned());
    if std::env::var_os(PROVIDER).is_some() {
        let mut provider = rustls::crypto::ring::default_provider();
        provider.cipher_suites.clear();
        provider.install_default().unwrap();
    }
    let answer = match Upstream::new(&list) {
        Ok(upstream) => {
            let upstream = upstream.retries(0).netrc_from_env().unwrap();
            let (status, text) = answer_of(&upstream, LIST).await;
            format!("{} {}", status.as_u16(), text.trim())
        }
        Err(error) => error.to_string(),
    };
    #[allow(clippy::print_stdout, reason = "the parent reads it")]
    {
        println!("<{answer}>");
    }
}

/// What a process with only these variables gets from `list`.
async fn asked(list: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "env::child", "--ignored", "--nocapture"])
        .env_clear()
        .env(CHILD, list)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let result = stdout
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    let (result, _) = result.unwrap_or_else(|| {
        panic!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    });
    result.to_owned()
}

#[tokio::test]
async fn the_roots_of_ssl_cert_file_are_trusted() {
    let server = Server::start_tls(|_| ok("v1.0.0")).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), server.certificate.as_ref().unwrap()).unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(
        asked(&server.https(), &[("SSL_CERT_FILE", path)]).await,
        "200 v1.0.0"
    );
}

#[tokio::test]
async fn the_netrc_file_is_that_of_netrc_else_of_the_home_directory() {
    let server = Server::start_tls(|seen| ok(seen.header("authorization").unwrap_or("none"))).await;
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("roots"), server.certificate.as_ref().unwrap()).unwrap();
    let machine = format!("machine localhost:{} login", server.address.port());
    std::fs::write(path("named"), format!("{machine} a password b")).unwrap();
    std::fs::write(path(".netrc"), format!("{machine} c password d")).unwrap();
    let (roots, named, home) = (path("roots"), path("named"), path(""));
    let roots = ("SSL_CERT_FILE", roots.as_str());
    let list = server.https();
    let both = [roots, ("NETRC", &named), ("HOME", &home)];
    assert_eq!(asked(&list, &both).await, "200 Basic YTpi");
    assert_eq!(
        asked(&list, &[roots, ("HOME", &home)]).await,
        "200 Basic Yzpk"
    );
    assert_eq!(
        asked(&list, &[roots, ("HOME", "/nonexistent")]).await,
        "200 none"
    );
}

#[tokio::test]
async fn a_proxy_forwards_http_requests() {
    let proxy = Server::start(|_| ok("v1.0.0")).await;
    let url = format!("http://user:pw@{}", proxy.address);
    let list = "http://registry.invalid/base";
    assert_eq!(asked(list, &[("HTTP_PROXY", &url)]).await, "200 v1.0.0");
    let seen = &proxy.seen()[0];
    assert_eq!(seen.target, format!("{list}{LIST}"));
    assert_eq!(seen.header("host"), Some("registry.invalid"));
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic dXNlcjpwdw==")
    );
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_to_https_hosts() {
    let proxy = Server::start(|_| answer("403 Forbidden", &[], "no")).await;
    let url = format!("http://user:pw@{}", proxy.address);
    let roots = tempfile::NamedTempFile::new().unwrap();
    let any = Server::start_tls(|_| ok("")).await;
    std::fs::write(roots.path(), any.certificate.as_ref().unwrap()).unwrap();
    let variables = [
        ("HTTPS_PROXY", url.as_str()),
        ("SSL_CERT_FILE", roots.path().to_str().unwrap()),
    ];
    let answer = asked("https://secret:secret@registry.invalid", &variables).await;
    assert_eq!(answer, "502 bad gateway: upstream cannot be reached");
    let seen = &proxy.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("CONNECT", "registry.invalid:443")
    );
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic dXNlcjpwdw==")
    );
    assert_eq!(seen.header("authorization"), None);
}

/// A proxy that leads every tunnel to `address`.
async fn tunnel_to(address: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            assert!(head.starts_with(b"CONNECT registry.invalid:443 HTTP/1.1\r\n"));
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(address).await.unwrap();
            // How a connection ends is the matter of its two ends.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    });
    url
}

#[tokio::test]
async fn tls_goes_through_the_tunnel_with_credentials_inside_only() {
    let server = Server::start_tls(|seen| ok(seen.header("authorization").unwrap_or("none"))).await;
    let url = tunnel_to(server.address).await;
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(roots.path(), server.certificate.as_ref().unwrap()).unwrap();
    let variables = [
        ("https_proxy", url.as_str()),
        ("SSL_CERT_FILE", roots.path().to_str().unwrap()),
    ];
    let answer = asked("https://a:b@registry.invalid", &variables).await;
    assert_eq!(answer, "200 Basic YTpi");
    assert_eq!(server.seen()[0].header("proxy-authorization"), None);
    assert_eq!(server.seen()[0].target, LIST);
}

#[tokio::test]
async fn no_proxy_stands_before_this_machine_and_the_hosts_of_no_proxy() {
    let proxy = Server::start(|_| ok("proxy")).await;
    let server = Server::start(|_| ok("direct")).await;
    let url = proxy.http();
    for host in ["127.0.0.1", "localhost"] {
        let list = format!("http://{host}:{}", server.address.port());
        assert_eq!(asked(&list, &[("HTTP_PROXY", &url)]).await, "200 direct");
    }
    let variables = [("HTTP_PROXY", url.as_str()), ("NO_PROXY", ".invalid")];
    let answer = asked("http://registry.invalid", &variables).await;
    assert_eq!(answer, "502 bad gateway: upstream cannot be reached");
    assert!(proxy.seen().is_empty());
}

#[tokio::test]
async fn a_name_of_a_private_address_is_no_target_of_a_redirect() {
    let target = Server::start(|_| ok("secret")).await;
    // What resolves names takes these for 127.0.0.1, whereas they are none as they stand.
    for name in ["127.1", "2130706433", "0x7f000001", "017700000001"] {
        let location = format!("http://{name}:{}/x", target.address.port());
        // Behind another public host too.
        let proxy = Server::start(move |seen| match seen.number {
            0 => redirect("302 Found", "http://other.invalid/x"),
            _ => redirect("302 Found", &location),
        })
        .await;
        let url = proxy.http();
        let variables = [("HTTP_PROXY", &*url), ("NO_PROXY", name)];
        let answer = asked("http://registry.invalid", &variables).await;
        let refused = "502 bad gateway: upstream redirected to a private address";
        assert_eq!(answer, refused, "{name}");
        assert_eq!(proxy.seen().len(), 2, "{name}");
    }
    assert!(target.seen().is_empty());
    // The same host by its address, for which the registry is at home.
    let server = Server::start(move |_| ok("v1.0.0")).await;
    let location = format!("http://127.1:{}/x", server.address.port());
    let registry = Server::start(move |_| redirect("302 Found", &location)).await;
    assert_eq!(asked(&registry.http(), &[]).await, "200 v1.0.0");
}

/// A SOCKS 5 proxy that leads everything to `address`; tells the host and port it was asked for, and the login.
async fn socks_to(
    address: SocketAddr,
    wants_login: bool,
) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    let proxy = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut asked = String::new();
            let text = async |client: &mut TcpStream| {
                let length = client.read_u8().await.unwrap();
                let mut text = vec![0; length.into()];
                client.read_exact(&mut text).await.unwrap();
                String::from_utf8(text).unwrap()
            };
            assert_eq!(client.read_u8().await.unwrap(), 5);
            text(&mut client).await;
            client
                .write_all(&[5, if wants_login { 2 } else { 0 }])
                .await
                .unwrap();
            if wants_login {
                assert_eq!(client.read_u8().await.unwrap(), 1);
                asked = format!("{}:{}@", text(&mut client).await, text(&mut client).await);
                client.write_all(&[1, 0]).await.unwrap();
            }
            // Version, "connect", nothing, a name.
            assert_eq!(client.read_u32().await.unwrap(), 0x0501_0003);
            asked += &text(&mut client).await;
            asked += &format!(":{}", client.read_u16().await.unwrap());
            sender.send(asked).unwrap();
            client
                .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
                .await
                .unwrap();
            let mut server = TcpStream::connect(address).await.unwrap();
            // How a connection ends is the matter of its two ends.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    });
    (proxy, receiver)
}

#[tokio::test]
async fn a_socks5_proxy_leads_to_http_and_https_hosts() {
    let plain = Server::start(|_| ok("plain")).await;
    let (proxy, mut asks) = socks_to(plain.address, false).await;
    for scheme in ["socks5", "socks5h"] {
        let url = format!("{scheme}://{proxy}");
        let variables = [("HTTP_PROXY", url.as_str())];
        assert_eq!(
            asked("http://registry.invalid", &variables).await,
            "200 plain"
        );
        assert_eq!(asks.recv().await.unwrap(), "registry.invalid:80");
    }
    assert_eq!(plain.seen()[0].target, LIST);

    let secure = Server::start_tls(|_| ok("secure")).await;
    let (proxy, mut asks) = socks_to(secure.address, true).await;
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(roots.path(), secure.certificate.as_ref().unwrap()).unwrap();
    let url = format!("socks5://us%20er:pw@{proxy}");
    let variables = [
        ("ALL_PROXY", url.as_str()),
        ("SSL_CERT_FILE", roots.path().to_str().unwrap()),
    ];
    assert_eq!(
        asked("https://registry.invalid", &variables).await,
        "200 secure"
    );
    assert_eq!(asks.recv().await.unwrap(), "us er:pw@registry.invalid:443");
}

#[tokio::test]
async fn a_socks4_proxy_is_refused_at_the_start() {
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        let variables = [(variable, "socks4://127.0.0.1:1")];
        let answer = asked("http://registry.invalid", &variables).await;
        assert!(answer.contains("socks4"), "{answer}");
    }
}

#[tokio::test]
async fn the_tls_provider_is_that_of_the_process() {
    let server = Server::start_tls(|_| ok("")).await;
    let variables = [(PROVIDER, "useless")];
    let answer = asked(&server.https(), &variables).await;
    assert_eq!(answer, "the TLS provider cannot be used");
}
