use bytes::Bytes;
use http::Response;
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Either};
use tower::BoxError;

use crate::layer_body::LayerBody;

/// The response body of a [`Filter`](super::Filter): that of the inner service, that of the include service, or what the
/// filter says or leaves of one.
pub type ResponseBody<S, I> = LayerBody<Either<S, I>, Content>;

/// What the filter says, or has read.
pub(super) type Content = UnsyncBoxBody<Bytes, BoxError>;

pub(super) type Answer = Response<Content>;

pub(super) fn boxed<B>(response: Response<B>) -> Answer
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}
