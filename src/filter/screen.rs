//! Keeps excluded versions out of lists and of `@latest`.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode, request};
use http_body::Body;
use http_body_util::Empty;
use tower::util::Oneshot;
use tower::{BoxError, Service};

use super::again::{Again, at, request_whole};
use super::body::ResponseBody;
use super::instead::{InsteadOf, see_other};
use super::judge::Judge;
use super::newest::newest;
use super::read::{self, Answer, Named};
use super::refusal::{excluded, unreadable};
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
enum Screened<SB, IB> {
    Answer(Answer<SB, IB>),
    /// It names this version, which is excluded.
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
    pub(super) async fn include<I, SB, IB>(
        self: Box<Self>,
        include: I,
        request: Request<Empty<Bytes>>,
    ) -> Answer<SB, IB>
    where
        I: Service<Request<Empty<Bytes>>, Response = Response<IB>, Error = Infallible> + Clone,
        SB: Body<Data = Bytes, Error: Into<BoxError>>,
        IB: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        let is_head = self.judge.is_head();
        let again = Again::after(&request);
        let answer = match self.screen(ask(include.clone(), request).await).await {
            Screened::Answer(answer) => answer,
            Screened::Excluded(screen, named) if screen.is_latest() => {
                let list = again.request(screen.judge.target().with_list());
                let list = ask(include.clone(), list).await;
                match screen.newest(list, &named.version).await {
                    Err(answer) => *answer,
                    Ok((version, info)) => {
                        let response = ask(include, again.request(info)).await;
                        named.replaced_by(read::info(response).await, &version)
                    }
                }
            }
            Screened::Excluded(screen, named) => screen.refused(&named.version),
        };
        of_method(is_head, answer)
    }

    /// What the inner service says, without excluded versions. It is asked once, since there is one body of a request: if
    /// `@latest` is excluded, the client is told to ask for another version.
    pub(super) async fn inner<S, B, SB, IB>(
        self: Box<Self>,
        inner: S,
        request: Request<B>,
    ) -> Result<Answer<SB, IB>, S::Error>
    where
        S: Service<Request<B>, Response = Response<SB>>,
        SB: Body<Data = Bytes, Error: Into<BoxError>>,
        IB: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        let is_head = self.judge.is_head();
        let response = Oneshot::new(inner, request).await?.map(ResponseBody::inner);
        let answer = if let Some(InsteadOf(excluded)) = &self.instead_of {
            let excluded = excluded.clone();
            match self.newest(response, &excluded).await {
                Err(answer) => *answer,
                Ok((version, _)) => see_other(&format!("@v/{}.info", version.escaped())),
            }
        } else {
            match self.screen(response).await {
                Screened::Answer(answer) => answer,
                Screened::Excluded(screen, named) if screen.is_latest() => {
                    see_other(&InsteadOf(named.version).to_string())
                }
                Screened::Excluded(screen, named) => screen.refused(&named.version),
            }
        };
        Ok(of_method(is_head, answer))
    }

    fn is_latest(&self) -> bool {
        self.judge.target().resource() == Resource::Latest
    }

    async fn screen<SB, IB>(self: Box<Self>, response: Answer<SB, IB>) -> Screened<SB, IB>
    where
        SB: Body<Data = Bytes, Error: Into<BoxError>>,
        IB: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        if self.judge.target().resource() == Resource::List {
            return Screened::Answer(match read::readable(response) {
                Ok(response) => read::list(response, self.judge).await,
                Err(answer) => *answer,
            });
        }
        match read::info(response).await {
            Ok(named) if self.judge.allows(&named.version) => {
                Screened::Answer(named.into_response())
            }
            Ok(named) => Screened::Excluded(self, named),
            Err(answer) => Screened::Answer(*answer),
        }
    }

    /// The version of a list that `@latest` is to be, and its `.info`; else what the client gets.
    async fn newest<SB, IB>(
        self,
        list: Answer<SB, IB>,
        excluded: &Version<'_>,
    ) -> Result<(Version<'static>, Target<'static>), Box<Answer<SB, IB>>>
    where
        SB: Body<Data = Bytes, Error: Into<BoxError>>,
        IB: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        let refused = self.refused(excluded);
        // Then no other version is known.
        if matches!(list.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Err(refused.into());
        }
        let target = self.judge.target().clone();
        match newest(read::readable(list)?.into_body(), self.judge, excluded).await {
            Ok(Some(version)) => match target.with_version(&version) {
                Ok(info) => Ok((version, info)),
                Err(_) => Err(refused.into()),
            },
            Ok(None) => Err(refused.into()),
            Err(error) => Err(unreadable(&error.to_string()).map(ResponseBody::own).into()),
        }
    }

    fn refused<SB, IB>(&self, version: &Version<'_>) -> Answer<SB, IB> {
        let module = self.judge.target().module();
        let rule = self.judge.rule(version);
        excluded(self.exclude_status, &module, Some(version), &rule).map(ResponseBody::own)
    }
}

async fn ask<I, SB, IB>(include: I, request: Request<Empty<Bytes>>) -> Answer<SB, IB>
where
    I: Service<Request<Empty<Bytes>>, Response = Response<IB>, Error = Infallible>,
{
    let Ok(response) = Oneshot::new(include, request).await;
    response.map(ResponseBody::include)
}

/// Status and headers depend on the content, so `GET` was asked for.
fn of_method<SB, IB>(is_head: bool, answer: Answer<SB, IB>) -> Answer<SB, IB> {
    match is_head {
        true => answer.map(|_| ResponseBody::default()),
        false => answer,
    }
}
