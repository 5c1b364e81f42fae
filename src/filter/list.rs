use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tower::BoxError;

use super::body::Content;
use super::judge::Judge;
use super::lines::{Lines, version};
use crate::module::Version;

/// The most bytes of a list that are read.
pub(super) const LONGEST_LIST: u64 = 16 * 1024 * 1024;

pub(super) const TOO_LONG: &str = "upstream response is too long";

pub(super) const BROKE_OFF: &str = "upstream response broke off";

/// The most bytes that are judged without giving other tasks a turn: some hundred lines take a tenth of a millisecond.
const PIECE: usize = 2 * 1024;

/// So many bytes are sent at once.
const TEXT: usize = 16 * 1024;

/// The allowed lines of a list, while it arrives.
pub(super) struct AllowedVersions {
    list: Content,
    judge: Judge,
    lines: Lines,
    /// Arrived and not judged yet.
    rest: Bytes,
    read: u64,
    /// Bytes since other tasks had a turn.
    judged: usize,
    /// Allowed and not sent yet.
    pub(super) text: Vec<u8>,
    pub(super) is_whole: bool,
    failed: bool,
}

impl AllowedVersions {
    pub(super) fn new(list: Content, judge: Judge) -> Self {
        Self {
            list,
            judge,
            lines: Lines::default(),
            rest: Bytes::new(),
            read: 0,
            judged: 0,
            text: Vec::new(),
            is_whole: false,
            failed: false,
        }
    }

    /// Reads on, and shows allowed lines, without their ends, with their versions. An error says why that is not possible.
    pub(super) fn poll_lines(
        &mut self,
        cx: &mut Context<'_>,
        mut allowed: impl FnMut(&[u8], Version<'_>),
    ) -> Poll<Result<(), &'static str>> {
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
            match ready!(Pin::new(&mut self.list).poll_frame(cx)) {
                None => {
                    self.is_whole = true;
                    self.lines.end(judged);
                    return Poll::Ready(Ok(()));
                }
                Some(Err(_)) => return Poll::Ready(Err(BROKE_OFF)),
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            }
            self.read += self.rest.len() as u64;
            if self.read > LONGEST_LIST {
                return Poll::Ready(Err(TOO_LONG));
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        self.judged += piece.len().max(1);
        self.lines.push(&piece, judged);
        Poll::Ready(Ok(()))
    }

    /// Reads until there is enough text to send, or all of it.
    pub(super) fn poll_text(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        while !self.is_whole && self.text.len() < TEXT {
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
        if self.failed {
            return Poll::Ready(None);
        }
        if let Err(reason) = ready!(self.poll_text(cx)) {
            self.failed = true;
            return Poll::Ready(Some(Err(reason.into())));
        }
        let text = take(&mut self.text);
        Poll::Ready((!text.is_empty()).then(|| Ok(Frame::data(text.into()))))
    }
}
