use std::mem::take;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use tower::BoxError;

use super::judge::Judge;
use super::lines::{Lines, version};
use crate::module::Version;

/// The most bytes that are judged without giving other tasks a turn: some hundred lines take a tenth of a millisecond.
const PIECE: usize = 2 * 1024;

/// So many bytes are sent at once.
pub(super) const TEXT: usize = 16 * 1024;

/// The allowed lines of a list, while it arrives.
pub(super) struct AllowedVersions {
    list: Readable,
    judge: Arc<Judge>,
    lines: Lines,
    /// Arrived and not judged yet.
    rest: Bytes,
    /// Bytes since other tasks had a turn.
    judged: usize,
    /// Allowed and not sent yet.
    pub(super) text: Vec<u8>,
    pub(super) has_ended: bool,
}

/// What is read of a response. An error says why that is not possible.
pub(super) type Readable = UnsyncBoxBody<Bytes, &'static str>;

type Read = Poll<Result<(), &'static str>>;

impl AllowedVersions {
    pub(super) fn new(list: Readable, judge: Arc<Judge>) -> Self {
        Self {
            list,
            judge,
            lines: Lines::default(),
            rest: Bytes::new(),
            judged: 0,
            text: Vec::new(),
            has_ended: false,
        }
    }

    /// Reads on, and shows allowed lines, without their ends, with their versions. An error says why that is not possible.
    pub(super) fn poll_lines(
        &mut self,
        cx: &mut Context<'_>,
        mut allowed: impl FnMut(&[u8], Version<'_>),
    ) -> Read {
        if self.judged >= PIECE {
            self.judged = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.list).poll_frame(cx)) {
                None => self.has_ended = true,
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(reason)) => return Poll::Ready(Err(reason)),
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        self.judged += piece.len().max(1);
        let judged = |line: &[u8]| {
            if let Some(version) = version(line).filter(|version| self.judge.allows(version)) {
                allowed(line, version);
            }
        };
        match self.has_ended {
            true => self.lines.end(judged),
            false => self.lines.push(&piece, judged),
        }
        Poll::Ready(Ok(()))
    }

    /// Reads until there is this much text, or all of it.
    pub(super) fn poll_text(&mut self, cx: &mut Context<'_>, enough: usize) -> Read {
        while !self.has_ended && self.text.len() < enough {
            let mut text = take(&mut self.text);
            let read = self.poll_lines(cx, |line, _| {
                text.extend_from_slice(line);
                text.push(b'\n');
            });
            self.text = text;
            ready!(read)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl Body for AllowedVersions {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let read = ready!(self.poll_text(cx, TEXT));
        let text = take(&mut self.text);
        if let Err(reason) = read {
            self.has_ended = true;
            return Poll::Ready(Some(Err(reason.into())));
        }
        Poll::Ready((!text.is_empty()).then(|| Ok(Frame::data(text.into()))))
    }
}
