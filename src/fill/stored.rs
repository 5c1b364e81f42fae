//! What the storage has to say of a file.

use futures_util::TryStreamExt;
use http::{Method, Response, StatusCode};
use object_store::GetOptions;

use super::body::ResponseBody;
use super::conditional::{wanted, wanted_range};
use super::failure::Failure;
use super::request::{Answered, Asked};
use super::respond::HIT;
use crate::observe::{self, Answer};
use crate::source::Area;
use crate::storage::{Content, Found, Key, LookUp, StorageError};

impl Asked {
    /// The response out of the storage, if it has something to say of the file.
    pub(super) async fn look_up(&self, key: &Key) -> Result<Option<Answered>, StorageError> {
        let storage = &self.shared.storage;
        // All of a small file is needed for its tag.
        let part = self.parts.method == Method::HEAD && self.is_zip();
        let range = wanted_range(&self.parts).filter(|_| self.is_zip());
        let mut options = GetOptions::new().with_head(part).with_range(range);
        for _ in 0..2 {
            let (found, private) = match storage.look_up(key, options).await? {
                LookUp::Found(found) => (found, false),
                LookUp::Private(found) => (found, true),
                LookUp::Removed(reason) => {
                    let reason = format!("{} has been removed: {reason}", self.target);
                    return Ok(Some(Err(Failure::new(StatusCode::FORBIDDEN, &reason))));
                }
                LookUp::Absent => {
                    // A direct module's file in the plain layout came from a registry, or from before areas were kept
                    // apart: it is not served, and said once.
                    if self.area == Area::Direct
                        && self.access.is_none()
                        && !self.shared.plain_twin.is_done()
                        && storage.has_in_plain_layout(key).await
                    {
                        observe::direct_file_in_plain_layout(&self.shared.plain_twin, key);
                    }
                    return Ok(None);
                }
            };
            if let Some(response) = self.of_found(found, private) {
                return Ok(Some(Ok((response, HIT))));
            }
            options = GetOptions::default();
        }
        let error = "it gave another range than the one asked for";
        Err(StorageError::new("read", key, error))
    }

    /// The response with a file that was found. None where it is a part of another file than the client's, so that it must
    /// get all of this one.
    fn of_found(&self, found: Found, private: bool) -> Option<Response<ResponseBody>> {
        let size = Some(found.size);
        let (mut head, start, end) = wanted(&self.parts, &self.target, size, &found.tag);
        let wanted = start..end.unwrap_or(found.size);
        let body = match found.content {
            _ if wanted.is_empty() => ResponseBody::default(),
            Content::Whole(bytes) => {
                // A plan's range lies inside the file, whose length is one of memory.
                let part = bytes.slice(wanted.start as usize..wanted.end as usize);
                ResponseBody::whole(part.into())
            }
            Content::Part(range, frames) if range == wanted => {
                let frames = frames.inspect_err(|error| observe::storage_failed(error));
                ResponseBody::frames(frames, Some(wanted.end - wanted.start))
            }
            Content::Part(..) => return None,
        };
        observe::answered(Answer::Hit);
        self.shared.verify.hit(&self.target);
        self.private_if(private, head.headers_mut());
        Some(head.map(|()| body))
    }
}
