//! The body of an upstream: counted, watched, and resumed where it breaks.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::body::Parts;
use super::clock::Deadline;
use super::error::{Kind, Limit, UpstreamError};
use super::observe;

/// The rest of a body, and the offset where that ends.
pub(super) type Resuming =
    Pin<Box<dyn Future<Output = Result<(Parts, u64), UpstreamError>> + Send>>;
/// Asks for the bytes from an offset on; the second number counts the attempts that brought little.
pub(super) type Resume = Box<dyn Fn(u64, u32) -> Resuming + Send>;

/// An attempt that brings less than this is counted, so that an upstream which always breaks is given up.
const PROGRESS: u64 = 64 * 1024;

/// What a body is of, and what it is held to.
pub(super) struct Flow {
    /// `None` behind the end.
    pub(super) parts: Option<Parts>,
    pub(super) length: Option<u64>,
    /// How many bytes there may be until the next answer of the upstream.
    pub(super) most: u64,
    pub(super) idle: Duration,
    pub(super) deadline: Deadline,
    pub(super) file: Arc<str>,
    pub(super) host: Arc<str>,
    pub(super) rescue: Option<Rescue>,
    /// Bytes taken from the upstream.
    pub(super) taken: u64,
}

/// How to get the rest.
pub(super) struct Rescue {
    resume: Resume,
    most: u32,
    /// Attempts since the last one that brought something.
    vain: u32,
    /// Where the last attempt began.
    from: u64,
}

impl Rescue {
    /// Up to `most` attempts in a row.
    pub(super) fn new(resume: Resume, most: u32) -> Self {
        Self {
            resume,
            most,
            vain: 0,
            from: 0,
        }
    }
}

impl Flow {
    /// Waits for `least` bytes, or all if there are fewer, so that a body which breaks before them can be asked for anew.
    pub(super) async fn read_ahead(&mut self, least: usize) -> Result<Bytes, UpstreamError> {
        // With room for the part that is more than enough: buffers that grow leave one of each size with an allocator.
        let mut read = Vec::with_capacity(2 * least);
        while read.len() < least
            && let Some(part) = self.next().await?
        {
            read.extend_from_slice(&part);
        }
        read.shrink_to_fit();
        Ok(read.into())
    }

    /// How many bytes are to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        match &self.parts {
            Some(_) => Some(self.length? - self.taken),
            None => Some(0),
        }
    }

    /// The next part. Behind the end and behind an error there is nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let next = self.read().await;
        // What an upstream may say after the last byte is of no interest.
        if !matches!(next, Ok(Some(_))) || self.length == Some(self.taken) {
            self.parts = None;
        }
        next.map_err(|error| error.at(&self.host))
    }

    async fn read(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        loop {
            let broken = match (self.part().await, self.length) {
                (Ok(Some(part)), _) => {
                    self.taken += part.len() as u64;
                    if self.taken > self.most {
                        let unfit =
                            Kind::Unfit("sent more than it declared, or than a file may have");
                        return Err(UpstreamError::new(unfit));
                    }
                    return Ok(Some(part));
                }
                (Ok(None), Some(declared)) if self.taken < declared && self.parts.is_some() => {
                    let got = format!("{} of {declared} bytes have come", self.taken);
                    UpstreamError::caused(Kind::Broken, got.into())
                }
                (Ok(None), _) => return Ok(None),
                (Err(error), _) => error,
            };
            self.resume(broken).await?;
        }
    }

    /// Only waiting counts: time in which nobody asks for a part is the reader's, not the upstream's.
    async fn part(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let Some(parts) = &mut self.parts else {
            return Ok(None);
        };
        let idle = self.idle;
        loop {
            let frame = async {
                let frame = timeout(idle, parts.frame()).await;
                frame.map_err(|_| UpstreamError::new(Kind::Timeout(Limit::Idle, idle)))
            };
            let Some(frame) = self.deadline.run(frame).await? else {
                return Ok(None);
            };
            // Neither trailers nor empty parts mean anything here.
            if let Ok(part) = frame?.into_data()
                && !part.is_empty()
            {
                return Ok(Some(part));
            }
        }
    }

    /// Gets the rest, or gives the error that the body ends with.
    async fn resume(&mut self, broken: UpstreamError) -> Result<(), UpstreamError> {
        let Some(rescue) = &mut self.rescue else {
            return Err(broken);
        };
        if self.taken - rescue.from >= PROGRESS {
            rescue.vain = 0;
        }
        rescue.from = self.taken;
        let is_total = |error: &UpstreamError| error.limit() == Some(Limit::Total);
        while rescue.vain < rescue.most && !is_total(&broken) {
            observe::resuming(&self.file, self.taken, &broken);
            let rest = (rescue.resume)(self.taken, rescue.vain);
            rescue.vain += 1;
            match self.deadline.run(rest).await {
                Ok((parts, end)) => {
                    (self.parts, self.most) = (Some(parts), end);
                    return Ok(());
                }
                Err(error) if is_total(&error) => return Err(error),
                Err(error) if matches!(error.kind(), Kind::Unfit(_)) => {
                    observe::not_resumed(&self.file, &error);
                    break;
                }
                Err(_) => {}
            }
        }
        Err(broken)
    }
}
