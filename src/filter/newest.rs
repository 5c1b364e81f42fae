use std::future::poll_fn;

use super::list::AllowedVersions;
use crate::module::Version;

/// The version of a list that `@latest` is to mean, none if all are excluded. `incompatible`: the latest of all is.
pub(super) async fn newest(
    mut list: AllowedVersions,
    incompatible: bool,
) -> Result<Option<Version<'static>>, &'static str> {
    let mut newest: Option<Version<'static>> = None;
    while !list.is_whole {
        let read = poll_fn(|cx| {
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
        read.await?;
    }
    Ok(newest)
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
