//! Two filters, one around the other: modules from several registries.

use http::StatusCode;
use tower::ServiceBuilder;
use tower_goproxy::Redirect;
use tower_goproxy::filter::{AppliedRule, FilterLayer};
use tower_goproxy::policy::Rule;

use crate::ask::{get, rules};
use crate::recorder::Recorder;

#[tokio::test]
async fn two_filters_give_two_registries() {
    let inner = Recorder::saying("from the inner service");
    let corp = Redirect::to("https://goproxy.corp.example").unwrap();
    let public = Redirect::to("https://proxy.example").unwrap();
    let app = ServiceBuilder::new()
        .layer(FilterLayer::new(rules("D\n+ corp.example"), corp))
        .layer(FilterLayer::new(
            rules("+\n- example.com/evil\nD example.com/here"),
            public,
        ))
        .service(inner.clone());

    let list = |module: &str| format!("/{module}/@v/list");
    let answer = get(&app, &list("corp.example/m")).await;
    assert_eq!(
        answer.header("location"),
        "https://goproxy.corp.example/corp.example/m/@v/list"
    );
    let answer = get(&app, &list("example.com/m")).await;
    assert_eq!(
        answer.header("location"),
        "https://proxy.example/example.com/m/@v/list"
    );
    let answer = get(&app, &list("example.com/evil")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = get(&app, &list("example.com/here")).await;
    assert_eq!(answer.text, "from the inner service");
    assert_eq!(inner.uris(), ["/example.com/here/@v/list"]);
    assert_eq!(get(&app, "/healthz").await.text, "from the inner service");
}

#[tokio::test]
async fn layers_outside_see_the_rule_of_the_inner_filter() {
    let service = Recorder::saying("");
    let app = ServiceBuilder::new()
        .layer(FilterLayer::new(rules("D\n+ corp.example"), service.clone()).with_applied_rules())
        .layer(
            FilterLayer::new(rules("+\n- example.com/evil"), service.clone()).with_applied_rules(),
        )
        .service(service.clone());
    for (module, rule) in [
        ("corp.example/m", Rule::include()),
        ("example.com/m", Rule::include()),
        ("example.com/evil", Rule::exclude()),
    ] {
        let answer = get(&app, &format!("/{module}/@v/v1.0.0.mod")).await;
        assert_eq!(
            answer.applied.map(|applied| applied.rule().clone()),
            Some(rule),
            "{module}"
        );
    }
    let rule = |i: usize| {
        let seen = &service.seen()[i];
        seen.extensions.get().map(AppliedRule::rule).cloned()
    };
    assert_eq!(
        (rule(0), rule(1)),
        (Some(Rule::include()), Some(Rule::include()))
    );
}
