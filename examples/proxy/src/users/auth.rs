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
use tower_goproxy::access::Identity;
use tracing::warn;

use super::address::Client;
use super::checker::Checker;
use super::htpasswd::Passwords;
use super::slow::Slow;
use super::tokens::Tokens;
use super::verified::Verified;
use crate::shares::Owner;

#[derive(Debug)]
pub(crate) struct Users {
    basic: Option<(String, String)>,
    passwords: Passwords,
    tokens: Tokens,
    memory: Arc<Memory>,
}

/// What stays when the files are read again.
#[derive(Debug)]
pub(super) struct Memory {
    verified: Verified,
    checker: Checker,
    /// Only where it is known whose address a request has.
    slow: Option<Slow>,
}

impl Memory {
    pub(super) fn new(slows: bool) -> Self {
        Self {
            verified: Verified::new(),
            checker: Checker::new(),
            slow: slows.then(Slow::new),
        }
    }
}

/// Why somebody is not let in.
enum Refused {
    /// The go command asks without credentials first.
    Missing,
    Wrong,
    /// Too many passwords wait to be checked.
    Busy,
    /// This address has sent too many wrong passwords.
    Slowed,
}

impl Users {
    pub(super) fn new(
        basic: Option<(String, String)>,
        passwords: Passwords,
        tokens: Tokens,
        memory: Arc<Memory>,
    ) -> Self {
        Self {
            basic,
            passwords,
            tokens,
            memory,
        }
    }

    async fn who(&self, headers: &HeaderMap, client: Option<Client>) -> Result<Arc<str>, Refused> {
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
        self.check(user, &password[1..], client).await?;
        Ok(user.into())
    }

    /// Before anything else, since a right password must be no faster than a wrong one for whoever guesses: a password that
    /// is known from this address is let in; for any other one the address must have a try left.
    async fn check(
        &self,
        user: &str,
        password: &[u8],
        client: Option<Client>,
    ) -> Result<(), Refused> {
        let Memory {
            verified,
            checker,
            slow,
        } = &*self.memory;
        let entry = self.passwords.hash_of(user);
        // Of a user who is not in the file, or not any more, there is none.
        let own = entry.filter(|(_, exists)| *exists);
        let key = verified.key(user, own.map_or("", |(hash, _)| hash.as_str()), password);
        let slow = slow.as_ref().zip(client);
        let slow = slow.map(|(slow, client)| (slow, Owner::of(client.0)));
        let from = slow.map(|(_, owner)| owner);
        if verified.recalls(&key, from) {
            return Ok(());
        }
        let tried = match slow {
            Some((slow, owner)) => Some(slow.begin(owner).await.ok_or(Refused::Slowed)?),
            None => None,
        };
        let is_right = async {
            if self.is_basic(user, password) {
                return Some(true);
            }
            let Some((hash, exists)) = entry else {
                return Some(false);
            };
            let (hash, password) = (hash.clone(), password.to_vec());
            let owner = client.and_then(|client| client.1);
            let verify = move || hash.verify(&password) & exists;
            checker.run(owner, verify).await
        };
        match verified.check(key, from, is_right).await {
            Some(true) => Ok(()),
            Some(false) => {
                if let Some(tried) = tried {
                    tried.was_wrong();
                }
                Err(Refused::Wrong)
            }
            None => Err(Refused::Busy),
        }
    }

    fn is_basic(&self, user: &str, password: &[u8]) -> bool {
        let basic = self.basic.as_ref();
        basic.is_some_and(|(name, right)| {
            same(user.as_bytes(), name.as_bytes()) & same(password, right.as_bytes())
        })
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
    let client = request.extensions().get::<Client>().copied();
    match users.who(request.headers(), client).await {
        Ok(name) => {
            let identity = Identity::new(name);
            request.extensions_mut().insert(identity.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(identity);
            response
        }
        Err(Refused::Busy) => later(
            StatusCode::SERVICE_UNAVAILABLE,
            "2",
            "too many passwords wait to be checked\n",
        ),
        Err(Refused::Slowed) => later(
            StatusCode::TOO_MANY_REQUESTS,
            "10",
            "too many wrong passwords from this address\n",
        ),
        Err(Refused::Missing) => unauthorized(),
        Err(Refused::Wrong) => {
            let client = client.map(|client| client.0);
            // The name is anyone's text, and may be a password in the wrong place.
            warn!(
                client = client.map(tracing::field::display),
                "wrong credentials"
            );
            metrics::counter!("goproxy_wrong_credentials_total").increment(1);
            unauthorized()
        }
    }
}

fn later(status: StatusCode, seconds: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::RETRY_AFTER, seconds),
    ];
    (status, headers, text).into_response()
}

fn unauthorized() -> Response {
    let headers = [
        (header::WWW_AUTHENTICATE, "Basic realm=\"goproxy\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let text = "the credentials are missing or wrong\n";
    (StatusCode::UNAUTHORIZED, headers, text).into_response()
}
