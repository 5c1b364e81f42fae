use std::fmt;
use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body;
use tower::BoxError;

use super::judge::Judge;
use super::lines::{Lines, version};
use crate::module::Version;

/// The most bytes of a list that are read.
pub(super) const LONGEST_LIST: u64 = 16 * 1024 * 1024;

/// The most bytes that are judged without giving other tasks a turn: some hundred lines take a tenth of a millisecond.
const PIECE: usize = 2 * 1024;

/// So many bytes are sent at once.
const TEXT: usize = 16 * 1024;

/// The allowed versions of a list, as they arrive.
pub(super) struct AllowedVersions<B> {
    list: Pin<Box<B>>,
    judge: Judge,
    lines: Lines,
    /// Arrived and not judged yet.
    rest: Bytes,
    read: u64,
    /// Allowed and not sent yet.
    text: Vec<u8>,
    /// Bytes since other tasks had a turn.
    judged: usize,
    ended: bool,
}

/// Why no more of a list is read.
#[derive(Debug)]
pub(super) enum ListError {
    TooLong,
    BrokeOff(BoxError),
}

impl<B> AllowedVersions<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    pub(super) fn new(list: B, judge: Judge) -> Self {
        Self {
            list: Box::pin(list),
            judge,
            lines: Lines::default(),
            rest: Bytes::new(),
            read: 0,
            text: Vec::new(),
            judged: 0,
            ended: false,
        }
    }

    /// Shows allowed lines, without their ends, and their versions. `false` after the last one.
    pub(super) fn poll_lines(
        &mut self,
        cx: &mut Context<'_>,
        mut allowed: impl FnMut(&[u8], Version<'_>),
    ) -> Poll<Result<bool, ListError>> {
        if self.ended {
            return Poll::Ready(Ok(false));
        }
        if self.judged >= PIECE {
            self.judged = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let judge = &self.judge;
        let judged = |line: &[u8]| {
            if let Some(version) = version(line).filter(|version| judge.allows(version)) {
                allowed(line, version);
            }
        };
        if self.rest.is_empty() {
            match ready!(self.list.as_mut().poll_frame(cx)) {
                None => {
                    self.ended = true;
                    self.lines.end(judged);
                    return Poll::Ready(Ok(true));
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(ListError::BrokeOff(error.into())));
                }
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            }
            self.read += self.rest.len() as u64;
            if self.read > LONGEST_LIST {
                self.ended = true;
                return Poll::Ready(Err(ListError::TooLong));
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        self.judged += piece.len().max(1);
        self.lines.push(&piece, judged);
        Poll::Ready(Ok(true))
    }

    /// The next allowed lines, each with its end.
    pub(super) fn poll_text(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, ListError>>> {
        loop {
            let mut text = take(&mut self.text);
            let more = self.poll_lines(cx, |line, _| {
                text.extend_from_slice(line);
                text.push(b'\n');
            });
            match more {
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Ok(true)) | Poll::Pending if text.len() < TEXT => {}
                _ => return Poll::Ready((!text.is_empty()).then(|| Ok(text.into()))),
            }
            self.text = text;
            if more.is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Whether all has been shown.
    pub(super) fn is_end(&self) -> bool {
        self.ended && self.text.is_empty()
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "upstream response is too long",
            Self::BrokeOff(_) => "upstream response broke off",
        })
    }
}

impl std::error::Error for ListError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooLong => None,
            Self::BrokeOff(error) => Some(&**error),
        }
    }
}
