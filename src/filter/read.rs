use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Response, response};
use http_body::Body;
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower::BoxError;

use super::screen::{Screen, unreadable};
use crate::policy::Policy;

/// The most that is read of an answer to look through it.
const LIMIT: usize = 16 * 1024 * 1024;

pin_project! {
    /// An answer that is read to its end before it is sent on.
    pub(super) struct Read<P, B> {
        #[pin]
        body: B,
        content: Vec<u8>,
        // Both are taken when the body has been read.
        head: Option<(Box<response::Parts>, Box<Screen<P>>)>,
    }
}

impl<P, B> Read<P, B> {
    pub(super) fn new(head: Box<response::Parts>, body: B, screen: Box<Screen<P>>) -> Self {
        Self {
            body,
            content: Vec::new(),
            head: Some((head, screen)),
        }
    }
}

impl<P, B> Future for Read<P, B>
where
    P: Policy,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Response<Full<Bytes>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else {
                        continue;
                    };
                    if this.content.len() + bytes.len() > LIMIT {
                        return Poll::Ready(unreadable("it is too long"));
                    }
                    this.content.extend_from_slice(&bytes);
                }
                Some(Err(_)) => return Poll::Ready(unreadable("it broke off")),
                None => break,
            }
        }
        match this.head.take() {
            Some((head, screen)) => Poll::Ready(screen.content(*head, this.content)),
            None => panic!("a response future was polled after it was ready"),
        }
    }
}
