//! The other files of a version, behind one that has just been fetched.

use std::sync::Arc;

use http::Extensions;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::ask::{Inner, request};
use super::question::Question;
use super::shared::Shared;
use crate::span::in_current_span;
use crate::target::Resource;

/// Which files of a version are fetched behind one that a client has asked for and that was not stored.
///
/// ```
/// use tower_goproxy::Storage;
/// use tower_goproxy::fresh::{Complete, FreshLayer};
///
/// let layer = FreshLayer::new(Storage::memory()).complete(Complete::All);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Complete {
    /// None.
    Nothing,
    /// Behind a `.zip` the `.info` and the `.mod`. Without them the version is in no list that is made of what is stored,
    /// and `go build` with a complete go.sum asks for no `.info`.
    #[default]
    Zips,
    /// Behind each of the three the other two, at the same time: a client that asks for one after the other finds the next
    /// one on its way.
    All,
}

impl Complete {
    fn others(self, resource: Resource) -> &'static [&'static str] {
        match (self, resource) {
            (Self::Zips | Self::All, Resource::Zip) => &["info", "mod"],
            (Self::All, Resource::Info) => &["mod", "zip"],
            (Self::All, Resource::Mod) => &["info", "zip"],
            _ => &[],
        }
    }
}

/// A file was not stored, and is being fetched.
pub(super) fn others(
    shared: &Arc<Shared>,
    inner: &Inner,
    question: &Question,
    extensions: &Extensions,
) {
    let others = shared.complete.others(question.target.resource());
    for other in others.iter().filter_map(|other| question.other_file(other)) {
        fetch(shared, inner, &other, extensions);
    }
}

/// Has the layer inside fetch and check a file, unless so many are on their way that this one can wait until somebody asks.
pub(super) fn fetch(
    shared: &Arc<Shared>,
    inner: &Inner,
    question: &Question,
    extensions: &Extensions,
) {
    let Ok(slot) = Arc::clone(&shared.completions).try_acquire_owned() else {
        return;
    };
    let request = request(question, extensions, None);
    let (inner, memory) = (inner.clone(), Arc::clone(&shared.memory));
    let path = Arc::clone(question.path());
    shared.flights.tasks.spawn(in_current_span(async move {
        let Ok(response) = inner.oneshot(request).await;
        if response.status().is_success() || response.status().is_redirection() {
            // Somebody may have asked for it too early.
            memory.forget(&path);
        }
        let mut body = response.into_body();
        // Whether it has come is a matter of the storage: a client would be told, and nobody is one.
        while let Some(Ok(_)) = body.frame().await {}
        drop(slot);
    }));
}
