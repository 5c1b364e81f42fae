//! Passwords, while somebody guesses them and when they are read again.

use std::fs;
use std::future::ready;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt as _};
use http::StatusCode;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::MOD;
use crate::proxy::Proxy;
use crate::support::within_minutes;
use crate::users::{basic, get_as, hash};

/// A hash of the password `one` that takes a quarter of a second to check.
fn slow() -> String {
    bcrypt::hash("one", 12).unwrap()
}

/// How long a wrong password counts where guessing is slowed down.
const COUNTS: Duration = Duration::from_secs(10);
const FIRST: [u8; 4] = [127, 0, 0, 1];
const SECOND: [u8; 4] = [127, 0, 0, 2];

struct Scene {
    folder: TempDir,
    proxy: Proxy,
}

impl Scene {
    /// Nothing but users: what is requested does not exist.
    async fn new(users: &str, options: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("users");
        fs::write(&file, users).unwrap();
        let args = ["--storage", "memory:", "--upstream", "off", "--users"];
        let own = [file.to_str().unwrap(), "--metrics"];
        let proxy = Proxy::start(&[&args[..], &own, options].concat()).await;
        Self { folder, proxy }
    }

    async fn is_let_in(&self, user: &str, password: &str) -> bool {
        let answered = get_as(&self.proxy, MOD, &basic(user, password)).await;
        answered.status == Some(StatusCode::NOT_FOUND)
    }
}

/// The status for a request from this address, forwarded for another one. It needs no more than one socket.
async fn status(
    proxy: SocketAddr,
    from: [u8; 4],
    forwarded: Option<&str>,
    credentials: &str,
) -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(proxy).await.unwrap();
    let forwarded = forwarded.map_or_else(String::new, |of| format!("X-Forwarded-For: {of}\r\n"));
    let head = format!("GET {MOD} HTTP/1.1\r\nHost: x\r\nAuthorization: {credentials}\r\n");
    let request = format!("{head}{forwarded}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    within_minutes(stream.read_exact(&mut start)).await.unwrap();
    String::from_utf8_lossy(&start[9..]).parse().unwrap()
}

/// As many guesses as one address may have wait for a check, which takes longer than all of them take to come.
async fn full(scene: &Scene) -> impl Stream<Item = u16> + Unpin {
    let address = scene.proxy.address;
    let guess = |n: usize| async move {
        let user = if n.is_multiple_of(2) {
            "alice"
        } else {
            "nobody"
        };
        status(address, SECOND, None, &basic(user, &n.to_string())).await
    };
    let mut guesses: FuturesUnordered<_> = (0..200).map(guess).collect();
    let full = async {
        let refused = guesses.by_ref().filter(|status| ready(*status == 503));
        pin!(refused).next().await
    };
    assert_eq!(within_minutes(full).await, Some(503));
    guesses
}

#[tokio::test]
async fn a_reload_fails_no_request_of_users_whose_lines_stay() {
    let (fast, slow) = (hash("one"), slow());
    let names: Vec<_> = (0..20).map(|n| format!("user{n}")).collect();
    let lines = |names: &[String]| {
        let lines = names.iter().map(|name| format!("{name}:{fast}\n"));
        format!("{}alice:{slow}\n", lines.collect::<String>())
    };
    let scene = Scene::new(&lines(&names), &[]).await;
    for name in &names {
        assert!(scene.is_let_in(name, "one").await, "{name}");
    }
    let (gone, stay) = names.split_first().unwrap();
    fs::write(scene.folder.path().join("users"), lines(stay)).unwrap();
    scene.proxy.signal("-HUP").await;
    within_minutes(async { while scene.is_let_in(gone, "one").await {} }).await;
    // There are no places for this many checks.
    let _guesses = full(&scene).await;
    let known = stay.iter().map(|name| async {
        let credentials = basic(name, "one");
        status(scene.proxy.address, SECOND, None, &credentials).await
    });
    let found = join_all(known).await;
    assert!(found.iter().all(|status| *status == 404), "{found:?}");
}

/// And it takes turns with them.
#[tokio::test]
async fn an_address_that_guesses_keeps_nobody_else_out() {
    let scene = Scene::new(&format!("alice:{}\n", slow()), &[]).await;
    let mut guesses = full(&scene).await;
    let credentials = basic("alice", "one");
    let mut alice = Box::pin(status(scene.proxy.address, FIRST, None, &credentials));
    let mut checked = 0;
    loop {
        tokio::select! {
            status = &mut alice => {
                assert_eq!(status, 404);
                break;
            }
            guess = guesses.next() => match guess {
                Some(401) => checked += 1,
                guess => assert_eq!(guess, Some(503)),
            }
        }
    }
    // 128 waited. Some are checked before her request is there.
    assert!(checked < 64, "{checked} guesses came first");
}

#[tokio::test]
async fn an_address_that_guesses_is_slowed_down_before_the_check() {
    let users = format!("alice:{}\n", hash("one"));
    let own = ["--trusted-proxy", "127.0.0.1", "--basic-auth", "dev:secret"];
    let scene = Scene::new(&users, &own).await;
    let address = scene.proxy.address;
    // Known from there.
    let alice = basic("alice", "one");
    assert_eq!(status(address, FIRST, Some("192.0.2.1"), &alice).await, 404);
    let right = async || {
        let elsewhere = status(address, FIRST, Some("192.0.2.2"), &alice).await;
        assert_eq!(elsewhere, 404);
        let known = status(address, FIRST, Some("192.0.2.1"), &alice).await;
        assert_eq!(known, 404);
    };
    let guesses = |user, network: &'static str| -> FuturesUnordered<_> {
        let guess = move |n: u8| async move {
            // All of a network of IPv6 are one.
            let from = match network.ends_with(':') {
                true => format!("{network}{n:x}"),
                false => network.to_owned(),
            };
            status(address, FIRST, Some(&from), &basic(user, &n.to_string())).await
        };
        (0..40).map(guess).collect()
    };
    for (user, network) in [("alice", "192.0.2.1"), ("dev", "2001:db8::")] {
        let begun = Instant::now();
        let mut guesses = guesses(user, network);
        for _ in 0..10 {
            assert_eq!(within_minutes(guesses.next()).await, Some(401));
        }
        // Also a right one, if it is not known from there: else whoever guesses would know it by that.
        let mut unknown = pin!(status(address, FIRST, Some("2001:db8::fff"), &alice));
        tokio::select! {
            biased;
            more = guesses.next() => assert!(begun.elapsed() >= COUNTS, "{user}: {more:?} at once"),
            status = &mut unknown, if user == "dev" => {
                assert!(begun.elapsed() >= COUNTS, "{status} at once");
            }
            () = right() => {}
        }
    }
    let all: Vec<_> = guesses("eve", "192.0.2.3").collect().await;
    assert!(
        all.iter().all(|status| [401, 429].contains(status)),
        "{all:?}"
    );
    let checked = all.iter().filter(|status| **status == 401).count();
    assert!((10..=30).contains(&checked), "{checked} were checked");
    let later = status(address, FIRST, Some("192.0.2.3"), &basic("eve", "")).await;
    assert_eq!(later, 401);
}

#[tokio::test]
async fn nobody_is_slowed_down_where_it_is_not_known_whose_address_it_is() {
    let scene = Scene::new(&format!("alice:{}\n", hash("one")), &[]).await;
    // More at once than are checked within the time that each of them may wait.
    let guesses = (0..40).map(|n| async move {
        let wrong = basic("alice", &n.to_string());
        status(scene.proxy.address, FIRST, Some("192.0.2.1"), &wrong).await
    });
    let found = join_all(guesses).await;
    assert!(found.iter().all(|status| *status == 401), "{found:?}");
    assert!(scene.is_let_in("alice", "one").await);
}

/// A name that does not exist is checked each time, also with the password of another user.
#[tokio::test]
async fn the_password_of_a_user_is_not_known_for_another_name() {
    let scene = Scene::new(&format!("alice:{}\n", slow()), &[]).await;
    assert!(scene.is_let_in("alice", "one").await);
    assert!(!scene.is_let_in("nobody", "one").await);
    let _guesses = full(&scene).await;
    let ask = async |user| status(scene.proxy.address, SECOND, None, &basic(user, "one")).await;
    assert_eq!(ask("alice").await, 404);
    // There are no places for this many checks.
    let mut unknown: FuturesUnordered<_> = (0..20).map(|_| ask("nobody")).collect();
    assert_eq!(within_minutes(unknown.next()).await, Some(503));
}
