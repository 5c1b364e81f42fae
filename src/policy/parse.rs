//! From the text of a filter file to rules.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::{Fault, ParseRulesError};
use super::qualifier::Qualifier;
use super::rule::Action;
use super::table::Table;
use crate::module::error::InvalidPath;
use crate::module::escape::escape;
use crate::module::path::check_prefix;

const UNKNOWN_SIGN: &str = "unknown sign, want + - D or ignore-case, and a blank";
const TOO_MANY: &str = "unexpected text, want SIGN PATH VERSIONS with no blank in VERSIONS";
const MISSING_PATH: &str = "a version without a module path before it";
const MISSING_HOST: &str = "ignore-case needs a host, without a path";

/// A piece of a line and its place in it.
#[derive(Clone, Copy)]
struct Field<'a> {
    text: &'a str,
    /// Counted in characters, from 1.
    column: usize,
}

impl<'a> Field<'a> {
    /// What stands between these, empty or not.
    fn split(self, at: &'static [char]) -> impl Iterator<Item = Self> {
        let mut column = self.column;
        self.text.split(at).map(move |text| {
            let field = Field { text, column };
            column += text.chars().count() + 1;
            field
        })
    }

    fn at_fault(self, fault: &'static str) -> (Self, Fault) {
        (self, Fault::Text(fault))
    }
}

pub(super) fn parse(text: &str) -> Result<Table, ParseRulesError> {
    let mut table = Table::default();
    let mut seen = HashMap::new();
    for (line, number) in text.lines().zip(1..) {
        add_line(line, number, &mut table, &mut seen).map_err(|(field, fault)| {
            ParseRulesError {
                line: number,
                column: field.column,
                text: field.text.to_owned(),
                fault,
            }
        })?;
    }
    Ok(table)
}

/// The line of each path and qualifier, to find what is there twice.
type Seen<'a> = HashMap<(&'a str, Option<Qualifier>), usize>;

fn add_line<'a>(
    line: &'a str,
    number: usize,
    table: &mut Table,
    seen: &mut Seen<'a>,
) -> Result<(), (Field<'a>, Fault)> {
    let mut fields = fields(line);
    let Some(sign) = fields.next() else {
        return Ok(());
    };
    let action = match sign.text {
        "+" => Action::Include,
        "-" => Action::Exclude,
        "D" => Action::Direct,
        "ignore-case" => return add_host(sign, fields, table),
        _ => return Err(sign.at_fault(UNKNOWN_SIGN)),
    };
    let (path, versions) = (fields.next(), fields.next());
    no_more(fields)?;
    let escaped = path.map_or(Ok(Cow::default()), escaped)?;
    let path = path.map_or("", |field| field.text);
    let text = line.trim();
    let rules = match versions {
        None => vec![(Field { text, ..sign }, None)],
        Some(versions) => {
            let items = versions.split(&[',']).map(|item| {
                let qualifier = Qualifier::parse(item.text).map_err(|fault| (item, fault))?;
                Ok((item, Some(qualifier)))
            });
            items.collect::<Result<_, _>>()?
        }
    };
    for (field, qualifier) in rules {
        if let Some(first) = seen.insert((path, qualifier.clone()), number) {
            return Err((field, Fault::Repeated(first)));
        }
        table.add(&escaped, qualifier, action, number);
    }
    Ok(())
}

/// The one field behind `ignore-case`.
fn add_host<'a>(
    word: Field<'a>,
    mut fields: impl Iterator<Item = Field<'a>>,
    table: &mut Table,
) -> Result<(), (Field<'a>, Fault)> {
    let host = fields.next().ok_or(word.at_fault(MISSING_HOST))?;
    no_more(fields)?;
    escaped(host)?;
    if host.text.contains('/') {
        return Err(host.at_fault(MISSING_HOST));
    }
    table.ignore_case(host.text);
    Ok(())
}

/// It need not be a whole module path: a host alone will do.
fn escaped(path: Field<'_>) -> Result<Cow<'_, str>, (Field<'_>, Fault)> {
    if Qualifier::parse(path.text).is_ok() {
        return Err(path.at_fault(MISSING_PATH));
    }
    let escaped = escape(path.text.into());
    let checked = escaped.and_then(|escaped| check_prefix(&escaped).map(|()| escaped));
    checked.map_err(|fault| (path, Fault::Path(InvalidPath(fault))))
}

/// What stands between blanks and tabs, up to a field that begins with `#`.
fn fields(text: &str) -> impl Iterator<Item = Field<'_>> {
    let line = Field { text, column: 1 };
    line.split(&[' ', '\t'])
        .filter(|field| !field.text.is_empty())
        .take_while(|field| !field.text.starts_with('#'))
}

fn no_more<'a>(mut fields: impl Iterator<Item = Field<'a>>) -> Result<(), (Field<'a>, Fault)> {
    match fields.next() {
        Some(field) => Err(field.at_fault(TOO_MANY)),
        None => Ok(()),
    }
}
