//! Two users behind one server, with a real nginx that keeps what it may in front.

#[path = "../../../../tests/nginx/process.rs"]
mod process;

use std::fs;

use http::Request;
use http::header::AUTHORIZATION;
use process::Nginx;
use tempfile::TempDir;

use crate::proxy::Proxy;
use crate::support::wire::{Answered, Connection, Protocol};
use crate::users::{basic, hash};
use crate::{MOD, module_file};

async fn get(nginx: &Nginx, path: &str, user: Option<&str>) -> Answered {
    let mut request = Request::get(path);
    if let Some(user) = user {
        request = request.header(AUTHORIZATION, basic(user, user));
    }
    let mut connection = Connection::open(nginx.address(), Protocol::Http11).await;
    connection.send(request.body(()).unwrap()).await
}

#[tokio::test]
async fn nothing_of_one_user_reaches_another_through_a_cache_in_front() {
    let registry = module_file().await;
    let folder = TempDir::new().unwrap();
    let users = folder.path().join("users");
    let text = format!("alice:{}\nbob:{}\n", hash("alice"), hash("bob"));
    fs::write(&users, text).unwrap();
    let upstream = registry.url();
    let args = ["--storage", "memory:", "--upstream", &upstream, "--metrics"];
    let proxy = Proxy::start(&[&args[..], &["--users", users.to_str().unwrap()]].concat()).await;
    let nginx = Nginx::start(proxy.address);
    let list = "/example.com/m/@v/list";
    for path in [MOD, list, "/metrics", "/nothing", "/example.com/m/@latest"] {
        for user in [
            Some("alice"),
            Some("bob"),
            None,
            Some("eve"),
            Some("alice"),
            None,
        ] {
            let answered = get(&nginx, path, user).await;
            assert_ne!(answered.header("x-nginx"), "HIT", "{path} for {user:?}");
            let is_known = matches!(user, Some("alice" | "bob"));
            let is_refused = answered.status == Some(http::StatusCode::UNAUTHORIZED);
            assert_eq!(is_refused, !is_known, "{path} for {user:?}");
        }
    }
}
