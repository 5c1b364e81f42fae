//! A request that has been understood.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::error::InvalidTarget;
use super::parse::parse;
use super::resource::Resource;
use crate::module::error::InvalidVersion;
use crate::module::escape::unescape;
use crate::module::path::ModulePath;
use crate::module::version::{Version, check};

/// What must not stand as itself in the path of a URI (RFC 3986, section 3.3), beyond what cannot
/// occur in a target.
const NOT_IN_URI_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'#')
    .add(b'%')
    .add(b'[')
    .add(b']')
    .add(b'^')
    .add(b'{')
    .add(b'}');

/// What is requested: a module, and one [`Resource`] of it.
///
/// A target is made from a request's path and from nothing else; the path is decoded and checked
/// on the way, so a target is a safe storage key and a safe path for an upstream.
///
/// ```
/// use tower_goproxy::{Resource, Target};
///
/// // The go command sends capitals as `%21` and a small letter, other clients as `!`.
/// let path = "/github.com/%21burnt%21sushi/toml/@v/v1.4.0.zip";
/// let target = Target::parse(path)?.ok_or("no module request")?;
/// assert_eq!(target.module().unescaped(), "github.com/BurntSushi/toml");
/// assert_eq!(target.resource(), Resource::Zip);
/// assert_eq!(target.as_str(), "github.com/!burnt!sushi/toml/@v/v1.4.0.zip");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target<'a> {
    /// Decoded and escaped, without the leading slash.
    text: Cow<'a, str>,
    /// Where the module path ends and `/@` begins.
    module_len: usize,
    resource: Resource,
}

impl<'a> Target<'a> {
    /// Reads the path of a request, as it came: it starts with `/`, and has neither a query nor the
    /// prefix under which the proxy is mounted.
    ///
    /// `Ok(None)` means that the path is not for a module and can be a route of the app: it
    /// has no `/@`, or what follows is neither `latest` nor begins with `v/`, or it begins with
    /// `/sumdb/`.
    ///
    /// The path is percent-decoded once; a path without `%` is borrowed, and then nothing is allocated.
    ///
    /// ```
    /// use tower_goproxy::{Resource, Target};
    ///
    /// assert_eq!(Target::parse("/healthz"), Ok(None));
    ///
    /// let branch = Target::parse("/example.com/m/@v/main.info")?;
    /// assert_eq!(branch.map(|target| target.resource()), Some(Resource::Query));
    ///
    /// let error = Target::parse("/example.com/../m/@latest").unwrap_err();
    /// assert_eq!(error.to_string(), "malformed module path: invalid path element of dots alone");
    /// # Ok::<(), tower_goproxy::InvalidTarget>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the path is for a module that cannot exist. Answer it with 404, so that the go command tries its next
    /// proxy. The text of the error is safe to send.
    pub fn parse(path: &'a str) -> Result<Option<Self>, InvalidTarget> {
        parse(path)
    }

    pub(super) fn trusted(text: Cow<'a, str>, module_len: usize, resource: Resource) -> Self {
        Self {
            text,
            module_len,
            resource,
        }
    }

    /// The module.
    #[must_use]
    pub fn module(&self) -> ModulePath<'_> {
        ModulePath::trusted(&self.text[..self.module_len])
    }

    /// Which part of the module.
    #[must_use]
    pub fn resource(&self) -> Resource {
        self.resource
    }

    /// The version, for [`Resource::Info`], [`Resource::Mod`] and [`Resource::Zip`].
    #[must_use]
    pub fn version(&self) -> Option<Version<'_>> {
        self.resource
            .is_file()
            .then(|| Version::trusted(self.asked()))
    }

    /// What a [`Resource::Query`] asks about, unescaped: a branch, a commit, a part of a version.
    #[must_use]
    pub fn query(&self) -> Option<Cow<'_, str>> {
        (self.resource == Resource::Query).then(|| unescape(self.asked()))
    }

    /// The path, decoded, in escaped form and without a leading slash. It is the storage key of a file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path for a request to another proxy: with a leading slash, percent-encoded where a URI
    /// needs it. `!`, `+`, `@` and `~` stay as they are.
    ///
    /// ```
    /// # use tower_goproxy::Target;
    /// let target = Target::parse("/example.com/%21m/@v/a%20b.info")?.ok_or("no module request")?;
    /// assert_eq!(target.to_uri_path(), "/example.com/!m/@v/a%20b.info");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_uri_path(&self) -> String {
        let mut path = String::with_capacity(self.text.len() + 1);
        path.push('/');
        path.extend(utf8_percent_encode(&self.text, NOT_IN_URI_PATH));
        path
    }

    /// The [`Resource::Info`] of `version` of the same module: what a query leads to.
    ///
    /// ```
    /// # use tower_goproxy::{Target, module::Version};
    /// let branch = Target::parse("/example.com/m/@v/main.info")?.ok_or("no module request")?;
    /// let info = branch.with_version(&Version::new("v1.2.3")?)?;
    /// assert_eq!(info.as_str(), "example.com/m/@v/v1.2.3.info");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the module cannot have this version.
    pub fn with_version(&self, version: &Version<'_>) -> Result<Target<'static>, InvalidVersion> {
        self.with_file(version, Resource::Info)
    }

    /// A file of `version` of the same module.
    pub(crate) fn with_file(
        &self,
        version: &Version<'_>,
        file: Resource,
    ) -> Result<Target<'static>, InvalidVersion> {
        check(&self.module(), version)?;
        let text = format!(
            "{}/@v/{}.{file}",
            self.module().escaped(),
            version.escaped()
        );
        Ok(Target::trusted(Cow::Owned(text), self.module_len, file))
    }

    /// The [`Resource::List`] of the same module.
    pub(crate) fn with_list(&self) -> Target<'static> {
        let text = format!("{}/@v/list", self.module().escaped());
        Target::trusted(Cow::Owned(text), self.module_len, Resource::List)
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Target<'static> {
        Target {
            text: Cow::Owned(self.text.into_owned()),
            module_len: self.module_len,
            resource: self.resource,
        }
    }

    /// What stands between `@v/` and the extension. A list and `@latest` have no extension.
    fn asked(&self) -> &str {
        let file = &self.text[self.module_len + "/@v/".len()..];
        file.rsplit_once('.').map_or("", |(asked, _)| asked)
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
