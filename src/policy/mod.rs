//! Which module goes where: include, exclude or direct.
//!
//! A [`Policy`] gives each request for a module a [`Rule`]. [`Rules`] is a policy that is read from
//! a file; [`policy_fn`] makes one from a closure.
//!
//! # The filter file
//!
//! One rule a line: a sign, the path of modules, and versions.
//!
//! ```text
//! # refuse what is not named below
//! -
//! + golang.org/x                          # and all that is below it
//! + github.com/gomods/athens v0.1,v0.2    # approved minor versions
//! - golang.org/x/crypto      <v0.31.0     # known to be vulnerable
//! D git.example.com/team                  # ours: from version control
//! ```
//!
//! | sign | rule |
//! |---|---|
//! | `+` | [`Rule::include`] |
//! | `-` | [`Rule::exclude`] |
//! | `D` | [`Rule::direct`] |
//!
//! Blanks and tabs separate, in any number. A `#` at the start of a field begins a comment. A sign
//! alone, on whichever line, is the rule for all modules; without one they are included.
//!
//! A path is written as in `go.mod`. It covers whole elements: `github.com/foo` covers `github.com/foo/bar`, but not
//! `github.com/foobar`. There are no wildcards.
//!
//! On `github.com`, `gitlab.com` and `bitbucket.org`, which serve `github.com/Foo` and `github.com/foo` alike, `-` and `D`
//! ignore case: `D github.com/foo` covers `github.com/Foo` too. `+` does not: `+ github.com/Foo` allows nothing that only
//! looks like it. The line `ignore-case git.example.com` adds a host, and [`Rules::match_case`] compares all paths exactly.
//!
//! Versions are separated by commas, without blanks:
//!
//! | written | matches |
//! |---|---|
//! | `v1`, `v1.*` | major number 1 |
//! | `v1.2`, `v1.2.*` | major number 1, minor number 2 |
//! | `v1.2.3` | that version alone, and `v1.2.3+incompatible`; pre-releases and pseudo-versions can be written too |
//! | `~v1.2.3`, `~1.2.3` | `v1.2.x` with x at least 3 |
//! | `^v1.2.3`, `^1.2.3` | `v1.x.y` from `v1.2.3` on; the same for major number 0, so `^v0.2.3` has `v0.3.0` in it |
//! | `<v1.2.3`, `<1.2.3` | every version of lower precedence, so not `v1.2.3` |
//!
//! A pre-release, and thus a pseudo-version, belongs to the numbers it is written with: `v1.2.3-rc1`
//! is in `v1`, `v1.2`, `~v1.2.3` and `^v1.2.3`. `<` follows
//! [precedence](https://semver.org/#spec-item-11), so `v1.2.3-rc1` is also in `<v1.2.3`, and so is
//! `v0.0.0-20240102030405-abcdef123456`. That way nothing slips between `<v1.2.3` and `^v1.2.3`.
//!
//! ## Which rule wins
//!
//! The deepest path that has a matching rule. There, a rule with versions comes before one without;
//! of several that match, exclude comes before direct and direct before include.
//! Where no rule of a path matches, the next shorter path decides. The order of the lines has no
//! meaning.
//!
//! So far that says which versions are excluded. All others come from one place, and so does what is requested before a
//! version is known (`@v/list`, `@latest`, the `.info` of a branch): if a rule makes any version of the module direct, the
//! module is direct as a whole, since a registry must not learn its name. Else it is included. Only if no version can be
//! allowed is the list refused.
//!
//! A rule with versions refuses the `.info` and the `.zip` of a version, never the `.mod`: the go command reads the `.mod`
//! of old versions that some dependency names, to compute a build list without them, and fails if it cannot. A rule
//! without versions covers everything.
//!
//! ## What such rules cannot do
//!
//! A pseudo-version names a commit, and the same commit can have a tag: a client that is refused `v1.2.3` can
//! request its commit as `v0.0.0-...`, which `- example.com/m v1.2.3` does not refuse. Only a list of
//! allowed versions is tight: `- example.com/m` and `+ example.com/m v1.2.4`.
//!
//! # Files made for Athens
//!
//! The grammar is that of the
//! [filter file of Athens](https://docs.gomods.io/configuration/filter/), and it means what is
//! written there. Two things to know:
//!
//! *The signs are swapped.* In Athens since the end of 2018 `+` means "get it with the go
//! command and store it", and `D` "redirect to the upstream". Here `+` leads to the service that
//! the layer is given, `D` to the one that it wraps. To use such a file as it is, give the layer the two
//! services the other way round:
//!
//! | | given to the layer (`+`) | wrapped by it (`D`) |
//! |---|---|---|
//! | this crate's own reading | a registry: `Upstream`, alone or in `Fill`, or `Redirect` | the go command |
//! | as Athens today | the go command, in `Fill` | `Redirect` to the upstream |
//!
//! What keeps the names of direct modules from a registry then works the other way round too: paths after `+`, the private
//! ones, are compared exactly, and a module with a `D` for some versions is public as a whole. If private modules have
//! capitals or rules with versions, swap the signs in the file instead of the services.
//!
//! *Reading is strict.* What Athens' own reader takes in, but not as documented, is read as documented or
//! is an error with line and column:
//!
//! | in the file | Athens | here |
//! |---|---|---|
//! | `v1.2.3` | also `v1.2.30` and `v1.2.3-rc1` | exact |
//! | `v1.2*` | `v1.2.` and what follows | error: write `v1.2` |
//! | `~1.2.3`, `^1.2.3`, `<1.2.3` | never match | as documented |
//! | `~11.2.3` | read as `1.2.3` | `v11.2.3` |
//! | `<v1.2.3` | has `v1.2.3` in it | has not |
//! | `~`, `^`, `<` and pre-releases, pseudo-versions, `+incompatible` | never match | match, see above |
//! | `=v1.2.3`, `>v1.2.3`, `~v1.2` | never match | error |
//! | `*`, `v1,` | crash at startup | error |
//! | two blanks after the sign | a rule for all modules | a separator |
//! | a tab after the sign | unknown sign | a separator |
//! | `- mod #note` | `#note` is a version | a comment |
//! | two lines for one path | the later replaces the earlier | both hold; an error if their versions are the same |
//! | a rule that excludes one version | refuses list and latest of all versions | refuses that version, but not its `.mod` |
//! | `- github.com/foo` | `github.com/Foo` passes | also refused |
//! | a line of more than 64 KiB | silently ends the file | a line like others |
//! | `D` for a path that does not decode | passes unjudged | no rule applies: 404 |
//! | a byte-order mark at the start | unknown sign | skipped |
//! | a missing file | an error (once: no rules) | an error |

pub(crate) mod decide;
mod error;
mod folded;
mod parse;
mod policy_fn;
mod qualifier;
mod reach;
pub(crate) mod rule;
mod rules;
mod table;

pub use self::decide::Policy;
pub use self::error::{ParseRulesError, ReadRulesError};
pub use self::policy_fn::{PolicyFn, policy_fn};
pub use self::rule::Rule;
pub use self::rules::Rules;
