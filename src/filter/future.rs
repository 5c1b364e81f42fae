use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, response};
use http_body::Body;
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower::{BoxError, Service};

use super::body::ResponseBody;
use super::read::Read;
use super::screen::{Look, Screen};
use super::verdict::Verdict;
use crate::policy::Policy;

pin_project! {
    /// The answer of a [`Filter`](super::Filter) to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, I, P, B, SB, IB>
    where
        S: Service<Request<B>>,
        I: Service<Request<B>>,
        SB: Body,
        IB: Body,
    {
        #[pin]
        state: State<S, I, P, B, SB, IB>,
        verdict: Option<Verdict>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, I, P, B, SB, IB>
    where
        S: Service<Request<B>>,
        I: Service<Request<B>>,
        SB: Body,
        IB: Body,
    {
        Reply { response: Option<Response<Full<Bytes>>> },
        Include { #[pin] answer: Oneshot<I, Request<B>>, screen: Option<Box<Screen<P>>> },
        Inner { #[pin] answer: Oneshot<S, Request<B>>, screen: Option<Box<Screen<P>>> },
        IncludeBody { #[pin] read: Read<P, IB> },
        InnerBody { #[pin] read: Read<P, SB> },
    }
}

/// What becomes of an answer whose head is there.
enum Next<P, B> {
    Answer(Response<B>),
    Empty(response::Parts),
    Reply(Response<Full<Bytes>>),
    Read(Box<response::Parts>, B, Box<Screen<P>>),
}

impl<S, I, P, B, SB, IB> ResponseFuture<S, I, P, B, SB, IB>
where
    S: Service<Request<B>>,
    I: Service<Request<B>>,
    SB: Body,
    IB: Body,
{
    pub(super) fn reply(response: Response<Full<Bytes>>, verdict: Option<Verdict>) -> Self {
        Self {
            state: State::Reply {
                response: Some(response),
            },
            verdict,
        }
    }

    pub(super) fn include(
        include: I,
        request: Request<B>,
        verdict: Option<Verdict>,
        screen: Option<Box<Screen<P>>>,
    ) -> Self {
        Self {
            state: State::Include {
                answer: Oneshot::new(include, request),
                screen,
            },
            verdict,
        }
    }

    pub(super) fn inner(
        inner: S,
        request: Request<B>,
        verdict: Option<Verdict>,
        screen: Option<Box<Screen<P>>>,
    ) -> Self {
        Self {
            state: State::Inner {
                answer: Oneshot::new(inner, request),
                screen,
            },
            verdict,
        }
    }
}

impl<S, I, P, B, SB, IB> Future for ResponseFuture<S, I, P, B, SB, IB>
where
    S: Service<Request<B>, Response = Response<SB>>,
    I: Service<Request<B>, Response = Response<IB>, Error = Infallible>,
    P: Policy,
    SB: Body<Data = Bytes>,
    SB::Error: Into<BoxError>,
    IB: Body<Data = Bytes>,
    IB::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<IB, SB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut response = loop {
            match this.state.as_mut().project() {
                StateProj::Reply { response } => match response.take() {
                    Some(response) => break response.map(ResponseBody::reply),
                    None => panic!("a response future was polled after it was ready"),
                },
                StateProj::Include { answer, screen } => {
                    let Ok(response) = ready!(answer.poll(cx));
                    match next(response, screen.take()) {
                        Next::Answer(response) => break response.map(ResponseBody::include),
                        Next::Empty(head) => {
                            break Response::from_parts(head, ResponseBody::default());
                        }
                        Next::Reply(response) => break response.map(ResponseBody::reply),
                        Next::Read(head, body, screen) => {
                            let read = Read::new(head, body, screen);
                            this.state.set(State::IncludeBody { read });
                        }
                    }
                }
                StateProj::Inner { answer, screen } => {
                    let response = ready!(answer.poll(cx))?;
                    match next(response, screen.take()) {
                        Next::Answer(response) => break response.map(ResponseBody::inner),
                        Next::Empty(head) => {
                            break Response::from_parts(head, ResponseBody::default());
                        }
                        Next::Reply(response) => break response.map(ResponseBody::reply),
                        Next::Read(head, body, screen) => {
                            let read = Read::new(head, body, screen);
                            this.state.set(State::InnerBody { read });
                        }
                    }
                }
                StateProj::IncludeBody { read } => {
                    break ready!(read.poll(cx)).map(ResponseBody::reply);
                }
                StateProj::InnerBody { read } => {
                    break ready!(read.poll(cx)).map(ResponseBody::reply);
                }
            }
        };
        if let Some(verdict) = this.verdict.take() {
            // A filter inside this one has had the last word.
            response.extensions_mut().get_or_insert_with(|| verdict);
        }
        Poll::Ready(Ok(response))
    }
}

fn next<P, B>(response: Response<B>, screen: Option<Box<Screen<P>>>) -> Next<P, B>
where
    P: Policy,
    B: Body,
{
    let Some(screen) = screen else {
        return Next::Answer(response);
    };
    let (mut head, body) = response.into_parts();
    match screen.look(&mut head) {
        Look::Pass => Next::Answer(Response::from_parts(head, body)),
        Look::NoBody => Next::Empty(head),
        Look::Refuse(response) => Next::Reply(response),
        Look::Body => Next::Read(Box::new(head), body, screen),
    }
}

impl<S, I, P, B, SB, IB> fmt::Debug for ResponseFuture<S, I, P, B, SB, IB>
where
    S: Service<Request<B>>,
    I: Service<Request<B>>,
    SB: Body,
    IB: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
