//! What the storage has to say of a file.

use std::sync::Arc;

use http::{Method, Response, StatusCode};
use http_body_util::Full;
use object_store::GetRange;

use super::body::ResponseBody;
use super::conditional::{Plan, plan, wanted_range};
use super::request::Asked;
use super::respond::{self, HIT, add_status, text};
use crate::observe::{self, Answer};
use crate::source::Area;
use crate::storage::{Content, Found, Key, LookUp, StorageError, in_time};

impl Asked {
    /// The response out of the memory of the storage. Waits for nobody.
    pub(super) fn in_memory(&self) -> Option<Response<ResponseBody>> {
        let key = self.key()?;
        let found = self.shared.storage.in_memory(&key)?;
        self.of_found(&key, found).ok()
    }

    /// The response out of the storage, if it has something to say of the file.
    pub(super) async fn look_up(
        &self,
        key: &Key,
    ) -> Result<Option<Response<ResponseBody>>, StorageError> {
        let is_head = self.parts.method == Method::HEAD;
        let (limit, storage) = (self.shared.storage_timeout, &self.shared.storage);
        let mut range = wanted_range(&self.parts).filter(|_| !is_head);
        for _ in 0..2 {
            let look_up = storage.look_up(key, is_head, range);
            match in_time(limit, "look up in time", key, look_up).await? {
                LookUp::Found(found) => match self.of_found(key, found) {
                    Ok(response) => return Ok(Some(response)),
                    Err(instead) => range = instead,
                },
                LookUp::Removed(reason) => {
                    let reason = format!("{} has been removed: {reason}", self.target);
                    return Ok(Some(text(StatusCode::FORBIDDEN, &reason)));
                }
                LookUp::Absent => {
                    if self.area == Area::Direct && self.access.is_none() {
                        self.shared.look_for_plain_twin(key).await;
                    }
                    return Ok(None);
                }
            }
        }
        let error = "it gave another range than the one asked for";
        Err(StorageError::new("read", key, error))
    }

    /// The response with a file that was found. An error says what has to be read instead: the client's copy is of other
    /// bytes, so it gets all of these, or it wrote its range in an unusual way.
    fn of_found(
        &self,
        key: &Key,
        found: Found,
    ) -> Result<Response<ResponseBody>, Option<GetRange>> {
        let plan = plan(&self.parts, &found.tag, Some(found.size));
        let wanted = match &plan {
            _ if self.parts.method == Method::HEAD => 0..0,
            Plan::Whole => 0..found.size,
            Plan::Part(range) => range.clone(),
            _ => 0..0,
        };
        let body = match found.content {
            _ if wanted.is_empty() => ResponseBody::default(),
            Content::Whole(bytes) => {
                // A plan's range lies inside the file, whose length is one of memory.
                let part = bytes.slice(wanted.start as usize..wanted.end as usize);
                ResponseBody::whole(Full::new(part))
            }
            Content::Part(range, frames) if range == wanted => {
                let limit = self.shared.storage_timeout;
                let frames = respond::within(limit, Arc::clone(key.path()), frames);
                ResponseBody::frames(frames, Some(wanted.end - wanted.start))
            }
            Content::Part(..) => {
                let is_part = matches!(plan, Plan::Part(_));
                return Err(is_part.then_some(GetRange::Bounded(wanted)));
            }
        };
        observe::answered(Answer::Hit);
        let resource = self.target.resource();
        let head = respond::head(resource, Some(found.size), Some(&found.tag), &plan);
        let mut response = self.private_if(found.private || self.is_own_area(), head);
        add_status(response.headers_mut(), HIT);
        Ok(response.map(|()| body))
    }
}
