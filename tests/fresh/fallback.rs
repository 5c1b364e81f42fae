//! When the go command goes on to the next proxy of its list: through us as straight.

use http::StatusCode;
use serde_json::Value;
use tower_goproxy::Storage;

use super::fixtures::Script;
use super::go::{Proxied, add, list, registry};
use super::support::{Answer, Client, Framing, ScriptedRegistry};

const AT: &str = "/example.com/m/@v/v1.0.0";

/// A registry whose files are known by their contents.
fn files(name: &str) -> Script {
    let script = Script::default();
    let go_mod = format!("module example.com/m // of {name}\n");
    let code = format!("package m // of {name}\n");
    let code = [("m.go", &*code)];
    add(&script, "example.com/m", "v1.0.0", &go_mod, &code);
    script
}

/// Which files a client gets, by their hashes; nothing if that fails.
async fn downloaded(goproxy: &str) -> Option<[Value; 3]> {
    let args = ["mod", "download", "-json", "example.com/m@v1.0.0"];
    let output = Client::new(goproxy).try_go(&args).await;
    let said: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    let part = |name: &str| said.get(name).cloned().unwrap_or_default();
    output
        .success
        .then(|| ["Version", "GoModSum", "Sum"].map(part))
}

/// Behind the first registry, straight and through us, stands each of these. What all of it comes to, in order.
async fn same(first: &ScriptedRegistry, others: &[&str], what: &str) -> Vec<bool> {
    let ours = Proxied::start(&Storage::memory(), &first.url(), |layer| layer).await;
    let mut found = Vec::new();
    for other in others {
        let straight = downloaded(&format!("{}{other}", first.url())).await;
        let through = downloaded(&format!("{}{other}", ours.server.url())).await;
        assert_eq!(through, straight, "{what} {other}");
        // Out of memory too.
        let again = downloaded(&format!("{}{other}", ours.server.url())).await;
        assert_eq!(again, straight, "{what} {other}");
        found.push(through.is_some());
    }
    found
}

#[tokio::test]
async fn each_file_comes_from_where_it_would_come_from_straight() {
    let second = registry(&files("b")).await;
    let empty = registry(&Script::default()).await;
    let others = [
        format!(",{}", second.url()),
        format!("|{}", second.url()),
        format!(",{}", empty.url()),
        format!("|{}", empty.url()),
        ",off".to_owned(),
        "|off".to_owned(),
    ];
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    for file in ["info", "mod", "zip"] {
        for status in [404, 410, 403, 429, 503] {
            let script = files("a");
            let status = StatusCode::from_u16(status).unwrap();
            script.set(&format!("{AT}.{file}"), Answer::text(status, "no"));
            let first = registry(&script).await;
            let goes_on = [StatusCode::NOT_FOUND, StatusCode::GONE].contains(&status);
            let expected = [goes_on, true, false, false, false, false];
            let found = same(&first, &others, &format!("{file} {status}")).await;
            assert_eq!(found, expected, "{file} {status}");
            first.shutdown().await;
        }
    }
    let cut = files("a");
    cut.set(
        &format!("{AT}.zip"),
        Answer::new(["PK"]).framing(Framing::Short(1000)),
    );
    let first = registry(&cut).await;
    let found = same(&first, &others, "cut").await;
    assert_eq!(found, [false, true, false, false, false, false]);
    first.shutdown().await;
    let found = same(&empty, &others[..2], "nothing").await;
    assert_eq!(found, [true, true]);
    empty.shutdown().await;
    second.shutdown().await;
}

/// A registry for everything else stands behind one of the company. Once it is away, the first one still says that it does
/// not have the module, which is no answer in place of an earlier one.
#[tokio::test]
async fn what_the_last_registry_has_said_stays_while_it_is_away() {
    let script = files("b");
    add(
        &script,
        "example.com/m",
        "v1.1.0",
        "module example.com/m\n",
        &[],
    );
    list(&script, "example.com/m", "v1.0.0\nv1.1.0\n");
    let (first, second) = (registry(&Script::default()).await, registry(&script).await);
    let upstream = format!("{},{}", first.url(), second.url());
    let storage = Storage::memory();
    let versions = async |proxy: &Proxied| {
        let args = ["list", "-m", "-versions", "example.com/m"];
        let output = Client::new(proxy.server.url()).try_go(&args).await;
        [output.stdout, output.stderr].concat()
    };
    let before = Proxied::start(&storage, &upstream, |layer| layer).await;
    assert_eq!(versions(&before).await, "example.com/m v1.0.0 v1.1.0\n");
    before.idle().await;
    second.shutdown().await;
    let after = Proxied::start(&storage, &upstream, |layer| layer).await;
    assert_eq!(versions(&after).await, "example.com/m v1.0.0 v1.1.0\n");
    first.shutdown().await;
}
