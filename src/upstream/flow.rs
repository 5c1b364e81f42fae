//! The body of an upstream: counted, watched, and resumed where it breaks.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use tower::BoxError;

use super::clock::Watch;
use super::error::{Kind, UpstreamError};
use super::observe;

pub(super) type Parts = UnsyncBoxBody<Bytes, BoxError>;
pub(super) type Resuming = Pin<Box<dyn Future<Output = Result<Parts, UpstreamError>> + Send>>;
/// Asks for the bytes from an offset on; the second number counts the attempts that brought little.
pub(super) type Resume = Box<dyn Fn(u64, u32) -> Resuming + Send>;

/// An attempt that brings less than this is counted, so that an upstream which always breaks is given up.
const PROGRESS: u64 = 64 * 1024;

/// A body whose clean end is the end of all its bytes.
pub(super) struct Flow {
    state: State,
    /// A part that was read before the head went out.
    first: Option<Bytes>,
    /// Bytes taken from the upstream.
    taken: u64,
    length: Option<u64>,
    watch: Watch,
    host: Arc<str>,
    rescue: Option<Rescue>,
}

enum State {
    Reading(Parts),
    Resuming {
        next: Resuming,
        cause: UpstreamError,
    },
    Done,
}

struct Rescue {
    resume: Resume,
    most: u32,
    /// Attempts since the last one that brought something.
    vain: u32,
    /// Where the last attempt began.
    from: u64,
}

impl Flow {
    pub(super) fn new(parts: Parts, length: Option<u64>, watch: Watch, host: Arc<str>) -> Self {
        Self {
            state: State::Reading(parts),
            first: None,
            taken: 0,
            length,
            watch,
            host,
            rescue: None,
        }
    }

    /// Waits for the first part, so that a body which breaks before it can be asked for anew.
    pub(super) async fn peek(&mut self) -> Result<(), UpstreamError> {
        self.first = poll_fn(|cx| self.poll_part(cx)).await.transpose()?;
        Ok(())
    }

    /// From now on a break is followed by up to `most` attempts in a row to get the rest.
    pub(super) fn resume_with(&mut self, resume: Resume, most: u32) {
        self.rescue = Some(Rescue {
            resume,
            most,
            vain: 0,
            from: 0,
        });
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let waiting = self.first.as_ref().map_or(0, |part| part.len() as u64);
        match (&self.state, self.length) {
            (State::Done, _) => SizeHint::with_exact(waiting),
            (_, Some(length)) => SizeHint::with_exact(length - self.taken + waiting),
            (_, None) => {
                let mut hint = SizeHint::new();
                hint.set_lower(waiting);
                hint
            }
        }
    }

    pub(super) fn is_end(&self) -> bool {
        self.first.is_none() && matches!(self.state, State::Done)
    }

    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        match self.first.take() {
            Some(part) => Poll::Ready(Some(Ok(part))),
            None => self.poll_part(cx),
        }
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            let broken = match &mut self.state {
                State::Done => return Poll::Ready(None),
                State::Reading(parts) => match Pin::new(parts).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => {
                        self.watch.rest();
                        match frame.into_data() {
                            Ok(part) if !part.is_empty() => {
                                return Poll::Ready(Some(self.take(part)));
                            }
                            // Neither trailers nor empty parts mean anything here.
                            _ => continue,
                        }
                    }
                    Poll::Ready(Some(Err(error))) => UpstreamError::caused(Kind::Broken, error),
                    Poll::Ready(None) => match self.length {
                        Some(declared) if self.taken < declared => {
                            UpstreamError::new(Kind::Short {
                                got: self.taken,
                                declared,
                            })
                        }
                        _ => {
                            self.state = State::Done;
                            continue;
                        }
                    },
                    Poll::Pending => {
                        if let Poll::Ready(error) = self.watch.poll_total(cx) {
                            return Poll::Ready(Some(Err(self.fail(error))));
                        }
                        match self.watch.poll_idle(cx) {
                            Poll::Pending => return Poll::Pending,
                            Poll::Ready(error) => error,
                        }
                    }
                },
                State::Resuming { next, cause } => match next.as_mut().poll(cx) {
                    Poll::Ready(Ok(parts)) => {
                        self.state = State::Reading(parts);
                        continue;
                    }
                    Poll::Ready(Err(error)) => {
                        let cause = cause.clone();
                        if matches!(error.kind(), Kind::Changed) {
                            observe::not_resumed(&self.host, &error);
                            return Poll::Ready(Some(Err(self.fail(cause))));
                        }
                        cause
                    }
                    Poll::Pending => match self.watch.poll_total(cx) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(error) => return Poll::Ready(Some(Err(self.fail(error)))),
                    },
                },
            };
            self.watch.rest();
            if let Some(error) = self.rescue(broken) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Counts a part. The last one ends the body: what an upstream may say after it is of no interest.
    fn take(&mut self, part: Bytes) -> Result<Bytes, UpstreamError> {
        self.taken += part.len() as u64;
        match self.length {
            Some(declared) if self.taken > declared => {
                self.taken = declared;
                Err(self.fail(UpstreamError::new(Kind::Long { declared })))
            }
            Some(declared) if self.taken == declared => {
                self.state = State::Done;
                Ok(part)
            }
            _ => Ok(part),
        }
    }

    /// Starts an attempt to get the rest, or gives the error that the body ends with.
    fn rescue(&mut self, broken: UpstreamError) -> Option<UpstreamError> {
        let Some(rescue) = &mut self.rescue else {
            return Some(self.fail(broken));
        };
        if self.taken - rescue.from >= PROGRESS {
            rescue.vain = 0;
        }
        if rescue.vain >= rescue.most {
            return Some(self.fail(broken));
        }
        let next = (rescue.resume)(self.taken, rescue.vain);
        rescue.vain += 1;
        rescue.from = self.taken;
        observe::resuming(&self.host, self.taken, &broken);
        self.state = State::Resuming {
            next,
            cause: broken,
        };
        None
    }

    fn fail(&mut self, error: UpstreamError) -> UpstreamError {
        self.state = State::Done;
        let error = error.at(&self.host);
        observe::broken(&error);
        error
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("taken", &self.taken)
            .field("length", &self.length)
            .field("resumable", &self.rescue.is_some())
            .finish_non_exhaustive()
    }
}
