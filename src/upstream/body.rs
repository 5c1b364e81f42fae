//! The body of a response.

use bytes::Bytes;
use http::Response;
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tower::BoxError;

use super::error::{Kind, UpstreamError};
use crate::source::SourceBody;

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

/// The body of a response of [`Upstream`](super::Upstream). Where no length was declared, it ends where the upstream says
/// so.
pub type UpstreamBody = SourceBody<UpstreamError>;
