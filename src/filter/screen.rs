//! Keeps excluded versions out of lists and of `@latest`.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode, request};
use http_body::Body;
use http_body_util::{BodyExt as _, Empty, Full};
use tower::util::Oneshot;
use tower::{BoxError, Service};

use super::again::{again, at, request_whole};
use super::instead::{InsteadOf, see_other};
use super::judge::Judge;
use super::list::AllowedVersions;
use super::newest::newest;
use super::read::{self, Answer, Named, answer, unreadable};
use super::refusal::excluded;
use crate::module::Version;
use crate::target::{Resource, Target};

/// A request whose response has to be searched for excluded versions.
pub(super) struct Screen {
    pub(super) judge: Judge,
    pub(super) exclude_status: StatusCode,
    /// The request is for the list, to find a version that `@latest` can be.
    pub(super) instead_of: Option<InsteadOf>,
}

/// What has become of a response.
enum Screened {
    Answer(Answer),
    /// `@latest` is this version, which is excluded.
    Excluded(Box<Screen>, Named),
}

impl Screen {
    /// Makes the request one for content that can be searched.
    pub(super) fn prepare(&self, request: &mut request::Parts) {
        request_whole(request);
        if self.instead_of.is_some() {
            request.uri = at(&request.uri, &self.judge.target().with_list());
        }
    }

    /// What the include service says, without excluded versions. If `@latest` is one, it is asked for another.
    pub(super) async fn include<I, B>(self: Box<Self>, include: I, first: request::Parts) -> Answer
    where
        I: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let is_head = self.judge.is_head();
        let request = Request::from_parts(first.clone(), Empty::new());
        let Ok(response) = Oneshot::new(include.clone(), request).await;
        let answer = match self.screen(boxed(response)).await {
            Screened::Answer(answer) => answer,
            Screened::Excluded(screen, named) => {
                let list = again(&first, screen.judge.target().with_list());
                let Ok(list) = Oneshot::new(include.clone(), list).await;
                match screen.newest(boxed(list), named.version.clone()).await {
                    Err(answer) => *answer,
                    Ok((version, info)) => {
                        let Ok(info) = Oneshot::new(include, again(&first, info)).await;
                        match read::info(boxed(info)).await {
                            Ok(info) if info.version == version => {
                                named.with_content_of(info).into_answer()
                            }
                            Ok(_) => *unreadable("upstream response names another version"),
                            Err(answer) => *answer,
                        }
                    }
                }
            }
        };
        of_method(is_head, answer)
    }

    /// What the inner service says, without excluded versions. It is asked once, since there is one body of a request: if
    /// `@latest` is excluded, the client is told to ask for another version.
    pub(super) async fn inner<S, R, B>(
        self: Box<Self>,
        inner: S,
        request: Request<R>,
    ) -> Result<Answer, S::Error>
    where
        S: Service<Request<R>, Response = Response<B>>,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let is_head = self.judge.is_head();
        let response = boxed(Oneshot::new(inner, request).await?);
        let answer = match self.instead_of.clone() {
            Some(InsteadOf(excluded)) => match self.newest(response, excluded).await {
                Ok((version, _)) => see_other(&format!("@v/{}.info", version.escaped())),
                Err(answer) => *answer,
            },
            None => match self.screen(response).await {
                Screened::Answer(answer) => answer,
                Screened::Excluded(_, named) => see_other(&InsteadOf(named.version).to_string()),
            },
        };
        Ok(of_method(is_head, answer))
    }

    async fn screen(self: Box<Self>, response: Answer) -> Screened {
        let resource = self.judge.target().resource();
        if resource == Resource::List {
            let list = read::list(response, self.judge).await;
            return Screened::Answer(list.unwrap_or_else(|answer| *answer));
        }
        Screened::Answer(match read::info(response).await {
            Ok(named) if self.judge.allows(&named.version) => named.into_answer(),
            Ok(named) if resource == Resource::Latest => return Screened::Excluded(self, named),
            Ok(named) => self.refused(&named.version),
            Err(answer) => *answer,
        })
    }

    /// The version of a list that `@latest` is to be, and its `.info`; else what the client gets.
    async fn newest(
        self: Box<Self>,
        list: Answer,
        excluded: Version<'static>,
    ) -> Result<(Version<'static>, Target<'static>), Box<Answer>> {
        let refused = Box::new(self.refused(&excluded));
        // Then no other version is known.
        if matches!(list.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Err(refused);
        }
        let list = read::readable(list)?.into_body();
        let target = self.judge.target().clone();
        let list = AllowedVersions::new(list, self.judge);
        match newest(list, excluded.is_incompatible()).await {
            Ok(Some(version)) => match target.with_version(&version) {
                Ok(info) => Ok((version, info)),
                Err(_) => Err(refused),
            },
            Ok(None) => Err(refused),
            Err(reason) => Err(unreadable(reason)),
        }
    }

    fn refused(&self, version: &Version<'_>) -> Answer {
        let module = self.judge.target().module();
        let rule = self.judge.rule(version);
        answer(excluded(self.exclude_status, &module, Some(version), &rule))
    }
}

fn boxed<B>(response: Response<B>) -> Answer
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    response.map(|body| {
        body.map_err(|error| -> BoxError { error.into() })
            .boxed_unsync()
    })
}

/// Status and headers depend on the content, so `GET` was asked for.
fn of_method(is_head: bool, response: Answer) -> Answer {
    match is_head {
        true => answer(response.map(|_| Full::default())),
        false => response,
    }
}
