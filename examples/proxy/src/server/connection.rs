//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep_until, timeout};
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
            drive(shared, activity, builder.serve_connection(io, service)).await;
        }
        Version::Http2 => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.timer(TokioTimer::new());
            builder.max_header_list_size(limits.header_size);
            builder.max_concurrent_streams(limits.streams);
            // What a client that reads nothing keeps of each stream in memory.
            builder.max_send_buf_size(64 * 1024);
            builder.keep_alive_interval(limits.ping);
            builder.keep_alive_timeout(limits.ping);
            drive(shared, activity, builder.serve_connection(io, service)).await;
        }
    }
}

async fn drive<C>(shared: &Shared, activity: &Arc<Activity>, connection: C)
where
    C: GracefulConnection,
    C::Error: std::fmt::Display,
{
    let limits = &shared.limits;
    let mut watch = Watch::new(activity, limits);
    let mut ticks = interval(limits.tick());
    let mut life = shared.life.clone();
    let (mut goodbye, mut closing) = (None, false);
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
                Verdict::Idle if goodbye.is_none() => {
                    connection.as_mut().graceful_shutdown();
                    goodbye = Some(Instant::now() + GOODBYE);
                }
                _ => {}
            },
            () = activity.evicted.notified() => return cut("evicted"),
            // Ends the wait of a client that neither asks nor goes.
            () = sleep_until(goodbye.unwrap_or_else(Instant::now)), if goodbye.is_some() => {
                if activity.is_idle() {
                    return cut("idle");
                }
                goodbye = closing.then(|| Instant::now() + GOODBYE);
            }
            () = reached(&mut life, if closing { Stage::Cut } else { Stage::Closing }) => {
                if closing {
                    return cut("shutdown");
                }
                closing = true;
                connection.as_mut().graceful_shutdown();
                watch.limit_stall(limits.stall.min(LAST_STALL), limits.min_rate);
                goodbye = Some(Instant::now() + GOODBYE);
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
    let place = shared.requests.take(shared.owner(client));
    let refused = (place.is_none() && !is_probe).then(busy);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Client(client));
    let response = (shared.app)(request, refused).await;
    Ok(response.map(|body| WatchedBody::new(body, exchange, place)))
}

fn busy() -> Response<Body> {
    counter!("goproxy_requests_refused_total").increment(1);
    let mut response = Response::new(Body::from("too many requests at once\n"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(header::CACHE_CONTROL, "no-store");
    set(header::RETRY_AFTER, "5");
    response
}
