//! What happens on a connection, counted where it happens and judged at each tick of its watch.
//!
//! Counting takes no clock: requests and pieces of bodies are too many for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::limits::Limits;
use super::protocol::Version;

/// Bytes on their way to the client: those of one body, or those of the socket.
#[derive(Debug, Default)]
pub(super) struct Flow {
    bytes: AtomicU64,
    moves: AtomicU64,
    /// How often something has come back, at the socket.
    heard: AtomicU64,
    /// There is something that the client has to take.
    waits: AtomicBool,
}

impl Flow {
    /// So many bytes have moved on towards the client.
    pub(super) fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.moves.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    pub(super) fn waits_for_client(&self, waits: bool) {
        self.waits.store(waits, Ordering::Relaxed);
    }
}

/// What the watch has seen of a flow.
#[derive(Debug, Default)]
struct Seen {
    moves: u64,
    /// For how many ticks the client has taken nothing.
    stopped: u32,
    /// In how many ticks it was the client that was waited for, and how many bytes there were before.
    waited: u32,
    bytes: u64,
}

impl Seen {
    fn is_stopped(&mut self, flow: &Flow, stall: u32, min_bytes: u64) -> bool {
        let waits = flow.waits.load(Ordering::Relaxed);
        let moves = flow.moves.load(Ordering::Relaxed);
        let moved = moves != self.moves;
        self.moves = moves;
        if !waits {
            self.stopped = 0;
            return false;
        }
        self.stopped = if moved { 0 } else { self.stopped + 1 };
        self.waited += 1;
        if self.stopped >= stall {
            return true;
        }
        if self.waited < stall {
            return false;
        }
        // Time in which the source was waited for does not count.
        let bytes = flow.bytes.load(Ordering::Relaxed);
        let is_slow = bytes - self.bytes < min_bytes;
        (self.waited, self.bytes) = (0, bytes);
        is_slow
    }
}

/// For how many ticks nothing has moved at the socket, in no direction, while it had room.
#[derive(Debug)]
struct Silence {
    signs: u64,
    ticks: u32,
    most: u32,
}

impl Silence {
    fn is_over(&mut self, socket: &Flow) -> bool {
        let signs = &[&socket.moves, &socket.heard];
        let signs = signs.iter().map(|sign| sign.load(Ordering::Relaxed)).sum();
        let is_silent = signs == self.signs && !socket.waits.load(Ordering::Relaxed);
        self.signs = signs;
        self.ticks = if is_silent { self.ticks + 1 } else { 0 };
        self.ticks >= self.most
    }
}

/// One connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// Requests so far.
    requests: AtomicU64,
    /// Requests whose response has not left.
    open: AtomicU64,
    pub(super) socket: Arc<Flow>,
    bodies: Mutex<Vec<(Arc<Flow>, Seen)>>,
    /// For how many ticks nothing was asked.
    idle: AtomicU64,
    /// Its place is needed by another connection.
    pub(super) evicted: Notify,
}

impl Activity {
    pub(super) fn begin(self: &Arc<Self>) -> Exchange {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Exchange(Arc::clone(self))
    }

    pub(super) fn was_asked(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    pub(super) fn is_idle(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0 && !self.socket.waits.load(Ordering::Relaxed)
    }

    /// How long it has been idle, in ticks; `None` if it is not.
    pub(super) fn idle(&self) -> Option<u64> {
        self.is_idle().then(|| self.idle.load(Ordering::Relaxed))
    }

    pub(super) fn body(self: &Arc<Self>) -> Arc<Flow> {
        let flow = Arc::new(Flow::default());
        // Under HTTP/2 nobody asks a body for anything before its stream has a window.
        flow.waits_for_client(true);
        self.bodies().push((Arc::clone(&flow), Seen::default()));
        flow
    }

    pub(super) fn body_ended(&self, flow: &Arc<Flow>) {
        self.bodies().retain(|(other, _)| !Arc::ptr_eq(other, flow));
    }

    fn bodies(&self) -> MutexGuard<'_, Vec<(Arc<Flow>, Seen)>> {
        // Nothing leaves it half changed.
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request until its response or its client has left.
#[derive(Debug)]
pub(super) struct Exchange(pub(super) Arc<Activity>);

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Stays,
    /// Nothing was asked for too long, or no request was finished.
    Idle,
    /// The client does not take what it has asked for.
    Stopped,
    /// The client does not even answer a ping.
    Silent,
}

/// Looks at a connection at each tick.
#[derive(Debug)]
pub(super) struct Watch {
    activity: Arc<Activity>,
    requests: u64,
    socket: Seen,
    /// None for HTTP/1, which has no pings.
    silence: Option<Silence>,
    idle: u64,
    stall: u32,
    min_bytes: u64,
    tick: Duration,
}

impl Watch {
    pub(super) fn new(activity: &Arc<Activity>, limits: &Limits, version: Version) -> Self {
        let tick = limits.tick();
        // A ping is a sign too, so this is never over before one.
        let silence = (version == Version::Http2).then(|| Silence {
            signs: 0,
            ticks: 0,
            most: ticks(limits.ping.saturating_mul(2), tick),
        });
        let mut this = Self {
            activity: Arc::clone(activity),
            requests: 0,
            socket: Seen::default(),
            silence,
            idle: ticks(limits.idle, tick).into(),
            stall: 0,
            min_bytes: 0,
            tick,
        };
        this.limit_stall(limits.stall, limits.min_rate);
        this
    }

    /// From here on a client that takes nothing, or less than the rate, has this long.
    pub(super) fn limit_stall(&mut self, stall: Duration, min_rate: u64) {
        self.stall = ticks(stall, self.tick);
        self.min_bytes = min_rate.saturating_mul(stall.as_secs().max(1));
    }

    pub(super) fn look(&mut self) -> Verdict {
        let (stall, min_bytes) = (self.stall, self.min_bytes);
        let socket = &self.activity.socket;
        let mut stopped = self.socket.is_stopped(socket, stall, min_bytes);
        for (flow, seen) in &mut *self.activity.bodies() {
            stopped |= seen.is_stopped(flow, stall, min_bytes);
        }
        if stopped {
            return Verdict::Stopped;
        }
        let silence = self.silence.as_mut();
        if silence.is_some_and(|silence| silence.is_over(socket)) {
            return Verdict::Silent;
        }
        let requests = self.activity.requests.load(Ordering::Relaxed);
        let was_asked = std::mem::replace(&mut self.requests, requests) != requests;
        if was_asked || !self.activity.is_idle() {
            self.activity.idle.store(0, Ordering::Relaxed);
            return Verdict::Stays;
        }
        match self.activity.idle.fetch_add(1, Ordering::Relaxed) + 1 {
            ticks if ticks >= self.idle => Verdict::Idle,
            _ => Verdict::Stays,
        }
    }
}

/// Rounded up: nobody is cut too early.
fn ticks(limit: Duration, tick: Duration) -> u32 {
    let ticks = limit.as_nanos().div_ceil(tick.as_nanos().max(1));
    u32::try_from(ticks).unwrap_or(u32::MAX).max(1)
}
