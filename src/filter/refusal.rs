use http::StatusCode;

use super::body::{Answer, boxed};
use crate::policy::Rule;
use crate::reply;

/// `what` is a module, or a version of one.
pub(super) fn excluded(status: StatusCode, what: &str, rule: &Rule) -> Answer {
    let text = match rule.reason() {
        Some(reason) => format!("{what} is excluded: {reason}"),
        None => format!("{what} is excluded by the rules of this proxy"),
    };
    boxed(reply::text(status, &text))
}
