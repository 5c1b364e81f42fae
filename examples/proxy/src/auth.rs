//! Basic auth.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Lets in only who has these credentials, `USER:PASS`.
pub(crate) fn protect(app: Router, credentials: &str) -> Result<Router, &'static str> {
    if !credentials.contains(':') {
        return Err("--basic-auth needs USER:PASS");
    }
    let expected = format!("Basic {}", BASE64_STANDARD.encode(credentials));
    Ok(app.layer(middleware::from_fn_with_state(Arc::from(expected), auth)))
}

async fn auth(State(expected): State<Arc<str>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    if given.is_some_and(|given| same(given.as_bytes(), expected.as_bytes())) {
        return next.run(request).await;
    }
    let mut response = Response::new(Body::from("the credentials are missing or wrong\n"));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"goproxy\""),
    );
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

/// Takes the same time wherever the two differ.
fn same(given: &[u8], expected: &[u8]) -> bool {
    given.len() == expected.len()
        && given
            .iter()
            .zip(expected)
            .fold(0, |differs, (a, b)| differs | (a ^ b))
            == 0
}
