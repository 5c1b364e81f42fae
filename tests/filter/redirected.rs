//! Rules with versions hold where clients are redirected.

use http::StatusCode;
use tower::{Layer as _, ServiceBuilder};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::{NotFound, Redirect};

use crate::ask::{get, rules};
use crate::recorder::Recorder;
use crate::registry::{get_and_head, info, registry};

const RULES: &str = "- example.com/m v1.1.0";

const UNREADABLE: &str = "cannot filter excluded versions: upstream response is a redirect";

#[tokio::test]
async fn a_client_is_not_sent_to_a_list_that_names_excluded_versions() {
    let redirect = Redirect::to("https://proxy.example").unwrap();
    let app = FilterLayer::new(rules(RULES), redirect).layer(NotFound);
    for resource in ["@v/list", "@latest", "@v/main.info"] {
        let answer = get_and_head(&app, &format!("/example.com/m/{resource}")).await;
        answer.is_a_line(StatusCode::BAD_GATEWAY, UNREADABLE);
        let other = get(&app, &format!("/example.com/other/{resource}")).await;
        assert_eq!(other.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn with_a_source_what_names_versions_is_filtered_and_all_else_redirected() {
    let source = registry("v1.0.0\nv1.1.0\n", "v1.1.0");
    let redirect = Redirect::to("https://proxy.example/base").unwrap();
    let app = ServiceBuilder::new()
        .layer(FilterLayer::new(
            rules(RULES),
            redirect.filtered_from(source.clone()),
        ))
        .service(NotFound);

    let list = get_and_head(&app, "/example.com/m/@v/list").await;
    assert_eq!(
        (list.status, list.text.as_str()),
        (StatusCode::OK, "v1.0.0\n")
    );
    let latest = get_and_head(&app, "/example.com/m/@latest").await;
    assert_eq!(
        (latest.status, latest.text),
        (StatusCode::OK, info("v1.0.0"))
    );
    let branch = get_and_head(&app, "/example.com/m/@v/main.info").await;
    assert_eq!(branch.status, StatusCode::FORBIDDEN);
    for extension in ["info", "zip"] {
        let uri = format!("/example.com/m/@v/v1.1.0.{extension}");
        assert_eq!(get_and_head(&app, &uri).await.status, StatusCode::FORBIDDEN);
    }
    let asked = source.seen().len();
    for uri in [
        "/example.com/m/@v/v1.0.0.info",
        "/example.com/m/@v/v1.0.0.zip",
        "/example.com/m/@v/v1.1.0.mod",
        "/example.com/other/@v/list",
        "/example.com/other/@latest?x=1",
    ] {
        let answer = get_and_head(&app, uri).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{uri}");
        assert_eq!(
            answer.header("location"),
            format!("https://proxy.example/base{uri}")
        );
    }
    assert_eq!(source.seen().len(), asked, "nothing of this was asked for");
}

#[tokio::test]
async fn any_service_that_redirects_is_refused_where_versions_are_excluded() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Recorder::new(move |_| {
            let head = http::Response::builder().status(status);
            let head = head.header("location", "https://proxy.example/");
            head.body(axum::body::Body::empty()).unwrap()
        });
        let app = FilterLayer::new(rules(RULES), elsewhere).layer(NotFound);
        let answer = get(&app, "/example.com/m/@v/list").await;
        answer.is_a_line(StatusCode::BAD_GATEWAY, UNREADABLE);
    }
}
