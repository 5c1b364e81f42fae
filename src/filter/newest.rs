use std::future::poll_fn;

use bytes::Bytes;
use http_body::Body;
use tower::BoxError;

use super::judge::Judge;
use super::list::{AllowedVersions, ListError};
use crate::module::Version;

/// The version of a list that `@latest` is to mean if `excluded` must not be, none if all are excluded.
pub(super) async fn newest<B>(
    list: B,
    judge: Judge,
    excluded: &Version<'_>,
) -> Result<Option<Version<'static>>, ListError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut list = AllowedVersions::new(list, judge);
    let incompatible = excluded.is_incompatible();
    let mut newest: Option<Version<'static>> = None;
    loop {
        let more = poll_fn(|cx| {
            list.poll_lines(cx, |_, version| {
                let rank = |version: &Version<'_>| rank(version, incompatible);
                let is_newer = newest
                    .as_ref()
                    .is_none_or(|newest| (rank(&version), &version) > (rank(newest), newest));
                if is_newer {
                    newest = Some(version.into_owned());
                }
            })
        });
        match more.await {
            Ok(true) => {}
            Ok(false) => return Ok(newest),
            Err(error) => return Err(error),
        }
    }
}

/// As the go command chooses: a release before a pre-release, and that before a commit. An `+incompatible` version only
/// where the module has nothing else, or had one as its latest.
fn rank(version: &Version<'_>, incompatible: bool) -> [bool; 3] {
    [
        !version.is_pseudo(),
        incompatible || !version.is_incompatible(),
        !version.is_prerelease(),
    ]
}
