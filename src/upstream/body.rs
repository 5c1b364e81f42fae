//! The body of a response.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use tower::BoxError;

use super::error::{Kind, UpstreamError};

/// A body of any kind: of a client service, of a flow, of a file.
pub(super) type Parts = UnsyncBoxBody<Bytes, UpstreamError>;

/// Boxes the body of a service that is not ours.
pub(super) fn boxed<B>(response: Response<B>) -> Response<Parts>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let broken = |error: B::Error| UpstreamError::caused(Kind::Broken, error.into());
    response.map(|body| body.map_err(broken).boxed_unsync())
}

/// The body of a response of [`Upstream`](super::Upstream).
///
/// It ends cleanly only after all bytes of its declared length; otherwise it ends with an [`UpstreamError`]. Where no
/// length was declared, it ends where the upstream says so. Its size hint is exact where the length is
/// known. The default is an empty body.
///
/// ```
/// use http_body::Body;
/// use tower_goproxy::upstream::UpstreamBody;
///
/// assert_eq!(UpstreamBody::default().size_hint().exact(), Some(0));
/// ```
///
/// # Cancel safety
///
/// Dropping it ends the request to the upstream. No part is lost between polls.
pub struct UpstreamBody(Parts);

impl UpstreamBody {
    pub(super) fn new(
        body: impl Body<Data = Bytes, Error = UpstreamError> + Send + 'static,
    ) -> Self {
        Self(body.boxed_unsync())
    }

    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::new(Full::new(bytes.into()).map_err(|never| match never {}))
    }
}

impl Default for UpstreamBody {
    fn default() -> Self {
        Self::whole(Bytes::new())
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamBody").finish_non_exhaustive()
    }
}
