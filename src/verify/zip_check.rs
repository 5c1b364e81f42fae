//! The check of one zip: follows it while it arrives, off the async threads, and reads it as a whole if it must.

use std::io::{Read, Seek, SeekFrom};
use std::pin::Pin;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinHandle, spawn_blocking};

use super::bounds::Bounds;
use super::dirhash::Dirhash;
use super::failed::{Failed, verified};
use super::traits::{Verified, VerifyFuture, Verifying};
use super::whole_file::WholeFile;
use super::zip::follow::Follow;
use super::zip::whole::Opened;

/// So many bytes are given to a thread at once.
const BATCH: usize = 64 * 1024;
/// So many may wait for a thread, and so many more while there is memory for them. What comes after them is read from the
/// file at the end.
const QUEUE: usize = 2 * BATCH;
const MAX_QUEUE: usize = 4 * 1024 * 1024;

/// Bytes that wait, with their share of the memory.
type Piece = (Bytes, Option<OwnedSemaphorePermit>);

pub(super) struct ZipCheck {
    /// `{module}@{version}/`
    prefix: String,
    bounds: Bounds,
    state: State,
    queue: Vec<Piece>,
    queued: usize,
    /// Bytes came that were not queued.
    overflowed: bool,
}

enum State {
    /// `None` if it cannot be followed.
    Idle(Option<Following>),
    Running(JoinHandle<Option<Following>>),
}

/// What follows the zip, with its share of the memory.
struct Following {
    follow: Box<Follow>,
    bounds: Bounds,
    memory: Vec<OwnedSemaphorePermit>,
    counted: usize,
}

impl Following {
    /// Runs on a blocking thread.
    fn push(&mut self, pieces: Vec<Piece>) {
        for (piece, _memory) in pieces {
            self.follow.push(&piece);
        }
    }

    /// Takes memory for what it keeps. `None` if there is none, or nothing to follow.
    fn counted(mut self) -> Option<Self> {
        let grown = self.follow.memory().saturating_sub(self.counted);
        if self.follow.is_lost() {
            return None;
        }
        if grown > 0 {
            self.memory.push(self.bounds.follow(grown)?);
            self.counted += grown;
        }
        Some(self)
    }
}

impl ZipCheck {
    pub(super) fn new(prefix: String, bounds: Bounds) -> Self {
        let following = Following {
            follow: Box::new(Follow::new()),
            bounds: bounds.clone(),
            memory: Vec::new(),
            counted: 0,
        };
        Self {
            prefix,
            bounds,
            state: State::Idle(Some(following)),
            queue: Vec::new(),
            queued: 0,
            overflowed: false,
        }
    }

    /// Begins with the queue if the job before has ended.
    fn start(&mut self, thread: OwnedSemaphorePermit) {
        if let State::Running(running) = &mut self.state {
            match running.now_or_never() {
                Some(ended) => self.state = State::Idle(ended.ok().flatten()),
                None => return,
            }
        }
        let pieces = self.take_queue();
        if let Some(mut following) = self.idle() {
            self.state = State::Running(spawn_blocking(move || {
                let _thread = thread;
                following.push(pieces);
                following.counted()
            }));
        }
    }

    fn idle(&mut self) -> Option<Following> {
        match &mut self.state {
            State::Idle(following) => following.take(),
            State::Running(_) => None,
        }
    }

    fn take_queue(&mut self) -> Vec<Piece> {
        self.queued = 0;
        std::mem::take(&mut self.queue)
    }

    /// Waits for what runs.
    async fn rest(&mut self) {
        if let State::Running(running) = &mut self.state {
            let ended = running.await;
            // It may have panicked.
            self.state = State::Idle(ended.ok().flatten());
        }
    }

    /// The `h1:` of a zip that can be read.
    async fn hash(mut self, file: WholeFile) -> Result<String, Failed> {
        self.rest().await;
        if let Some(following) = self.idle() {
            let (rest, prefix) = (file.clone(), self.prefix.clone());
            let followed = move || follow_to_end(following, rest, &prefix);
            if let Some(found) = self.bounds.run(followed).await?? {
                return Ok(found);
            }
        }
        self.queue.clear();
        let opened = self.bounds.run(|| Opened::open(file)).await??;
        let memory = self.bounds.whole(opened.memory()).await;
        let prefix = self.prefix;
        let check = move || {
            let _memory = memory;
            opened.check(&prefix)
        };
        self.bounds.run(check).await?
    }

    /// The `h1:` of a zip that is not there any more. `None` if it could not be followed.
    async fn hash_of_stream(mut self) -> Result<Option<String>, Failed> {
        self.rest().await;
        let Some(mut following) = self.idle().filter(|_| !self.overflowed) else {
            return Ok(None);
        };
        let (pieces, prefix) = (self.take_queue(), self.prefix);
        let finish = move || {
            following.push(pieces);
            following.follow.finish(&prefix).transpose()
        };
        self.bounds.run(finish).await?
    }
}

impl Verifying for ZipCheck {
    fn update(&mut self, bytes: &Bytes) {
        if self.overflowed || matches!(self.state, State::Idle(None)) {
            return;
        }
        let is_long = self.queued >= QUEUE;
        let may_grow = is_long && self.queued < MAX_QUEUE;
        let memory = may_grow.then(|| self.bounds.follow(bytes.len())).flatten();
        if is_long && memory.is_none() {
            self.overflowed = true;
            return;
        }
        self.queue.push((bytes.clone(), memory));
        self.queued += bytes.len();
        if self.queued >= BATCH
            && !matches!(&self.state, State::Running(running) if !running.is_finished())
            && let Some(thread) = self.bounds.thread()
        {
            self.start(thread);
        }
    }

    /// Waits until the queue is short. Nothing overflows for one who waits after each update.
    fn ready(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            if self.queued < BATCH {
                return;
            }
            self.rest().await;
            let pieces = self.take_queue();
            if let Some(mut following) = self.idle() {
                let push = move || {
                    following.push(pieces);
                    following.counted()
                };
                self.state = State::Idle(self.bounds.run(push).await.ok().flatten());
            }
        })
    }

    fn finish(self: Box<Self>, file: WholeFile) -> VerifyFuture {
        let dirhash = file.dirhash().clone();
        Box::pin(async move { verified(self.hash(file).await.map(|hash| dirhash.set(hash))) })
    }

    fn finish_stream(self: Box<Self>, dirhash: Dirhash) -> VerifyFuture {
        Box::pin(async move {
            match self.hash_of_stream().await {
                Ok(None) => Verified::Unknown(".zip can only be checked as a whole".to_owned()),
                found => verified(found.map(|hash| dirhash.set(hash.unwrap_or_default()))),
            }
        })
    }
}

/// Follows the rest of a file, which has more than what came in pieces.
fn follow_to_end(
    mut following: Following,
    mut file: WholeFile,
    prefix: &str,
) -> Result<Option<String>, Failed> {
    file.seek(SeekFrom::Start(following.follow.position()))?;
    let mut buffer = vec![0; BATCH];
    loop {
        match file.read(&mut buffer)? {
            0 => return following.follow.finish(prefix).transpose(),
            read => following.follow.push(&buffer[..read]),
        }
        following = match following.counted() {
            Some(following) => following,
            None => return Ok(None),
        };
    }
}
