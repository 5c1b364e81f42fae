//! The policy of a filter file.

use std::error::Error;
use std::fmt;
use std::path::Path;

use http::request::Parts;

use super::decide::Policy;
use super::error::{ParseRulesError, ReadRulesError};
use super::parse::parse;
use super::rule::{Action, Rule};
use super::table::{Decided, Table};
use crate::target::resource::Resource;
use crate::target::value::Target;

/// A policy from a text of one rule a line: the filter file of
/// [Athens](https://docs.gomods.io/configuration/filter/), read strictly.
///
/// The grammar and its meaning are described in the [module's docs](super).
///
/// ```
/// use tower_goproxy::{Target, policy::{Rule, Rules}};
///
/// let rules = Rules::parse(
///     "# all public modules, but for one range of versions of one of them
///      +
///      - github.com/gorilla/websocket  <v1.4.1
///      D git.example.com               # ours
///     ",
/// )?;
///
/// let rule = |path| Target::parse(path).map(|target| target.map(|target| rules.rule_for(&target)));
/// assert_eq!(rule("/golang.org/x/net/@latest")?, Some(Rule::include()));
/// assert_eq!(rule("/git.example.com/team/lib/@v/v1.0.0.zip")?, Some(Rule::direct()));
/// assert_eq!(rule("/github.com/gorilla/websocket/@v/v1.4.0.zip")?, Some(Rule::exclude()));
/// assert_eq!(rule("/github.com/gorilla/websocket/@v/v1.4.2.zip")?, Some(Rule::include()));
/// assert_eq!(rule("/github.com/gorilla/websocket/@v/list")?, Some(Rule::include()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Files made for Athens have the two signs swapped. They can be used as they are, with the two services swapped too; the
/// [module's docs](super) list the caveats:
///
/// ```
/// use tower::Layer;
/// use tower_goproxy::filter::FilterLayer;
/// use tower_goproxy::policy::Rules;
/// use tower_goproxy::{NotFound, Redirect};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let upstream = Redirect::to("https://proxy.golang.org")?;
/// let go_get = NotFound; // or GoGet, in a Fill
///
/// // `+` leads to the registry, `D` to version control.
/// let rules = Rules::parse("+\nD git.example.com")?;
/// let proxy = FilterLayer::new(rules, upstream.clone()).layer(go_get);
///
/// // As in Athens: `+` leads to version control, `D` to a redirect.
/// let rules = Rules::parse("D\n+ git.example.com")?;
/// let proxy = FilterLayer::new(rules, go_get).layer(upstream);
/// # Ok(())
/// # }
/// ```
///
/// A lookup allocates nothing, and its cost does not grow with the number of rules.
///
/// The default value has no rules and includes everything.
#[derive(Clone, Default)]
pub struct Rules {
    table: Table,
}

impl Rules {
    /// Reads the text of a filter file. A byte-order mark at its start is skipped.
    ///
    /// # Errors
    ///
    /// At the first line that has no meaning, or that repeats another; the error gives line, column and text.
    pub fn parse(text: &str) -> Result<Self, ParseRulesError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        parse(text).map(|table| Self { table })
    }

    /// Reads a filter file. Blocks while reading, so call it when the program starts.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not UTF-8, or [`Rules::parse`] fails; the error names the
    /// file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ReadRulesError> {
        let path = path.as_ref();
        read(path).map_err(|cause| ReadRulesError {
            path: path.to_owned(),
            cause,
        })
    }

    /// Compares every path exactly, case included, and ignores `ignore-case` lines of the file. Default: `-` and `D`
    /// ignore case on hosts that do so themselves.
    ///
    /// ```
    /// use tower_goproxy::policy::{Rule, Rules};
    /// use tower_goproxy::Target;
    ///
    /// // Only the old spelling is refused.
    /// let rules = Rules::parse("- github.com/Sirupsen/logrus")?.match_case();
    /// let new = Target::parse("/github.com/sirupsen/logrus/@v/list")?.ok_or("no module request")?;
    /// assert_eq!(rules.rule_for(&new), Rule::include());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn match_case(mut self) -> Self {
        self.table.match_case = true;
        self
    }

    /// The rule for a target, [`Rule::include`] if none matches.
    ///
    /// A version is excluded, or comes from where its module does: see the [module's docs](super).
    #[must_use]
    pub fn rule_for(&self, target: &Target<'_>) -> Rule {
        let decided = self.decide(target);
        // Not a `.mod`, which the go command needs from versions that it does not use.
        let uses_version = matches!(target.resource(), Resource::Info | Resource::Zip);
        Rule::of(match decided.version {
            Action::Exclude if uses_version => Action::Exclude,
            _ => decided.module.source(),
        })
    }

    /// The number of the line that excludes a target, for logs. `None` if it is not excluded.
    ///
    /// ```
    /// use tower_goproxy::Target;
    /// use tower_goproxy::policy::Rules;
    ///
    /// let rules = Rules::parse("+\n- example.com\n- example.com/m <v1.2.0")?;
    /// let target = Target::parse("/example.com/m/@v/v1.1.0.zip")?.ok_or("no module request")?;
    /// assert_eq!(rules.excluded_by(&target), Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn excluded_by(&self, target: &Target<'_>) -> Option<usize> {
        let is_excluded = self.rule_for(target).is_exclude();
        is_excluded.then(|| self.decide(target).line)
    }

    fn decide(&self, target: &Target<'_>) -> Decided {
        let version = target.version();
        self.table.decide(&target.module(), version.as_ref())
    }
}

fn read(path: &Path) -> Result<Rules, Box<dyn Error + Send + Sync>> {
    let bytes = std::fs::read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line}: not UTF-8")
    })?;
    Ok(Rules::parse(text)?)
}

impl Policy for Rules {
    fn rule(&self, target: &Target<'_>, _: &Parts) -> Rule {
        self.rule_for(target)
    }

    fn depends_on_version(&self, target: &Target<'_>) -> bool {
        self.table.decide(&target.module(), None).module.is_mixed()
    }

    fn depends_on_request(&self, _: &Target<'_>) -> bool {
        false
    }
}

/// Without the rules, of which there can be many.
impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("paths", &self.table.paths())
            .finish_non_exhaustive()
    }
}
