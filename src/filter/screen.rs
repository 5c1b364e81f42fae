//! Keeps excluded versions out of lists and of `@latest`.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderValue, Method, Request, Response, StatusCode, request};
use http_body::Body;
use http_body_util::{Empty, Full};
use tower::util::Oneshot;
use tower::{BoxError, Service};

use super::again::{again, request_whole, with_path};
use super::body::{Answer, boxed};
use super::judge::Judge;
use super::list::AllowedVersions;
use super::read::{self, LONGEST_LIST, Named, unreadable};
use crate::latest::Latest;
use crate::module::Version;
use crate::reply;
use crate::target::Resource;

/// What the query of a request for `@latest` begins with, if it is for another version than an excluded one.
const INSTEAD_OF: &str = "instead-of=";

/// What has become of a response.
enum Screened {
    Answer(Answer),
    /// `@latest` is this version, which is excluded.
    Excluded(Named),
}

/// What the include service says, without excluded versions. If `@latest` is one, it is asked for another.
pub(super) async fn include<I, B, E>(
    judge: Arc<Judge>,
    include: I,
    mut first: request::Parts,
) -> Result<Answer, E>
where
    I: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    request_whole(&mut first);
    let answer = async {
        let ask = move |parts| {
            let request = Request::from_parts(parts, Empty::new());
            let response = Oneshot::new(include.clone(), request);
            async {
                let Ok(response) = response.await;
                boxed(response)
            }
        };
        let latest = match screened(&judge, ask(first.clone()).await).await? {
            Screened::Answer(answer) => return Ok(answer),
            Screened::Excluded(latest) => latest,
        };
        let list = ask(again(&first, judge.target.with_list())).await;
        let newest = allowed(&latest.version, list, &judge).await?;
        let go_mod = |tag| judge.target.with_file(tag, Resource::Mod);
        let has_go_mod = match newest.decided_by().map(go_mod) {
            Some(Ok(go_mod)) => read::is_own_go_mod(ask(again(&first, go_mod)).await, &judge).await,
            _ => true,
        };
        let refusal = || judge.refusal(&latest.version);
        let version = newest.version(has_go_mod).ok_or_else(refusal)?;
        let info = judge.target.with_version(&version).map_err(|_| refusal())?;
        let info = read::info(ask(again(&first, info)).await).await?;
        match info.version == version {
            true => Ok(latest.with_content_of(info).into_answer()),
            false => Err(unreadable("upstream response names another version")),
        }
    };
    Ok(of_method(&judge, answer.await))
}

/// What the inner service says, without excluded versions. It is asked once, since there is one body of a request: if
/// `@latest` is excluded, the client is told to ask for another version.
pub(super) async fn inner<S, R, B>(
    judge: Arc<Judge>,
    inner: S,
    mut first: request::Parts,
    body: R,
) -> Result<Answer, S::Error>
where
    S: Service<Request<R>, Response = Response<B>>,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    request_whole(&mut first);
    let excluded = excluded(&judge);
    if excluded.is_some() {
        first.uri = with_path(&first.uri, &judge.target.with_list().to_uri_path());
    }
    let response = boxed(Oneshot::new(inner, Request::from_parts(first, body)).await?);
    let answer = async {
        Ok(match excluded {
            Some(excluded) => {
                let newest = allowed(&excluded, response, &judge).await?;
                // What the source takes for the latest version tells whether the others have a go.mod.
                let version = newest.version(!excluded.is_incompatible());
                let version = version.ok_or_else(|| judge.refusal(&excluded))?;
                see_other(&format!("@v/{}.info", version.escaped()))
            }
            None => match screened(&judge, response).await? {
                Screened::Answer(answer) => answer,
                Screened::Excluded(named) => {
                    see_other(&format!("@latest?{INSTEAD_OF}{}", named.version.escaped()))
                }
            },
        })
    };
    Ok(of_method(&judge, answer.await))
}

/// The version that the client wants another one for, if this is a request for `@latest`.
fn excluded(judge: &Judge) -> Option<Version<'static>> {
    let query = judge.request.uri.query()?.strip_prefix(INSTEAD_OF)?;
    let version = Version::from_escaped(query).ok()?.into_owned();
    (judge.target.resource() == Resource::Latest).then_some(version)
}

async fn screened(judge: &Arc<Judge>, response: Answer) -> Result<Screened, Box<Answer>> {
    let resource = judge.target.resource();
    if resource == Resource::List {
        let list = read::list(response, Arc::clone(judge)).await?;
        return Ok(Screened::Answer(list));
    }
    let named = read::info(response).await?;
    match resource {
        _ if judge.allows(&named.version) => Ok(Screened::Answer(named.into_answer())),
        Resource::Latest => Ok(Screened::Excluded(named)),
        _ => Err(judge.refusal(&named.version)),
    }
}

/// What `@latest` may be of a list; else what the client gets.
async fn allowed(
    excluded: &Version<'_>,
    list: Answer,
    judge: &Arc<Judge>,
) -> Result<Latest, Box<Answer>> {
    // Then no other version is known.
    if matches!(list.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
        return Err(judge.refusal(excluded));
    }
    let list = read::readable(list, LONGEST_LIST)?.into_body();
    let mut list = AllowedVersions::new(list, Arc::clone(judge));
    let mut newest = Latest::default();
    while !list.has_ended {
        let read = poll_fn(|cx| list.poll_lines(cx, |_, version| newest.add(&version)));
        read.await.map_err(unreadable)?;
    }
    Ok(newest)
}

/// 303 to an address relative to `@latest`, wherever the proxy is mounted.
fn see_other(location: &str) -> Answer {
    let mut response = reply::text(StatusCode::SEE_OTHER, "another version is allowed");
    // A version is ASCII without blanks; the fallback is for the compiler.
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    boxed(response)
}

/// Status and headers depend on the content, so `GET` was asked for.
fn of_method(judge: &Judge, answer: Result<Answer, Box<Answer>>) -> Answer {
    let answer = answer.unwrap_or_else(|answer| *answer);
    match judge.request.method == Method::HEAD {
        true => boxed(answer.map(|_| Full::default())),
        false => answer,
    }
}
