//! The go-get service by itself.

use tower_goproxy::access::Credentials;
use tower_goproxy::{Access, GoGet};

use crate::processes::until;
use crate::scene::{HERS, HIS, Scene, all, ask, file};
use crate::support::within_minutes;

#[tokio::test]
async fn each_user_gets_what_the_host_lets_him_see_and_nothing_else() {
    let scene = Scene::new().await;
    let (alice, bob) = (scene.alice(), scene.bob());
    for (mine, other, owner, stranger) in [(HERS, HIS, &alice, &bob), (HIS, HERS, &bob, &alice)] {
        for path in all(mine) {
            let answer = ask(&scene.goget, Some(owner), &path).await;
            answer.assert(200, "");
            assert_eq!(answer.header("cache-control"), "private", "{path}");
            // Also now that it was fetched.
            let answer = ask(&scene.goget, Some(stranger), &path).await;
            answer.assert(404, "not found");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            let answer = ask(&scene.goget, None, &path).await;
            answer.assert(404, "the server lacks credentials for the host");
        }
        for path in all(other) {
            ask(&scene.goget, Some(owner), &path).await.assert(404, "");
        }
    }
}

#[tokio::test]
async fn what_is_for_everyone_is_not_kept_for_an_owner() {
    let scene = Scene::new().await;
    let address = scene.host.address();
    let settings = scene.settings.clone();
    let settings = settings.credentials(address, "alice", "apple-pie").unwrap();
    let goget = GoGet::new(settings).unwrap();
    ask(&goget, None, &file(HERS, "zip")).await.assert(200, "");
    // Bob's own credentials are asked for, though the service has just fetched the file.
    let bob = scene.bob();
    ask(&goget, Some(&bob), &file(HERS, "zip"))
        .await
        .assert(404, "not found");
}

#[tokio::test]
async fn a_password_that_has_changed_is_told_apart() {
    let scene = Scene::new().await;
    let path = format!("/{HERS}/@v/list");
    let old = scene.alice();
    ask(&scene.goget, Some(&old), &path).await.assert(200, "v1");
    scene.host.refuse("alice", "apple-pie");
    scene.host.allow("alice", "apricot", &["team/hers"]);
    let answer = ask(&scene.goget, Some(&old), &path).await;
    answer.assert(502, "the host of the repository refuses access");
    let new = scene.user("alice", "apricot");
    ask(&scene.goget, Some(&new), &path).await.assert(200, "v1");
}

/// One run at a time gets at the clone of a repository; that is the go command's own lock. Yet each has its own end.
#[tokio::test]
async fn who_comes_with_another_password_does_not_get_the_end_of_the_first() {
    let scene = Scene::new().await;
    scene.host.hold("alice", "apple-pie");
    let asked = |password: &str| {
        let (goget, alice) = (scene.goget.clone(), scene.user("alice", password));
        tokio::spawn(async move { ask(&goget, Some(&alice), &file(HERS, "zip")).await })
    };
    let old = asked("apple-pie");
    scene.host.waiting(1).await;
    scene.host.allow("alice", "apricot", &["team/hers"]);
    let new = asked("apricot");
    until(|| scene.goget.runs().running() == 2).await;
    scene.host.refuse("alice", "apple-pie");
    scene.host.release();
    let answer = within_minutes(old).await.unwrap();
    answer.assert(502, "refuses access");
    within_minutes(new).await.unwrap().assert(200, "");
}

#[tokio::test]
async fn others_do_not_wait_for_the_run_of_the_first() {
    let scene = Scene::new().await;
    scene.host.hold("alice", "apple-pie");
    let (goget, alice) = (scene.goget.clone(), scene.alice());
    let first = tokio::spawn(async move { ask(&goget, Some(&alice), &file(HERS, "zip")).await });
    scene.host.waiting(1).await;
    for who in [Some(scene.bob()), None] {
        let answer = within_minutes(ask(&scene.goget, who.as_ref(), &file(HERS, "zip"))).await;
        answer.assert(404, "not found");
    }
    assert_eq!(scene.goget.runs().running(), 1);
    scene.host.release();
    within_minutes(first).await.unwrap().assert(200, "");
}

#[tokio::test]
async fn who_comes_with_the_same_credentials_waits_for_the_same_run() {
    let scene = Scene::new().await;
    scene.host.hold("alice", "apple-pie");
    let clients: Vec<_> = (0..5)
        .map(|_| {
            let (goget, alice) = (scene.goget.clone(), scene.alice());
            tokio::spawn(async move { ask(&goget, Some(&alice), &file(HERS, "zip")).await })
        })
        .collect();
    scene.host.waiting(1).await;
    assert_eq!(scene.goget.runs().running(), 1);
    scene.host.release();
    for client in clients {
        within_minutes(client).await.unwrap().assert(200, "");
    }
}

#[tokio::test]
async fn an_owner_is_told_from_others_whatever_he_is_called() {
    let scene = Scene::new().await;
    let address = scene.host.address();
    for name in ["../../x", "", "Alice", "a/b", "ä\n\0", &"x".repeat(5000)] {
        let access = Access::new(name)
            .credentials(&address, "alice", "apple-pie")
            .unwrap();
        let list = format!("/{HERS}/@v/list");
        ask(&scene.goget, Some(&access), &list)
            .await
            .assert(200, "");
        assert_eq!(access.owner(), name);
    }
    let owners = std::fs::read_dir(scene.folder.path().join("clones")).unwrap();
    let names = owners.map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.filter(|name| name != "everyone").collect();
    assert_eq!(names.len(), 6);
    assert!(names.iter().all(|name| name.len() == 64));
}

#[tokio::test]
async fn a_shared_module_cache_is_for_all() {
    let scene = Scene::new().await.with(|goget| goget.shared());
    let (alice, bob) = (scene.alice(), scene.bob());
    // What is not there yet is asked for with the credentials of whoever comes.
    for path in all(HERS) {
        ask(&scene.goget, Some(&bob), &path).await.assert(404, "");
    }
    ask(&scene.goget, Some(&alice), &file(HERS, "zip"))
        .await
        .assert(200, "");
    for extension in ["info", "mod", "zip"] {
        for who in [Some(&bob), None] {
            let answer = ask(&scene.goget, who, &file(HERS, extension)).await;
            answer.assert(200, "");
            assert_eq!(answer.header("cache-control"), "");
        }
    }
    assert!(!scene.folder.path().join("owners").exists());
}

/// The auth layer knows the owner, and the provider their credentials.
#[tokio::test]
async fn a_provider_gives_each_owner_their_own_credentials() {
    let scene = Scene::new().await;
    let address = scene.host.address();
    let scene = scene.with(|settings| {
        settings.credentials_from(move |_module, access| {
            let owner = access.map(|access| access.owner().to_owned());
            let one = match owner.as_deref() {
                Some("alice") => Some(Credentials::new(&*address, "alice", "apple-pie")),
                Some("bob") => Some(Credentials::new(&*address, "bob", "blueberry")),
                _ => None,
            };
            async move { Ok(one.transpose()?.into_iter().collect()) }
        })
    });
    let (alice, bob) = (Access::new("alice"), Access::new("bob"));
    for (module, owner, stranger) in [(HERS, &alice, &bob), (HIS, &bob, &alice)] {
        let path = file(module, "zip");
        let answer = ask(&scene.goget, Some(owner), &path).await;
        answer.assert(200, "");
        for other in [Some(stranger), None] {
            ask(&scene.goget, other, &path).await.assert(404, "");
        }
    }
}
