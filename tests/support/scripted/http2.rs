//! The same answers through hyper: HTTP/2, and HTTP/1.1 over TLS.

use std::io;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tower::util::BoxCloneService;
use tower::{ServiceExt as _, service_fn};

use super::super::requests::Requests;
use super::answer::{Answer, Framing};
use super::registry::Script;

type ResponseBody = UnsyncBoxBody<Bytes, io::Error>;

pub(super) fn service(
    requests: Requests,
    script: Script,
) -> BoxCloneService<Request<Incoming>, Response<ResponseBody>, io::Error> {
    service_fn(move |request: Request<Incoming>| {
        respond(script(&requests.record(request.into_parts().0)))
    })
    .boxed_clone()
}

pub(super) async fn respond(answer: Answer) -> io::Result<Response<ResponseBody>> {
    if let Some(gate) = &answer.before_head {
        gate.pass().await;
    }
    match answer.framing {
        Framing::Close | Framing::Reset => panic!("HTTP/2 has no {:?}", answer.framing),
        // An error of the service makes hyper reset the stream.
        Framing::NoAnswer => return Err(io::ErrorKind::ConnectionAborted.into()),
        Framing::Length | Framing::Chunked | Framing::Short(_) | Framing::Cut => {}
    }
    let mut response = Response::new(());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers.clone();
    if let Some(length) = answer.declared() {
        response
            .headers_mut()
            .insert("content-length", length.into());
    }
    Ok(response.map(|()| body(answer).boxed_unsync()))
}

fn body(answer: Answer) -> impl Body<Data = Bytes, Error = io::Error> {
    StreamBody::new(stream::try_unfold(0, move |i| {
        let part = answer.parts.get(i).cloned();
        let gate = answer.between_parts.clone();
        let cut = answer.framing == Framing::Cut;
        async move {
            let Some(part) = part else {
                if !cut {
                    return Ok(None);
                }
                if let Some(gate) = &gate {
                    gate.pass().await;
                }
                return Err(io::ErrorKind::ConnectionAborted.into());
            };
            if let Some(gate) = &gate {
                if i > 0 {
                    gate.pass().await;
                }
                gate.note_sent();
            }
            Ok(Some((Frame::data(part), i + 1)))
        }
    }))
}
