use crate::module::{ModulePath, Version};

/// What the go command takes for `latest` among some versions: the highest release, else the highest pre-release, else the
/// newest commit. It ignores `+incompatible` versions if the highest tag of the others has a go.mod.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    of_all: Option<Version<'static>>,
    of_compatible: Option<Version<'static>>,
    highest_tag: Option<Version<'static>>,
}

impl Latest {
    pub(crate) fn add(&mut self, version: &Version<'_>) {
        raise(&mut self.of_all, version, rank);
        if !version.is_incompatible() {
            raise(&mut self.of_compatible, version, rank);
            if !version.is_pseudo() {
                raise(&mut self.highest_tag, version, |_| Rank::default());
            }
        }
    }

    /// The version whose go.mod decides, if one does.
    pub(crate) fn decided_by(&self) -> Option<&Version<'static>> {
        let is_open = self.of_all.as_ref()?.is_incompatible();
        self.highest_tag.as_ref().filter(|_| is_open)
    }

    /// `has_go_mod`: whether the version that decides has one of its own.
    pub(crate) fn version(self, has_go_mod: bool) -> Option<Version<'static>> {
        match self.decided_by() {
            Some(_) if has_go_mod => self.of_compatible,
            _ => self.of_all,
        }
    }
}

/// Whether this is not what registries and the go command make up for a version without a go.mod.
pub(crate) fn is_own_go_mod(module: &ModulePath<'_>, go_mod: &[u8]) -> bool {
    go_mod != format!("module {}\n", module.unescaped()).as_bytes()
}

impl<'a> FromIterator<Version<'a>> for Latest {
    fn from_iter<I: IntoIterator<Item = Version<'a>>>(versions: I) -> Self {
        let mut latest = Self::default();
        for version in versions {
            latest.add(&version);
        }
        latest
    }
}

/// Tags before commits, releases before pre-releases, and commits by their time.
type Rank<'a> = (bool, bool, &'a str);

fn rank<'a>(version: &'a Version<'_>) -> Rank<'a> {
    let is_pseudo = version.is_pseudo();
    let time = version.escaped().rsplit('-').nth(1);
    let time = time.and_then(|before| before.rsplit('.').next());
    let time = time.filter(|_| is_pseudo).unwrap_or_default();
    (!is_pseudo, !version.is_prerelease(), time)
}

fn raise(
    highest: &mut Option<Version<'static>>,
    version: &Version<'_>,
    rank: for<'a> fn(&'a Version<'_>) -> Rank<'a>,
) {
    let is_higher = |highest: &Version<'_>| (rank(version), version) > (rank(highest), highest);
    if highest.as_ref().is_none_or(is_higher) {
        *highest = Some(version.clone().into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::{Latest, Version};

    #[test]
    fn latest_is_the_highest_release_then_the_highest_pre_release_then_the_newest_commit() {
        let old = "v1.2.4-0.20230102030405-abcdef012345";
        let new = "v0.0.0-20240102030405-abcdef012345";
        // The latest one, the version that decides, and the latest one if that has no go.mod.
        for (versions, expected, decides, without) in [
            (
                &["v1.0.0", "v1.10.0", "v1.2.0", "v2.0.0-rc.1", new][..],
                "v1.10.0",
                None,
                "v1.10.0",
            ),
            (
                &["v1.0.0", "v2.0.0+incompatible"],
                "v1.0.0",
                Some("v1.0.0"),
                "v2.0.0+incompatible",
            ),
            (
                &["v3.0.0+incompatible", "v1.1.0-rc.1", "v1.0.0"],
                "v1.0.0",
                Some("v1.1.0-rc.1"),
                "v3.0.0+incompatible",
            ),
            (
                &["v2.0.0+incompatible", "v1.0.0-rc.1", new],
                "v1.0.0-rc.1",
                Some("v1.0.0-rc.1"),
                "v2.0.0+incompatible",
            ),
            (
                &["v2.0.0-rc.1+incompatible", "v1.0.0"],
                "v1.0.0",
                None,
                "v1.0.0",
            ),
            (
                &["v2.0.0+incompatible", new],
                "v2.0.0+incompatible",
                None,
                "v2.0.0+incompatible",
            ),
            (
                &["v1.0.0-rc.1", "v1.0.0-rc.10", new],
                "v1.0.0-rc.10",
                None,
                "v1.0.0-rc.10",
            ),
            (&[old, new], new, None, new),
        ] {
            for (has_go_mod, expected) in [(true, expected), (false, without)] {
                let all = versions
                    .iter()
                    .map(|version| Version::new(*version).unwrap());
                let latest: Latest = all.collect();
                let decides = decides.map(|version| Version::new(version).unwrap());
                assert_eq!(latest.decided_by(), decides.as_ref(), "{versions:?}");
                let found = latest.version(has_go_mod).unwrap();
                assert_eq!(found.unescaped(), expected, "{versions:?}");
            }
        }
        assert_eq!(Latest::default().version(true), None);
    }
}
