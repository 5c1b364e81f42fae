//! What a database, or somebody between, may say without its key. None of it is believed.

use std::sync::Arc;

use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;

use crate::core::Got;
use crate::database::{Database, EMPTY_MOD, EMPTY_ZIP, base64, leaf, sign};
use crate::scene::{LARGE, MOD, Scene, ZIP, add_true_records, sumdb};
use crate::support::faulty_store::{Fault, FaultyStore, Step};

const RECORD: &str = "lookup/example.com/m@v1.0.0";

/// The records of the registry's modules are the numbers 5 and 6 of 300.
async fn database() -> Database {
    let database = Database::with_records(5);
    add_true_records(&database).await;
    for number in 7..300 {
        let module = format!("example.com/n{number}");
        database.add(&module, "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    }
    database
}

fn assert_disbelieved(got: &Got) {
    got.assert_status(502);
    assert!(got.text().contains("cannot be believed"), "{}", got.text());
}

/// A file is refused while the database is like this, and taken once it is honest again.
async fn is_disbelieved(database: Database) {
    let scene = Scene::with(sumdb(&database), OnMiss::Wait);
    assert_disbelieved(&scene.get(ZIP).await);
    assert_disbelieved(&scene.get(MOD).await);
    assert!(!scene.has(ZIP).await && !scene.has(MOD).await);
    // What is streamed breaks off.
    let streamed = Scene::new(sumdb(&database));
    let got = streamed.get(LARGE).await;
    assert!(got.status == 502 || got.body.is_err());
    assert!(!streamed.has(LARGE).await);
    database.is_honest();
    scene.get(ZIP).await.assert_status(200);
    assert!(scene.has(ZIP).await);
}

fn false_record() -> String {
    let other = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    format!("example.com/m v1.0.0 {other}\nexample.com/m v1.0.0/go.mod {other}\n")
}

/// Four parts of the tree are in two tiles: the third tile is the first one that nothing of the tree's own hash proves.
#[tokio::test]
async fn a_false_record_with_its_hash_in_a_tile() {
    let database = database().await;
    let truth = database.clone();
    database.tamper(move |path, mut body| match path {
        _ if path.starts_with("lookup/") => {
            format!("5\n{}\n{}", false_record(), truth.note()).into()
        }
        "tile/8/0/000" => {
            body[160..192].copy_from_slice(&leaf(false_record().as_bytes()));
            body
        }
        _ => body,
    });
    let scene = Scene::with(sumdb(&database), OnMiss::Wait);
    let got = scene.get(ZIP).await;
    assert_disbelieved(&got);
    assert!(
        got.text().contains("a tile is not of its tree"),
        "{}",
        got.text()
    );
}

/// They stand where a tree's text has room for what nobody reads.
#[tokio::test]
async fn lines_behind_the_tree_for_a_record_of_another_module() {
    let database = database().await;
    let truth = database.clone();
    database.tamper(move |path, body| {
        if !path.starts_with("lookup/") {
            return body;
        }
        let genuine = truth.truth("lookup/example.com/m0@v1.0.0").unwrap();
        let genuine = String::from_utf8(genuine).unwrap();
        let record = genuine.split("\n\n").next().unwrap();
        let hash = base64(&truth.tree_hash(300));
        let tree = format!("go.sum database tree\n300\n{hash}\n{}", false_record());
        format!("{record}\n\n{}", sign(&tree)).into()
    });
    let scene = Scene::with(sumdb(&database), OnMiss::Wait);
    for path in [ZIP, MOD] {
        let got = scene.get(path).await;
        got.assert_status(502);
        assert!(
            got.text().contains("checksum missing from the response"),
            "{}",
            got.text()
        );
        assert!(!scene.has(path).await);
    }
}

#[tokio::test]
async fn a_flipped_bit_in_each_part() {
    // The number, the text, the size and hash of the tree, the signature.
    for (part, from_end) in [
        (0, false),
        (3, false),
        (40, false),
        (130, true),
        (110, true),
        (60, true),
        (20, true),
    ] {
        let database = database().await;
        database.tamper(move |path, mut body| {
            if path.starts_with("lookup/") {
                let at = if from_end { body.len() - part } else { part };
                body[at] ^= 1;
            }
            body
        });
        is_disbelieved(database).await;
    }
    for tile in ["tile/8/0/000", "tile/8/1/000.p/1", "tile/8/0/001.p/44"] {
        for at in [0, 170, 1000] {
            let database = database().await;
            database.tamper(move |path, mut body| {
                if path == tile {
                    let at = at % body.len();
                    body[at] ^= 0x80;
                }
                body
            });
            is_disbelieved(database).await;
        }
    }
}

#[tokio::test]
async fn a_tile_of_another_length() {
    for change in [-32_i64, -1, 1, 32] {
        let database = database().await;
        database.tamper(move |path, mut body| {
            if path.starts_with("tile/8/0/000") {
                body.resize((body.len() as i64 + change) as usize, 0);
            }
            body
        });
        is_disbelieved(database).await;
    }
}

#[tokio::test]
async fn a_record_beyond_the_tree() {
    let database = database().await;
    database.tamper(|path, body| match path.strip_prefix("lookup/") {
        Some(_) => [b"300", &body[1..]].concat(),
        None => body,
    });
    is_disbelieved(database).await;
}

#[tokio::test]
async fn strange_responses() {
    for response in [
        "",
        "\n",
        "5",
        "5\n\n",
        "-1\n",
        "05\n",
        "99999999999999999999\n\n\n",
        "<html>\n",
    ] {
        let database = database().await;
        database.tamper(move |path, body| match path {
            RECORD => response.into(),
            _ => body,
        });
        let scene = Scene::with(sumdb(&database), OnMiss::Wait);
        assert_disbelieved(&scene.get(ZIP).await);
    }
}

#[tokio::test]
async fn more_than_a_look_up_can_have_is_not_read() {
    let database = database().await;
    database.tamper(|path, mut body| {
        if path.starts_with("lookup/") {
            body.resize(1 << 21, b'x');
        }
        body
    });
    let scene = Scene::with(sumdb(&database), OnMiss::Wait);
    let got = scene.get(ZIP).await;
    assert_disbelieved(&got);
    assert!(got.text().contains("more than there is"), "{}", got.text());
}

/// The key of a database may have signed other texts.
#[tokio::test]
async fn a_signed_text_that_is_no_tree() {
    let database = database().await;
    let truth = database.clone();
    let hash = base64(&truth.tree_hash(300));
    let good = format!("go.sum database tree\n300\n{hash}\n");
    for text in [
        good.replace("tree", "trees"),
        good.replace("300", "0300"),
        good.replace("300", "+300"),
        good.replace("300", "-300"),
        good.replace(&hash, &hash[4..]),
        "go.sum database tree\n300\n".to_owned(),
    ] {
        let truth = truth.clone();
        database.tamper(move |path, body| match path {
            RECORD => {
                let genuine = String::from_utf8(truth.truth(RECORD).unwrap()).unwrap();
                let record = genuine.split("\n\n").next().unwrap();
                format!("{record}\n\n{}", sign(&text)).into()
            }
            _ => body,
        });
        let scene = Scene::with(sumdb(&database), OnMiss::Wait);
        assert_disbelieved(&scene.get(ZIP).await);
    }
}

#[tokio::test]
async fn a_record_with_control_characters() {
    let database = database().await;
    let truth = database.truth(RECORD).unwrap();
    let truth = String::from_utf8(truth).unwrap();
    let lines = truth.split_once('\n').unwrap().1.split("\n\n").next();
    database.add_record("example.com/m@v1.0.0", format!("{}\n\tx\n", lines.unwrap()));
    let scene = Scene::with(sumdb(&database), OnMiss::Wait);
    assert_disbelieved(&scene.get(ZIP).await);
}

#[tokio::test]
async fn another_key_of_the_same_name() {
    let database = database().await;
    database.tamper(|path, body| {
        if !path.starts_with("lookup/") {
            return body;
        }
        let body = String::from_utf8(body).unwrap();
        let (rest, signature) = body.rsplit_once(' ').unwrap();
        let other = signature.replacen(&signature[..8], "AAAAAAAA", 1);
        format!("{rest} {other}").into()
    });
    is_disbelieved(database).await;
}

/// A history that does not continue the one that was seen, by this process or by the one before.
#[tokio::test]
async fn a_forked_history() {
    let storage = Storage::memory();
    let honest = database().await;
    let first = sumdb(&honest).storage(storage.clone());
    let scene = Scene::over(storage.clone(), first.clone(), OnMiss::Wait);
    scene.get(MOD).await.assert_status(200);
    // The same records, but one of those that nobody asks for.
    for size in [300, 301, 400] {
        let forked = Database::with_records(4);
        forked.add("example.com/evil", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
        add_true_records(&forked).await;
        for number in 7..size {
            forked.add(
                &format!("example.com/n{number}"),
                "v1.0.0",
                EMPTY_ZIP,
                EMPTY_MOD,
            );
        }
        let restarted = sumdb(&forked).storage(storage.clone());
        let scene = Scene::over(Storage::memory(), restarted, OnMiss::Wait);
        // The stored look-up is still right; that of the other module is new.
        let got = scene.get(LARGE).await;
        assert_disbelieved(&got);
        assert!(got.text().contains("two histories"), "{}", got.text());
    }
}

#[tokio::test(start_paused = true)]
async fn no_tile_of_a_forked_history_is_kept() {
    let (storage, honest) = (Storage::memory(), database().await);
    let tile = "/sumdb/sum.example/tile/8/1/000.p/1";
    let first = crate::proxied::proxy([sumdb(&honest).storage(storage.clone())]);
    let before = crate::proxied::get(&first, tile).await;
    let forked = Database::with_records(400);
    let restarted = sumdb(&forked).storage(storage);
    let proxy = crate::proxied::proxy([restarted]);
    let path = "/sumdb/sum.example/lookup/example.com/m9@v1.0.0";
    assert_eq!(crate::proxied::get(&proxy, path).await.0, 502);
    forked.set_away(true);
    assert_eq!(before.0, 200);
    assert_eq!(crate::proxied::get(&proxy, tile).await, before);
}

/// The newest tree that was seen is not forgotten because it cannot be read for a moment.
#[tokio::test(start_paused = true)]
async fn a_fork_after_a_storage_that_failed_at_first() {
    let store = FaultyStore::sound();
    let storage = || Storage::new(Arc::new(store.clone()));
    let honest = sumdb(&database().await).storage(storage());
    let scene = Scene::over(Storage::memory(), honest, OnMiss::Wait);
    scene.get(MOD).await.assert_status(200);
    let forked = Database::with_records(4);
    add_true_records(&forked).await;
    let restarted = sumdb(&forked).storage(storage()).require();
    let scene = Scene::over(Storage::memory(), restarted, OnMiss::Wait);
    store.set(Some((Step::Open, Fault::Fail)));
    scene.get(LARGE).await.assert_status(502);
    store.set(None);
    let got = scene.get(LARGE).await;
    assert_disbelieved(&got);
    assert!(got.text().contains("two histories"), "{}", got.text());
}

/// An older tree of the same history is no harm. It stays the newer one that later trees are compared with.
#[tokio::test]
async fn a_database_that_was_rolled_back() {
    let storage = Storage::memory();
    let grown = database().await;
    let first = sumdb(&grown).storage(storage.clone());
    Scene::over(Storage::memory(), first, OnMiss::Wait)
        .get(MOD)
        .await
        .assert_status(200);
    let old = Database::with_records(5);
    add_true_records(&old).await;
    old.add("example.com/n7", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    let restarted = sumdb(&old).storage(storage.clone());
    let scene = Scene::over(Storage::memory(), restarted.clone(), OnMiss::Wait);
    scene.get(LARGE).await.assert_status(200);
    // It goes on from there in another way: in this process, and in the next one.
    old.add("example.com/evil", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    for sumdb in [restarted, sumdb(&old).storage(storage)] {
        let proxy = crate::proxied::proxy([sumdb]);
        let path = "/sumdb/sum.example/lookup/example.com/evil@v1.0.0";
        let (status, text) = crate::proxied::get(&proxy, path).await;
        let text = String::from_utf8_lossy(&text);
        assert!(status == 502 && text.contains("two histories"), "{text}");
    }
}
