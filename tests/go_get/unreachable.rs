//! Hosts with which no word can be exchanged. None of that may look as if a module did not exist.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::errors::assert_error;
use crate::hosts::{everywhere, plain};
use crate::setup::{Answer, Setup};
use crate::support::{Server, Tls};

const DOWN: &str = "the host of the repository cannot be reached";

/// A service for which this address is GitHub.
fn github(url: &str) -> Setup {
    let key = format!("url.{url}/.insteadOf");
    plain().with(|goget| goget.git_config(key, "https://github.com/"))
}

/// A list, an info and a zip have different ways through the go command.
async fn ask(setup: &Setup, module: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    for path in ["list", "v1.0.0.info", "v1.0.0.zip"] {
        answers.push(setup.get(&format!("/{module}/@v/{path}")).await);
    }
    answers
}

async fn assert_down(setup: &Setup, module: &str) {
    for answer in ask(setup, module).await {
        assert_error(&answer, 502, DOWN);
    }
}

/// A name that no resolver ever sends to the network: a label has 63 letters at most.
fn no_name() -> String {
    format!("{}.invalid", "n".repeat(64))
}

#[tokio::test]
async fn a_host_without_an_address_is_a_bad_gateway() {
    assert_down(&github(&format!("https://{}", no_name())), "github.com/a/b").await;
    assert_down(
        &github(&format!("ssh://git@{}", no_name())),
        "github.com/a/b",
    )
    .await;
    // The go command itself looks for it.
    let setup = plain().with(|goget| goget.env("NO_PROXY", "*").env("no_proxy", "*"));
    assert_down(&setup, &format!("{}/a/b", no_name())).await;
}

/// Takes connections, and does this with each.
async fn host<F: Future<Output = ()> + Send + 'static>(
    handler: impl Fn(TcpStream) -> F + Send + 'static,
) -> Server {
    Server::handle("https", handler).await
}

#[tokio::test]
async fn a_host_that_hangs_up_is_a_bad_gateway() {
    let host = host(|connection| async move { drop(connection) }).await;
    for scheme in ["http", "https", "ssh"] {
        let url = format!("{scheme}://{}", host.address());
        assert_down(&github(&url), "github.com/a/b").await;
    }
    let url = format!("http://{}", host.address());
    let setup = plain().with(|goget| everywhere(goget, &url));
    assert_down(&setup, "vanity.example/a/b").await;
}

#[tokio::test]
async fn a_host_with_a_certificate_of_a_stranger_is_a_bad_gateway() {
    let acceptor = Tls::new().acceptor();
    let git = acceptor.clone();
    let git = host(move |connection| {
        let acceptor = git.clone();
        async move { drop(acceptor.accept(connection).await) }
    })
    .await;
    assert_down(&github(&git.url()), "github.com/a/b").await;

    // The go command asks through a proxy, which leads it to such a host.
    let tunnel = host(move |mut connection| {
        let acceptor = acceptor.clone();
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match connection.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let answer = b"HTTP/1.1 200 OK\r\n\r\n";
            if connection.write_all(answer).await.is_ok() {
                drop(acceptor.accept(connection).await);
            }
        }
    })
    .await;
    let url = format!("http://{}", tunnel.address());
    let setup = plain().with(|goget| everywhere(goget, &url).insecure(""));
    assert_down(&setup, "vanity.example/a/b").await;
}

#[tokio::test]
async fn a_host_that_speaks_no_tls_is_a_bad_gateway() {
    let host = host(|mut connection| async move {
        let _ = connection
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await;
        // Until the other one leaves.
        let _ = connection.read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert_down(&github(&host.url()), "github.com/a/b").await;
}

#[tokio::test]
async fn a_host_that_says_nothing_is_a_gateway_timeout() {
    let (sender, mut accepted) = mpsc::unbounded_channel();
    let host = host(move |mut connection| {
        let sender = sender.clone();
        async move {
            let _ = sender.send(());
            let _ = connection.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let url = format!("http://{}", host.address());
    for path in ["list", "v1.0.0.zip"] {
        let mut limit = Duration::from_secs(2);
        loop {
            let setup = github(&url).with(|settings| settings.time_limit(limit));
            let answer = setup.get(&format!("/github.com/a/b/@v/{path}")).await;
            let text = format!("version control took longer than {limit:?}");
            assert_error(&answer, 504, &text);
            assert_eq!(setup.goget.runs().running(), 0);
            // It was git that waited: it may take its time until then.
            if accepted.try_recv().is_ok() {
                break;
            }
            limit *= 2;
        }
    }
}
