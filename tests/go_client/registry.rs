//! The ground of all the rest: the go command and the test registries understand each other.

use std::collections::BTreeSet;

use crate::support::modules::{Extra, MODULES, Module};
use crate::support::{
    Answer, Client, Framing, Recorded, ScriptedRegistry, StaticRegistry, Tls, Tree, module_zip,
    not_a_zip, truncated, zip_with_wrong_prefix,
};

/// Capitals in path and version, so that every escape is on the way.
const SMALL: Module = Module {
    path: "example.com/Team/Mod",
    version: "v1.0.0-RC.1",
    requires: &[],
    extra: Extra::GoMod,
};

/// The ground of all that follows: the modules are good, and a build of them is reproducible.
#[tokio::test]
async fn builds_the_program_from_a_plain_registry_twice_alike() {
    let tree = Tree::all();
    let registry = StaticRegistry::start(tree.root()).await;

    let first = Client::new(registry.url()).build_program().await;
    let asked = registry.requests().total();
    let second = Client::new(registry.url()).build_program().await;

    assert_eq!(
        first.modules,
        MODULES.iter().map(Module::id).collect::<Vec<_>>()
    );
    assert_eq!(first.go_sum, second.go_sum);
    assert!(first == second, "the two programs differ");
    assert!(
        registry.requests().total() >= 2 * asked,
        "the second client did not begin with an empty module cache"
    );
    let summed: BTreeSet<_> = first
        .go_sum
        .lines()
        .filter(|line| !line.contains("/go.mod "))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(module, _)| module.replace(' ', "@"))
        .collect();
    assert_eq!(summed, MODULES.iter().map(Module::id).collect());
}

#[tokio::test]
async fn a_module_zip_has_the_hash_that_go_gives_the_same_files() {
    let tree = Tree::of([]);
    let go_mod: &[u8] = b"module example.com/hello\n\ngo 1.20\n";
    let go = b"package hello\n\n// Greeting is a greeting.\nconst Greeting = \"hello, world\"\n";
    let zip = module_zip(
        "example.com/hello",
        "v1.0.0",
        &[("go.mod", go_mod), ("hello.go", go)],
    );
    tree.write(
        "example.com/hello/@v/v1.0.0.info",
        br#"{"Version":"v1.0.0"}"#,
    );
    tree.write("example.com/hello/@v/v1.0.0.mod", go_mod);
    tree.write("example.com/hello/@v/v1.0.0.zip", &zip);
    let registry = StaticRegistry::start(tree.root()).await;

    let client = Client::new(registry.url());
    let output = client
        .go(&["mod", "download", "-json", "example.com/hello@v1.0.0"])
        .await;
    for hash in [
        "h1:iFwpL/2qdf2SK1+c+n0JtcCAaPo93Mr+TmWRdj0JMmY=",
        "h1:/e89k18/YPK2tKb/SZ+fXRKQE7ccT7r6I4hbIHESRTc=",
    ] {
        assert!(output.stdout.contains(hash), "{}", output.stdout);
    }
}

#[tokio::test]
async fn go_refuses_each_corrupt_zip() {
    for (zip, reason) in [
        (
            zip_with_wrong_prefix(SMALL.path, SMALL.version),
            "has unexpected file",
        ),
        (not_a_zip(), "not a valid zip file"),
        (truncated(&SMALL.zip()), "not a valid zip file"),
    ] {
        let tree = Tree::of([&SMALL]);
        tree.write(&SMALL.key("zip"), &zip);
        let registry = StaticRegistry::start(tree.root()).await;
        let output = Client::new(registry.url())
            .try_go(&["mod", "download", &SMALL.id()])
            .await;
        assert!(!output.success);
        assert!(output.stderr.contains(reason), "{}", output.stderr);
    }
}

/// Answers with the files of [`SMALL`]; the zip is sent as `zip` makes it.
fn small(zip: fn(Answer) -> Answer) -> impl Fn(&Recorded) -> Answer + Send + Sync {
    let tree = Tree::of([&SMALL]);
    move |request| {
        let answer = Answer::new([tree.read(&request.path[1..])]);
        if request.path.ends_with(".zip") {
            zip(answer)
        } else {
            answer
        }
    }
}

#[tokio::test]
async fn go_decodes_a_gzipped_zip_and_fails_on_a_cut_one() {
    let tls = Tls::new();
    let args = ["mod", "download", &SMALL.id()];

    for registry in [
        ScriptedRegistry::http1(small(Answer::gzip)).await,
        ScriptedRegistry::tls(&tls, small(Answer::gzip)).await,
    ] {
        let client = Client::new(registry.url()).trusting(&tls.authority_file());
        client.go(&args).await;
    }

    let cut = |answer: Answer| answer.framing(Framing::Cut);
    for (registry, reason) in [
        (ScriptedRegistry::http1(small(cut)).await, "unexpected EOF"),
        (
            ScriptedRegistry::tls(&tls, small(cut)).await,
            "stream error",
        ),
    ] {
        let client = Client::new(registry.url()).trusting(&tls.authority_file());
        let output = client.try_go(&args).await;
        assert!(!output.success);
        assert!(output.stderr.contains(reason), "{}", output.stderr);
    }
}

/// go sends credentials over https alone, and needs the port in netrc.
#[tokio::test]
async fn over_tls_go_sends_the_credentials_of_netrc() {
    for (tls, version) in [
        (Tls::new(), http::Version::HTTP_2),
        (Tls::http1_only(), http::Version::HTTP_11),
    ] {
        let tree = Tree::of([&SMALL]);
        let registry = StaticRegistry::start_tls(tree.root(), &tls).await;
        let args = ["mod", "download", &SMALL.id()];

        let stranger = Client::new(registry.url()).try_go(&args).await;
        assert!(
            stranger.stderr.contains("certificate"),
            "{}",
            stranger.stderr
        );
        assert_eq!(registry.requests().total(), 0);

        let netrc = format!("machine {} login user password pass\n", registry.address());
        let client = Client::new(registry.url())
            .trusting(&tls.authority_file())
            .netrc(&netrc);
        client.go(&args).await;
        let requests = registry.requests().all();
        assert_eq!(requests.len(), 3);
        for request in requests {
            assert_eq!(request.version, version);
            assert_eq!(request.headers["authorization"], "Basic dXNlcjpwYXNz");
        }
    }
}
