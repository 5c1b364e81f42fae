//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::debug;

use super::body::WatchedBody;
use super::crowd::Member;
use super::protocol::{Line, Version, open};
use super::shared::Shared;
use super::watch::{Activity, Verdict, Watch};
use crate::life::{Stage, reached};
use crate::users::Client;

/// How long a connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// What a client that reads nothing has while the server stops.
const LAST_STALL: Duration = Duration::from_secs(5);

/// What a client that reads nothing keeps of a response in memory, besides the piece that exceeds it.
const UNREAD: usize = 64 * 1024;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    member: Member,
) {
    let activity = &member.activity;
    let tls = shared.tls.as_ref().map(|tls| tls.load_full());
    let opening = open(stream, tls, Arc::clone(&activity.socket));
    let mut life = shared.life.clone();
    let opened = tokio::select! {
        opened = timeout(shared.limits.handshake, opening) => opened,
        () = activity.evicted.notified() => return cut("evicted"),
        () = reached(&mut life, Stage::Closing) => return,
    };
    match opened {
        Ok(Ok((Line::Plain(io), version))) => speak(&shared, io, version, peer, activity).await,
        Ok(Ok((Line::Tls(io), version))) => speak(&shared, io, version, peer, activity).await,
        Ok(Err(error)) => debug!(%peer, %error, "connection ended before its first request"),
        Err(_) => cut("handshake"),
    }
}

fn cut(why: &'static str) {
    counter!("goproxy_connections_cut_total", "why" => why).increment(1);
}

async fn speak<IO>(
    shared: &Arc<Shared>,
    io: IO,
    version: Version,
    peer: SocketAddr,
    activity: &Arc<Activity>,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &shared.limits;
    let service = service_fn({
        let (shared, activity) = (Arc::clone(shared), Arc::clone(activity));
        move |request| answer(Arc::clone(&shared), Arc::clone(&activity), peer, request)
    });
    let io = TokioIo::new(io);
    match version {
        Version::Http1 => {
            let mut builder = http1::Builder::new();
            // The watch has the one limit for heads and for idle connections.
            builder.timer(TokioTimer::new()).header_read_timeout(None);
            builder.max_header_size(limits.header_size as usize);
            // It is for heads, too.
            builder.max_buf_size(UNREAD.max(limits.header_size as usize));
            let connection = builder.serve_connection(io, service);
            drive(shared, activity, version, connection).await;
        }
        Version::Http2 => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.timer(TokioTimer::new());
            builder.max_header_list_size(limits.header_size);
            builder.max_concurrent_streams(limits.streams);
            builder.max_send_buf_size(UNREAD);
            builder.keep_alive_interval(limits.ping);
            // The watch judges. A ping may have to wait until a slow client has read what was sent before.
            builder.keep_alive_timeout(DAY);
            let connection = builder.serve_connection(io, service);
            drive(shared, activity, version, connection).await;
        }
    }
}

async fn drive<C>(shared: &Shared, activity: &Arc<Activity>, version: Version, connection: C)
where
    C: GracefulConnection,
    C::Error: std::fmt::Display,
{
    let limits = &shared.limits;
    let mut watch = Watch::new(activity, limits, version);
    let mut ticks = interval(limits.tick());
    // Time in which the process was stopped is no client's.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut life = shared.life.clone();
    let (mut goodbye, mut closing, mut heard) = (None, false, 0);
    // A client of HTTP/2 may still read what has left long ago, and a frame of it would be answered by a reset.
    let last = |most: Duration| match version {
        Version::Http2 if activity.was_asked() => limits.stall.min(most),
        _ => GOODBYE,
    };
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, "connection broke");
                }
                return;
            }
            _ = ticks.tick() => match watch.look() {
                Verdict::Stopped => return cut("stopped"),
                Verdict::Silent if goodbye.is_none() => return cut("silent"),
                Verdict::Idle if goodbye.is_none() => {
                    connection.as_mut().graceful_shutdown();
                    goodbye = Some(Instant::now() + last(DAY));
                }
                _ => {}
            },
            () = activity.evicted.notified() => return cut("evicted"),
            // Ends the wait of a client that neither asks nor goes.
            () = sleep_until(goodbye.unwrap_or_else(Instant::now)), if goodbye.is_some() => {
                let before = std::mem::replace(&mut heard, activity.socket.heard());
                let reads_on = closing && version == Version::Http2 && heard != before;
                if activity.is_idle() && !reads_on {
                    return cut("idle");
                }
                goodbye = closing.then(|| Instant::now() + last(LAST_STALL));
            }
            () = reached(&mut life, if closing { Stage::Cut } else { Stage::Closing }) => {
                if closing {
                    return cut("shutdown");
                }
                closing = true;
                connection.as_mut().graceful_shutdown();
                watch.limit_stall(limits.stall.min(LAST_STALL), limits.min_rate);
                heard = activity.socket.heard();
                goodbye = Some(Instant::now() + last(LAST_STALL));
            }
        }
    }
}

async fn answer(
    shared: Arc<Shared>,
    activity: Arc<Activity>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<WatchedBody>, Infallible> {
    let exchange = activity.begin();
    // A server that is busy is not dead.
    let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    let client = shared.trusted.client(peer, request.headers());
    let owner = shared.owner(client);
    let place = shared.requests.take(owner);
    let refused = (place.is_none() && !is_probe).then(|| busy(request.method()));
    let place = place.or_else(|| shared.refusals.take(owner));
    if place.is_none() {
        // Its client, or others of this address, take not even the refusals.
        activity.evicted.notify_one();
    }
    // No request needs its body, of which HTTP/2 would keep as much as its windows allow.
    let mut request = request.map(|_| Body::empty());
    request.extensions_mut().insert(Client(client, owner));
    let response = (shared.app)(request, refused).await;
    Ok(response.map(|body| WatchedBody::new(body, exchange, place)))
}

fn busy(method: &Method) -> Response<Body> {
    counter!("goproxy_requests_refused_total").increment(1);
    // HTTP/2 would send it, which is an error for the client.
    let body = match *method {
        Method::HEAD => Body::empty(),
        _ => Body::from("too many requests at once\n"),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(header::CACHE_CONTROL, "no-store");
    set(header::RETRY_AFTER, "5");
    response
}
