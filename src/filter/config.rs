use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    RANGE,
};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Response, StatusCode, Uri, request};
use http_body_util::Full;

use super::screen::Screen;
use super::verdict::Verdict;
use crate::policy::{Policy, Rule};
use crate::reply;
use crate::target::{Resource, Target};

/// What all services of one layer have in common.
#[derive(Debug)]
pub(super) struct Config<P> {
    pub(super) policy: Arc<P>,
    pub(super) exclude_status: StatusCode,
    /// Without a slash at its end; empty where there is none.
    pub(super) prefix: Arc<str>,
    /// Whether requests and responses carry a [`Verdict`].
    pub(super) verdicts: bool,
}

/// Where a request goes.
pub(super) enum Way<P> {
    /// It is none for a module proxy.
    Untouched,
    Include(Option<Verdict>, Option<Box<Screen<P>>>),
    Direct(Option<Verdict>, Option<Box<Screen<P>>>),
    Reply(Option<Verdict>, Response<Full<Bytes>>),
}

impl<P> Clone for Config<P> {
    fn clone(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
            exclude_status: self.exclude_status,
            prefix: Arc::clone(&self.prefix),
            verdicts: self.verdicts,
        }
    }
}

impl<P: Policy> Config<P> {
    /// Decides, and makes the request ready for whoever gets it.
    pub(super) fn way(&self, parts: &mut request::Parts) -> Way<P> {
        let Some(path) = self.below_prefix(parts.uri.path()) else {
            return Way::Untouched;
        };
        let target = match Target::parse(path) {
            Ok(Some(target)) => target,
            Ok(None) => return Way::Untouched,
            Err(invalid) => {
                let text = format!("not found: {invalid}");
                return Way::Reply(None, reply::text(StatusCode::NOT_FOUND, &text));
            }
        };
        if parts.method != Method::GET && parts.method != Method::HEAD {
            return Way::Reply(None, reply::method_not_allowed());
        }
        let rule = self.policy.classify(&target, parts);
        let excluded = (rule == Rule::Exclude).then(|| self.excluded(&target));
        let screen = match &excluded {
            None => self.screen(&target, parts),
            Some(_) => None,
        };
        // An extension costs allocations, which a request that is only passed on need not have.
        let verdict = self
            .verdicts
            .then(|| Verdict::new(rule, target.into_owned()));
        if let Some(reply) = excluded {
            return Way::Reply(verdict, reply);
        }
        if let Some(verdict) = &verdict {
            parts.extensions.insert(verdict.clone());
        }
        if screen.is_some() {
            // What is encoded, or a part, or only said to be unchanged, cannot be looked through.
            for name in [
                RANGE,
                IF_RANGE,
                IF_MATCH,
                IF_NONE_MATCH,
                IF_MODIFIED_SINCE,
                IF_UNMODIFIED_SINCE,
            ] {
                parts.headers.remove(name);
            }
            let identity = const { HeaderValue::from_static("identity") };
            parts.headers.insert(ACCEPT_ENCODING, identity);
        }
        if rule == Rule::Direct {
            return Way::Direct(verdict, screen);
        }
        if let Some(uri) = self.without_prefix(&parts.uri) {
            parts.uri = uri;
        }
        Way::Include(verdict, screen)
    }

    fn below_prefix<'a>(&self, path: &'a str) -> Option<&'a str> {
        let below = path.strip_prefix(&*self.prefix)?;
        below.starts_with('/').then_some(below)
    }

    fn without_prefix(&self, uri: &Uri) -> Option<Uri> {
        if self.prefix.is_empty() {
            return None;
        }
        let path = uri.path_and_query()?.as_str().strip_prefix(&*self.prefix)?;
        let path = PathAndQuery::try_from(path).ok()?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).ok()
    }

    fn excluded(&self, target: &Target<'_>) -> Response<Full<Bytes>> {
        let module = target.module();
        let text = match target.version() {
            Some(version) => format!("{module}@{version} is excluded by the rules of this proxy"),
            None => format!("{module} is excluded by the rules of this proxy"),
        };
        reply::text(self.exclude_status, &text)
    }

    fn screen(&self, target: &Target<'_>, parts: &request::Parts) -> Option<Box<Screen<P>>> {
        let changes = matches!(
            target.resource(),
            Resource::List | Resource::Latest | Resource::Query
        );
        (changes && self.policy.depends_on_version(target)).then(|| {
            Box::new(Screen {
                policy: Arc::clone(&self.policy),
                exclude_status: self.exclude_status,
                target: target.clone().into_owned(),
                parts: parts.clone(),
            })
        })
    }
}
