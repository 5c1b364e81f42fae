//! One running fill: from the place it waits for to the end it says.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::coop::consume_budget;
use tokio::time::timeout;
use tower::{BoxError, Service, ServiceExt};

use super::check::check;
use super::config::{Config, OnDisconnect};
use super::flights::Ticket;
use super::places::{Places, Queued};
use super::source_answer::{SourceAnswer, read_failure};
use super::spool::{Failure, Writer};
use crate::observe;
use crate::target::Target;

/// What a fill needs, all of it its own: it outlives the request that started it.
pub(super) struct Job<S, SB> {
    pub(super) source: S,
    pub(super) request: Request<Empty<Bytes>>,
    pub(super) target: Target<'static>,
    pub(super) writer: Writer,
    pub(super) config: Arc<Config>,
    pub(super) ticket: Ticket,
    pub(super) queued: Queued,
    /// Where an answer goes that cannot be shared.
    pub(super) unshared: oneshot::Sender<Response<SB>>,
}

/// Why a fill stopped before its file was whole.
enum Stop {
    Failed(Failure),
    /// Nobody wants the file any more.
    Unwanted,
    /// The answer of the source went to the one who started the fill.
    Alone,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<S, SB> Job<S, SB>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<SB>> + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
    SB: Body<Data = Bytes> + Send,
    SB::Error: Into<BoxError>,
{
    pub(super) async fn run(self) {
        let Self {
            source,
            request,
            target,
            mut writer,
            config,
            ticket,
            queued,
            unshared,
        } = self;
        let places = Arc::clone(ticket.places());
        let place = match wait_for_place(queued, &writer, &config).await {
            Ok(place) => place,
            Err(stop) => return end(ticket, writer, stop).await,
        };
        let filled = Filler {
            writer: &mut writer,
            config: &config,
            target: &target,
            places: &places,
        }
        .fill(source, request, unshared)
        .await;
        // A storage that stalls with what it got must not keep others from their sources.
        drop(place);
        if let Err(stop) = filled {
            return end(ticket, writer, stop).await;
        }
        let bytes = writer.check_passed();
        let kept = writer.settle(&places, config.commit_timeout).await;
        observe::fill_ended(ticket.key(), bytes, kept);
        if kept {
            ticket.stored();
        }
    }
}

/// The entry goes first: who sees the failure and asks again must not find it still there. The
/// count goes last: an idle layer has nothing left to clean up.
async fn end(ticket: Ticket, writer: Writer, stop: Stop) {
    ticket.leave();
    match stop {
        Stop::Failed(failure) => {
            if failure.is_not_found() {
                observe::fill_found_nothing(ticket.key(), &failure);
            } else {
                observe::fill_failed(ticket.key(), &failure);
            }
            writer.fail(failure).await;
        }
        Stop::Unwanted => {
            observe::fill_abandoned(ticket.key());
            writer.fail(Failure::given_up()).await;
        }
        Stop::Alone => writer.leave_alone().await,
    }
}

/// Waits for one of the places for running fills. One who leaves meanwhile leaves the queue.
async fn wait_for_place(
    queued: Queued,
    writer: &Writer,
    config: &Config,
) -> Result<OwnedSemaphorePermit, Stop> {
    let place = timeout(config.max_wait, queued.place());
    match select(pin!(place), pin!(writer.unwanted())).await {
        Either::Left((Ok(Some(place)), _)) => Ok(place),
        Either::Left(_) => Err(too_many(config.max_wait).into()),
        Either::Right(_) => Err(Stop::Unwanted),
    }
}

pub(super) fn too_many(wait: Duration) -> Failure {
    Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many fills are running, try again later",
    )
    .retry_after(wait.as_secs().max(1))
}

struct Filler<'a> {
    writer: &'a mut Writer,
    config: &'a Config,
    target: &'a Target<'static>,
    places: &'a Places,
}

impl Filler<'_> {
    async fn fill<S, SB>(
        &mut self,
        source: S,
        request: Request<Empty<Bytes>>,
        unshared: oneshot::Sender<Response<SB>>,
    ) -> Result<(), Stop>
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<SB>>,
        S::Error: Into<BoxError>,
        SB: Body<Data = Bytes>,
        SB::Error: Into<BoxError>,
    {
        let max = self.config.max_size(self.target.resource());
        let response = self
            .in_time(source.oneshot(request))
            .await?
            .map_err(|error| source_failed("the source failed", error))?;
        match SourceAnswer::of(&response, max) {
            SourceAnswer::File { len } => {
                self.writer.begin(len);
                let mut body = pin!(response.into_body().map_err(Into::into));
                self.copy(body.as_mut(), len, max).await?;
                self.writer.tell();
                self.check().await
            }
            SourceAnswer::Unshared => {
                // The one who started the fill may have left.
                let _ = unshared.send(response);
                Err(Stop::Alone)
            }
            SourceAnswer::Failure => Err(self.in_time(read_failure(response)).await?.into()),
            SourceAnswer::Broken(reason) => Err(bad(reason).into()),
        }
    }

    async fn copy<SB>(
        &mut self,
        mut body: Pin<&mut SB>,
        len: Option<u64>,
        max: u64,
    ) -> Result<(), Stop>
    where
        SB: Body<Data = Bytes, Error = BoxError>,
    {
        let mut copied = 0;
        while len != Some(copied) {
            let Some(frame) = self.frame(body.as_mut()).await? else {
                break;
            };
            let frame = frame.map_err(|error| source_failed("the source broke off", error))?;
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            copied += bytes.len() as u64;
            if len.is_some_and(|len| copied > len) {
                return Err(bad("the source sent more than it had declared").into());
            }
            if copied > max {
                self.writer.stop_keeping().await;
            }
            self.writer.push(bytes);
            self.make_room().await?;
        }
        match len {
            Some(len) if copied < len => {
                Err(bad("the source sent less than it had declared").into())
            }
            _ => Ok(()),
        }
    }

    /// What the source has at once goes to the readers together: to wake them costs more than to copy what they
    /// are woken for. Before there is anything to wait for they are told.
    async fn frame<SB>(
        &mut self,
        mut body: Pin<&mut SB>,
    ) -> Result<Option<Result<Frame<Bytes>, BoxError>>, Stop>
    where
        SB: Body<Data = Bytes, Error = BoxError>,
    {
        consume_budget().await;
        // A source that always has something is never waited for.
        if self.stops_unwanted() && self.writer.unwanted().now_or_never().is_some() {
            return Err(Stop::Unwanted);
        }
        let mut next = body.frame();
        if let Some(frame) = (&mut next).now_or_never() {
            return Ok(frame);
        }
        self.writer.tell();
        self.in_time(next).await
    }

    async fn make_room(&mut self) -> Result<(), Stop> {
        self.writer.spill().await;
        if self.writer.keeps() {
            return Ok(());
        }
        // They would wait for each other.
        self.writer.tell();
        self.while_wanted(self.writer.wait_for_readers()).await
    }

    /// Like the commit, this needs the storage: what was staged is read back.
    async fn check(&mut self) -> Result<(), Stop> {
        let content = self.writer.content().await;
        let check = check(self.target, content, self.places);
        let checked = timeout(self.config.commit_timeout, check).await;
        match checked {
            Ok(checked) => checked.map_err(|reason| bad(&reason).into()),
            Err(_) => Err(bad("the file could not be checked in time").into()),
        }
    }

    /// A source that is silent for too long has failed.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let work = timeout(self.config.source_timeout, work);
        self.while_wanted(work).await?.map_err(|_| {
            let text = "the source was silent for too long";
            Failure::new(StatusCode::GATEWAY_TIMEOUT, text).into()
        })
    }

    /// Whether the fill is of no use once the last client has left.
    fn stops_unwanted(&self) -> bool {
        self.config.on_disconnect != OnDisconnect::Finish || !self.writer.stores()
    }

    /// A fill that stores nothing, or that was told to stop when the last client has left, is
    /// given up in the middle of whatever it waits for.
    async fn while_wanted<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        if !self.stops_unwanted() {
            return Ok(work.await);
        }
        match select(pin!(work), pin!(self.writer.unwanted())).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(Stop::Unwanted),
        }
    }
}

fn bad(reason: &str) -> Failure {
    Failure::new(StatusCode::BAD_GATEWAY, reason)
}

/// The error itself may name hosts and paths that are no business of a client.
fn source_failed(what: &'static str, error: impl Into<BoxError>) -> Stop {
    observe::source_failed(what, &error.into());
    bad(what).into()
}
