//! The other files of a version, behind one that has just been fetched.

use std::sync::Arc;

use http::Extensions;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::ask::{Inner, request};
use super::question::Question;
use super::shared::Shared;
use crate::source::Unattended;
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
    fn others(self, resource: Resource) -> &'static [Resource] {
        match (self, resource) {
            (Self::Zips | Self::All, Resource::Zip) => &[Resource::Info, Resource::Mod],
            (Self::All, Resource::Info) => &[Resource::Mod, Resource::Zip],
            (Self::All, Resource::Mod) => &[Resource::Info, Resource::Zip],
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
    let Some(version) = question.target.version() else {
        return;
    };
    for other in shared.complete.others(question.target.resource()) {
        fetch(shared, inner, question.file(&version, *other), extensions);
    }
}

/// Has the layer inside fetch and check a file, unless so many are on their way that this one can wait until somebody asks.
pub(super) fn fetch(
    shared: &Arc<Shared>,
    inner: &Inner,
    file: Option<Question>,
    extensions: &Extensions,
) {
    let slot = Arc::clone(&shared.completions).try_acquire_owned();
    let (Some(file), Ok(slot)) = (file, slot) else {
        return;
    };
    let mut request = request(&file, extensions, None);
    request.extensions_mut().insert(Unattended);
    let (inner, memory) = (inner.clone(), Arc::clone(&shared.memory));
    let path = Arc::clone(file.path());
    shared.flights.spawn(async move {
        let Ok(response) = inner.oneshot(request).await;
        if response.status().is_success() || response.status().is_redirection() {
            // Somebody may have asked for it too early.
            memory.forget(&path);
        }
        let mut body = response.into_body();
        // Whether it has come is a matter of the storage: a client would be told, and nobody is one.
        while let Some(Ok(_)) = body.frame().await {}
        drop(slot);
    });
}
