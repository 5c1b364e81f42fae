use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use pin_project_lite::pin_project;
use tower::Service;
use tower::util::Oneshot;

use super::body::ResponseBody;

pin_project! {
    /// A call of one of the two services, or a response of the filter's own, with one type of response.
    #[project = CallProj]
    pub(super) enum Call<S, I, B>
    where
        S: Service<Request<B>>,
        I: Service<Request<Empty<Bytes>>>,
    {
        Inner { #[pin] response: Oneshot<S, Request<B>> },
        Include { #[pin] response: Oneshot<I, Request<Empty<Bytes>>> },
        Own { response: Option<Response<Full<Bytes>>> },
    }
}

impl<S, I, B, SB, IB> Future for Call<S, I, B>
where
    S: Service<Request<B>, Response = Response<SB>>,
    I: Service<Request<Empty<Bytes>>, Response = Response<IB>, Error = Infallible>,
{
    type Output = Result<Response<ResponseBody<SB, IB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project() {
            CallProj::Inner { response } => {
                ready!(response.poll(cx)).map(|response| response.map(ResponseBody::inner))
            }
            CallProj::Include { response } => {
                let Ok(response) = ready!(response.poll(cx));
                Ok(response.map(ResponseBody::include))
            }
            CallProj::Own { response } => {
                let response = response
                    .take()
                    .expect("a future is not polled after it was ready");
                Ok(response.map(ResponseBody::own))
            }
        })
    }
}
