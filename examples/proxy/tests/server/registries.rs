//! Registries by pattern: who is asked for which module, and with what.

use std::fs;
use std::net::TcpListener;

use http::StatusCode;
use http::header::AUTHORIZATION;
use tempfile::TempDir;

use crate::MOD;
use crate::proxy::{Proxy, command, refusal};
use crate::support::scripted::Framing;
use crate::support::{Answer, Gate, ScriptedRegistry, Tls};
use crate::users::basic;

pub(crate) async fn registry(tls: &Tls) -> ScriptedRegistry {
    ScriptedRegistry::tls(tls, |request| match request.path.ends_with("missing.mod") {
        true => Answer::text(StatusCode::NOT_FOUND, "not found"),
        false => Answer::new(["module example.com/m\n"]),
    })
    .await
}

#[tokio::test]
async fn no_name_and_no_credential_arrives_where_it_does_not_belong() {
    let tls = Tls::new();
    let [token, netrc, default] = [
        registry(&tls).await,
        registry(&tls).await,
        registry(&tls).await,
    ];
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let token_file = write("token", "secret-token\n");
    let machine = |registry: &ScriptedRegistry, login: &str| {
        format!(
            "machine {} login {login} password secret\n",
            registry.address()
        )
    };
    // The netrc file of the server knows all three: only its own registry gets its words.
    let all = [&token, &netrc, &default].map(|registry| machine(registry, "default"));
    let default_netrc = write("default-netrc", &all.concat());
    let own_netrc = write("own-netrc", &machine(&netrc, "partner"));
    let text = format!(
        "upstream = \"{}\"\nstorage = \"memory:\"\nca-file = \"{}\"\nnetrc = \"{default_netrc}\"\n\
         [[registry]]\nmodules = \"corp.example/*,*.corp.example\"\nupstream = \"{}\"\ntoken-file = \"{token_file}\"\n\
         [[registry]]\nmodules = \"partner.example,corp.example\"\nupstream = \"{}\"\nnetrc = \"{own_netrc}\"\n",
        default.url(),
        tls.authority_file().display(),
        token.url(),
        netrc.url(),
    );
    let config = write("server.toml", &text);
    let proxy = Proxy::start(&["--config", &config]).await;

    let expected = [
        (
            &token,
            "Bearer secret-token",
            vec!["corp.example/a", "corp.example/a/b", "git.corp.example/c"],
        ),
        (
            &netrc,
            &*basic("partner", "secret"),
            vec!["partner.example/d", "partner.example", "corp.example"],
        ),
        (
            &default,
            &*basic("default", "secret"),
            vec!["example.com/e", "corp.example.evil/a", "evilcorp.example/a"],
        ),
    ];
    for (_, _, modules) in &expected {
        for module in modules {
            for file in ["v1.0.0.mod", "missing.mod", "v1.0.0.mod"] {
                let path = format!("/{module}/@v/{file}")
                    .replace("/@v/missing.mod", "/@v/v1.0.0-missing.mod");
                proxy.get(&path).await;
            }
            proxy.get(&format!("/{module}/@v/list")).await;
            proxy.get(&format!("/{module}/@latest")).await;
        }
    }
    for (registry, credential, modules) in expected {
        let asked = registry.requests().all();
        for module in &modules {
            let of_module = format!("/{module}/@");
            assert!(
                asked.iter().any(|asked| asked.path.starts_with(&of_module)),
                "{module}"
            );
        }
        for asked in asked {
            let (module, _) = asked.path[1..].split_once("/@").unwrap();
            assert!(modules.contains(&module), "asked for {module}");
            assert_eq!(asked.headers[AUTHORIZATION], credential, "{module}");
        }
    }
}

#[tokio::test]
async fn the_checksum_database_learns_no_name_of_another_registry() {
    let default = ScriptedRegistry::http1(|_| Answer::new(["no database"])).await;
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("server.toml");
    let text = format!(
        "upstream = \"{}\"\nstorage = \"memory:\"\nno-sumdb = \"a.example, b.example/x/ \"\n\
         [[registry]]\nmodules = \"corp.example, git.[a-c]orp/* ,\"\nupstream = \"off\"\n",
        default.url(),
    );
    fs::write(&config, text).unwrap();
    let proxy = Proxy::start(&["--config", config.to_str().unwrap()]).await;
    for (module, status) in [
        ("a.example/m", 403),
        ("b.example/x/m", 403),
        ("corp.example/m", 403),
        ("git.corp/m", 403),
        ("b.example/m", 502),
        ("git.corp.evil/m", 502),
    ] {
        let path = format!("/sumdb/sum.golang.org/lookup/{module}@v1.0.0");
        let answered = proxy.get(&path).await;
        assert_eq!(answered.status.unwrap().as_u16(), status, "{module}");
    }
    let asked = default.requests().all();
    let asked: Vec<_> = asked.iter().map(|asked| &*asked.path).collect();
    let lookup = "/sumdb/sum.golang.org/lookup";
    assert_eq!(
        asked,
        [
            format!("{lookup}/b.example/m@v1.0.0"),
            format!("{lookup}/git.corp.evil/m@v1.0.0")
        ]
    );
}

#[tokio::test]
async fn the_authorities_of_the_server_are_those_of_the_checksum_database_too() {
    let tls = Tls::new();
    let registry = ScriptedRegistry::tls(&tls, |_| Answer::new([""])).await;
    let (upstream, authority) = (registry.url(), tls.authority_file());
    let args = ["--storage", "memory:", "--upstream", &upstream, "--ca-file"];
    let proxy = Proxy::start(&[&args[..], &[authority.to_str().unwrap()]].concat()).await;
    let answered = proxy.get("/sumdb/sum.golang.org/supported").await;
    assert_eq!(answered.status.unwrap().as_u16(), 200);
}

#[tokio::test]
async fn an_offline_server_requests_nothing_from_a_checksum_database() {
    let registry = ScriptedRegistry::http1(|_| Answer::new(["no database"])).await;
    let upstream = registry.url();
    let args = ["--storage", "memory:", "--offline", "--upstream", &upstream];
    let proxy = Proxy::start(&args).await;
    for (path, status) in [
        ("lookup/example.com/m@v1.0.0", 502),
        ("tile/8/0/000", 502),
        ("latest", 502),
        ("supported", 200),
    ] {
        let path = format!("/sumdb/sum.golang.org/{path}");
        let answered = proxy.get(&path).await;
        assert_eq!(answered.status.unwrap().as_u16(), status, "{path}");
    }
    assert_eq!(registry.requests().total(), 0);
}

#[tokio::test]
async fn each_registry_has_its_own_answer_to_a_miss() {
    let registry = ScriptedRegistry::http1(|_| Answer::new(["module example.com/m\n"])).await;
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("server.toml");
    let text = format!(
        "upstream = \"{0}\"\nstorage = \"memory:\"\n\
         [[registry]]\nmodules = \"corp.example\"\nupstream = \"{0}\"\non-miss = \"redirect\"\n",
        registry.url(),
    );
    fs::write(&config, text).unwrap();
    let proxy = Proxy::start(&["--config", config.to_str().unwrap()]).await;
    let redirected = proxy.get("/corp.example/m/@v/v1.0.0.mod").await;
    assert_eq!(
        redirected.header("location"),
        format!("{}/corp.example/m/@v/v1.0.0.mod", registry.url())
    );
    proxy.get("/example.com/m/@v/v1.0.0.mod").await.whole();
    // Which registry it comes from is no secret: shared caches may keep it.
    let kept = proxy.get("/example.com/m/@v/v1.0.0.mod").await;
    assert!(kept.header("cache-control").starts_with("public"));
}

#[tokio::test]
async fn each_limit_for_registries_is_an_option() {
    let (gate, tls) = (Gate::closed(), Tls::new());
    let answer = Answer::new(["module ", "example.com/m\n"]);
    let late = ScriptedRegistry::serving(MOD, answer.clone().withheld(&gate)).await;
    let slow = ScriptedRegistry::serving(MOD, answer.clone().gated(&gate)).await;
    // It takes connections, and no part in a handshake.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://{}", silent.local_addr().unwrap());
    let authority = tls.authority_file();
    let authority = authority.to_str().unwrap();
    for (upstream, option, limit) in [
        (silent, "--connect-timeout", "connect"),
        (late.url(), "--first-byte-timeout", "first byte"),
        (slow.url(), "--idle-timeout", "idle"),
        (late.url(), "--total-timeout", "total"),
    ] {
        let args = ["--storage", "memory:", "--ca-file", authority];
        let own = ["--upstream", &upstream, option, "1"];
        let proxy = Proxy::start(&[args, own].concat()).await;
        let answered = proxy.get(MOD).await;
        assert_eq!(
            answered.status,
            Some(StatusCode::GATEWAY_TIMEOUT),
            "{option}"
        );
        let text = format!("gateway timeout: upstream exceeded the {limit} limit of 1s\n");
        assert_eq!(answered.text(), text);
    }
    for (retries, requests) in [("0", 1), ("3", 4)] {
        let broken = answer.clone().framing(Framing::NoAnswer);
        let registry = ScriptedRegistry::serving(MOD, broken).await;
        let upstream = registry.url();
        let args = ["--storage", "memory:", "--upstream", &upstream];
        let proxy = Proxy::start(&[&args[..], &["--retries", retries]].concat()).await;
        assert_eq!(proxy.get(MOD).await.status, Some(StatusCode::BAD_GATEWAY));
        assert_eq!(registry.requests().total(), requests);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_registry_is_said_at_the_start() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("server.toml");
    let name = config.to_str().unwrap();
    for (text, expected) in [
        ("modules = \"a/**\"\nupstream = \"off\"", "pattern `a/**`"),
        (
            "modules = \" , \"\nupstream = \"off\"",
            "`modules` has no pattern",
        ),
        ("modules = \"a.example\"\nupstream = \"ftp://x\"", "ftp"),
        (
            "modules = \"a.example\"\nupstream = \"off\"\ntoken-file = \"/nonexistent\"",
            "token file /nonexistent",
        ),
        (
            "modules = \"a.example\"\nupstream = \"https://a.example,https://b.example\"\ntoken-file = \"t\"",
            "a token is for one host",
        ),
        (
            "modules = \"a.example\"\nupstream = \"a.example/x|https://a.example:8443/y,off\"\ntoken-file = \"t\"",
            "a token is for one host",
        ),
        (
            "modules = \"a.example\"\nupstream = \"http://a.example\"\ntoken-file = \"t\"",
            "a token is sent over https only",
        ),
        (
            "modules = \"a.example\"\nupstream = \"https://a.example,http://a.example\"\ntoken-file = \"t\"",
            "a token is for one host",
        ),
        (
            "modules = \"a.example\"\nupstream = \"off\"\nnetrc = \"/nonexistent\"",
            "netrc",
        ),
        (
            "modules = \"a.example\"\nupstream = \"off\"\nnetrc = \"a\"\ntoken-file = \"b\"",
            "cannot both be set",
        ),
    ] {
        fs::write(
            &config,
            format!("storage = \"memory:\"\n[[registry]]\n{text}\n"),
        )
        .unwrap();
        let said = refusal(command(&["--config", name]), 1).await;
        assert!(said.contains(expected), "{said}");
    }
    // Of several it is said which one it is.
    for text in [
        "modules = \"b.example\"\nupstream = \"ftp://x\"",
        "modules = \"b.example\"\nupstream = \"a.example\"\ntoken-file = \"/nonexistent\"",
    ] {
        let other = "modules = \"a.example\"\nupstream = \"off\"";
        let text = format!("storage = \"memory:\"\n[[registry]]\n{other}\n[[registry]]\n{text}\n");
        fs::write(&config, text).unwrap();
        let said = refusal(command(&["--config", name]), 1).await;
        let named = "error: [[registry]] for b.example: ";
        assert!(said.starts_with(named), "{said}");
    }
    let args = ["--storage", "memory:", "--upstream", "ftp://x"];
    let said = refusal(command(&args), 1).await;
    assert!(said.starts_with("error: --upstream: "), "{said}");
}
