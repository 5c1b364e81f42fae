//! Lets in who has credentials.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use tower_goproxy::access::Identity;
use tracing::warn;

use super::address::Client;
use super::htpasswd::Passwords;
use super::slow::Slow;
use super::tokens::Tokens;
use super::verified::Verified;

#[derive(Debug)]
pub(crate) struct Users {
    basic: Option<(String, String)>,
    passwords: Passwords,
    tokens: Tokens,
    verified: Verified,
    /// Only where it is known whose address a request has.
    slow: Option<Slow>,
}

/// Why somebody is not let in.
enum Refused {
    /// The go command asks without credentials first.
    Missing,
    Wrong,
    /// Too many passwords wait to be checked.
    Busy,
}

impl Users {
    pub(super) fn new(
        basic: Option<(String, String)>,
        passwords: Passwords,
        tokens: Tokens,
        slows: bool,
    ) -> Self {
        Self {
            basic,
            passwords,
            tokens,
            verified: Verified::new(),
            slow: slows.then(Slow::default),
        }
    }

    async fn who(&self, headers: &HeaderMap) -> Result<Arc<str>, Refused> {
        let value = headers.get(header::AUTHORIZATION).ok_or(Refused::Missing)?;
        let value = value.to_str().map_err(|_| Refused::Wrong)?;
        let (scheme, credentials) = value.split_once(' ').ok_or(Refused::Wrong)?;
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.tokens.name_of(credentials).ok_or(Refused::Wrong);
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(Refused::Wrong);
        }
        let decoded = BASE64_STANDARD
            .decode(credentials)
            .map_err(|_| Refused::Wrong)?;
        let colon = decoded.iter().position(|byte| *byte == b':');
        let (user, password) = decoded.split_at(colon.ok_or(Refused::Wrong)?);
        let user = std::str::from_utf8(user).map_err(|_| Refused::Wrong)?;
        match self.is_right(user, &password[1..]).await {
            Some(true) => Ok(user.into()),
            Some(false) => Err(Refused::Wrong),
            None => Err(Refused::Busy),
        }
    }

    async fn is_right(&self, user: &str, password: &[u8]) -> Option<bool> {
        if let Some((name, right)) = &self.basic
            && same(user.as_bytes(), name.as_bytes()) & same(password, right.as_bytes())
        {
            return Some(true);
        }
        match self.passwords.hash_of(user) {
            Some((hash, exists)) => {
                let right = self.verified.check(user, hash, password).await?;
                Some(right && exists)
            }
            None => Some(false),
        }
    }
}

/// Takes the same time wherever the two differ.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let [given, expected] = [given, expected].map(Sha256::digest);
    let differs = given
        .iter()
        .zip(&expected)
        .fold(0, |differs, (a, b)| differs | (a ^ b));
    differs == 0
}

/// Lets in only who has credentials. Responses say who it was, for the log.
pub(crate) fn protect(app: Router, users: Arc<Users>) -> Router {
    app.layer(middleware::from_fn_with_state(users, check))
}

async fn check(State(users): State<Arc<Users>>, mut request: Request, next: Next) -> Response {
    let refused = match users.who(request.headers()).await {
        Ok(name) => {
            let identity = Identity::new(name);
            request.extensions_mut().insert(identity.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(identity);
            return response;
        }
        Err(refused) => refused,
    };
    let client = request.extensions().get::<Client>();
    let client = client.map(|client| client.0);
    match refused {
        Refused::Busy => {
            let headers = [
                (header::CACHE_CONTROL, "no-store"),
                (header::RETRY_AFTER, "2"),
            ];
            let text = "too many passwords wait to be checked\n";
            (StatusCode::SERVICE_UNAVAILABLE, headers, text).into_response()
        }
        Refused::Missing => unauthorized(),
        Refused::Wrong => {
            // The name is anyone's text, and may be a password in the wrong place.
            warn!(
                client = client.map(tracing::field::display),
                "wrong credentials"
            );
            metrics::counter!("goproxy_wrong_credentials_total").increment(1);
            if let (Some(slow), Some(client)) = (&users.slow, client) {
                sleep(slow.wrong(client)).await;
            }
            unauthorized()
        }
    }
}

fn unauthorized() -> Response {
    let headers = [
        (header::WWW_AUTHENTICATE, "Basic realm=\"goproxy\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let text = "the credentials are missing or wrong\n";
    (StatusCode::UNAUTHORIZED, headers, text).into_response()
}
