use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use pin_project_lite::pin_project;
use tower::BoxError;

use super::list::AllowedVersions;

pin_project! {
    /// The response body of a [`Filter`](super::Filter): that of the inner service, that of the include service, the
    /// allowed lines of a long list, or a line of text.
    pub struct ResponseBody<S, I> {
        #[pin]
        kind: Kind<S, I>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<S, I> {
        Own { #[pin] body: Full<Bytes> },
        Service { #[pin] body: Either<S, I> },
        List { begun: Option<Bytes>, list: Box<AllowedVersions<ResponseBody<S, I>>> },
    }
}

impl<S, I> ResponseBody<S, I> {
    pub(super) fn inner(body: S) -> Self {
        let body = Either::Left(body);
        Self {
            kind: Kind::Service { body },
        }
    }

    pub(super) fn include(body: I) -> Self {
        let body = Either::Right(body);
        Self {
            kind: Kind::Service { body },
        }
    }

    pub(super) fn own(body: Full<Bytes>) -> Self {
        Self {
            kind: Kind::Own { body },
        }
    }

    /// A list whose first lines have been read.
    pub(super) fn list(begun: Bytes, list: AllowedVersions<Self>) -> Self {
        Self {
            kind: Kind::List {
                begun: Some(begun),
                list: Box::new(list),
            },
        }
    }
}

/// Empty, for layers outside that make responses of their own.
impl<S, I> Default for ResponseBody<S, I> {
    fn default() -> Self {
        Self::own(Full::default())
    }
}

impl<S, I> Body for ResponseBody<S, I>
where
    S: Body<Data = Bytes, Error: Into<BoxError>>,
    I: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProj::Own { body } => body.poll_frame(cx).map_err(Into::into),
            KindProj::Service { body } => body.poll_frame(cx),
            KindProj::List { begun, list } => Poll::Ready(match begun.take() {
                Some(begun) => Some(Ok(Frame::data(begun))),
                None => {
                    ready!(list.poll_text(cx)).map(|text| text.map(Frame::data).map_err(Into::into))
                }
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Own { body } => body.is_end_stream(),
            Kind::Service { body } => body.is_end_stream(),
            Kind::List { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Own { body } => body.size_hint(),
            Kind::Service { body } => body.size_hint(),
            Kind::List { .. } => SizeHint::default(),
        }
    }
}

impl<S, I> fmt::Debug for ResponseBody<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
