//! What a source has said, and how that is written down.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::source::Validators;

/// The first line of a record: the status, whether it is private, and the origin, tag and date of its validators.
type Head = (u16, bool, Option<String>, Option<String>, Option<String>);

/// An answer of a source that is kept: content, or that there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    /// Of a list the versions, in order; else what the source has sent. Of an absence its text.
    pub(super) content: Bytes,
    /// It is for no cache that several users share.
    pub(super) private: bool,
    pub(super) validators: Option<Validators>,
}

impl Said {
    pub(super) fn is_found(&self) -> bool {
        self.status == StatusCode::OK
    }

    /// Whether a record of one is a record of the other. Validators that alone are new are not worth a write.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.status, self.private, &self.content) == (other.status, other.private, &other.content)
    }

    /// A line of JSON, then the content.
    pub(super) fn to_record(&self) -> Bytes {
        let text = |value: &Option<HeaderValue>| -> Option<String> {
            value.as_ref()?.to_str().ok().map(str::to_owned)
        };
        let validators = self.validators.as_ref();
        let head: Head = (
            self.status.as_u16(),
            self.private,
            validators.map(|validators| validators.origin.clone()),
            validators.and_then(|validators| text(&validators.etag)),
            validators.and_then(|validators| text(&validators.last_modified)),
        );
        // Numbers and texts always have a form in JSON.
        let head = serde_json::to_vec(&head).unwrap_or_default();
        [&head[..], b"\n", &self.content].concat().into()
    }

    /// `None` for what is no record of this form: it counts as not there.
    pub(super) fn from_record(record: &Bytes) -> Option<Self> {
        let end = record.iter().position(|byte| *byte == b'\n')?;
        let (status, private, origin, etag, last_modified): Head =
            serde_json::from_slice(&record[..end]).ok()?;
        let header = |value: Option<String>| HeaderValue::try_from(value?).ok();
        Some(Self {
            status: StatusCode::from_u16(status).ok()?,
            content: record.slice(end + 1..),
            private,
            validators: origin.map(|origin| Validators {
                origin,
                etag: header(etag),
                last_modified: header(last_modified),
            }),
        })
    }
}

/// How many bytes validators take.
pub(super) fn len(validators: &Validators) -> usize {
    let tags = [&validators.etag, &validators.last_modified];
    let tags = tags.into_iter().flatten().map(HeaderValue::len);
    tags.sum::<usize>() + validators.origin.len()
}

/// "I do not have it", or "you do not get it": a truth about a module, and no failure.
pub(super) fn is_absence(status: StatusCode) -> bool {
    [
        StatusCode::NOT_FOUND,
        StatusCode::GONE,
        StatusCode::FORBIDDEN,
    ]
    .contains(&status)
}

/// A failure says nothing about a module.
pub(super) fn is_failure(status: StatusCode) -> bool {
    status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
}

#[cfg(test)]
mod tests {
    use super::{Bytes, HeaderValue, Said, StatusCode, Validators};

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for content in ["v1.0.0\nv1.1.0\n", ""] {
            let said = Said {
                status: StatusCode::OK,
                content: Bytes::from(content),
                private: true,
                validators: Some(Validators {
                    origin: "https://registry.example".to_owned(),
                    etag: Some(HeaderValue::from_static("\"1-2\"")),
                    last_modified: None,
                }),
            };
            assert_eq!(Said::from_record(&said.to_record()), Some(said));
        }
    }

    #[test]
    fn what_is_no_record_is_none() {
        for record in [
            "",
            "v1.0.0\n",
            "{}\n",
            "[1,true,null,null,null]\n",
            "[200,true,null,null,null]",
        ] {
            assert_eq!(Said::from_record(&Bytes::from(record)), None, "{record}");
        }
    }
}
