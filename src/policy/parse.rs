//! From the text of a filter file to rules.

use std::collections::HashMap;

use super::error::{Fault, ParseRulesError};
use super::qualifier::Qualifier;
use super::rule::Action;
use super::table::Table;
use crate::module::error::InvalidPath;
use crate::module::escape::{Form, escape};
use crate::module::path::{check_lengths, check_prefix};

/// Before a host that does not tell capitals from small letters in a path.
const ANY_CASE: &str = "ignore-case";

/// A piece of a line and its place in it.
#[derive(Clone, Copy)]
struct Field<'a> {
    text: &'a str,
    /// Counted in characters, from 1.
    column: usize,
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
        ANY_CASE => return add_host(sign, fields, table),
        _ => return Err((sign, Fault::UnknownSign)),
    };
    let path = fields.next();
    let versions = fields.next();
    if let Some(field) = fields.next() {
        return Err((field, Fault::TooManyFields));
    }
    let escaped = match path {
        None => None,
        Some(field) => Some(check_path(field.text).map_err(|fault| (field, fault))?),
    };
    let path = path.map_or("", |field| field.text);
    let mut set = |field, qualifier: Option<Qualifier>| match seen
        .insert((path, qualifier.clone()), number)
    {
        Some(first) => Err((field, Fault::Repeated(first))),
        None => {
            table.add(escaped.as_deref(), qualifier, action);
            Ok(())
        }
    };
    let Some(versions) = versions else {
        return set(
            Field {
                text: line.trim(),
                ..sign
            },
            None,
        );
    };
    for item in items(versions) {
        let qualifier = Qualifier::parse(item.text).map_err(|fault| (item, fault))?;
        set(item, Some(qualifier))?;
    }
    Ok(())
}

/// The one field behind `ignore-case`.
fn add_host<'a>(
    word: Field<'a>,
    mut fields: impl Iterator<Item = Field<'a>>,
    table: &mut Table,
) -> Result<(), (Field<'a>, Fault)> {
    let host = fields.next().ok_or((word, Fault::MissingHost))?;
    if let Some(field) = fields.next() {
        return Err((field, Fault::TooManyFields));
    }
    check_path(host.text).map_err(|fault| (host, fault))?;
    if host.text.contains('/') {
        return Err((host, Fault::MissingHost));
    }
    table.any_case.add(host.text);
    Ok(())
}

/// Returns the escaped path. It need not be a whole module path: a host alone will do.
fn check_path(path: &str) -> Result<std::borrow::Cow<'_, str>, Fault> {
    let check = |path| -> Result<_, InvalidPath> {
        check_prefix(path, Form::Plain)?;
        let escaped = escape(path.into());
        check_lengths(&escaped)?;
        Ok(escaped)
    };
    if Qualifier::parse(path).is_ok() {
        return Err(Fault::MissingPath);
    }
    check(path).map_err(Fault::Path)
}

/// What stands between blanks and tabs, up to a field that begins with `#`.
fn fields(line: &str) -> impl Iterator<Item = Field<'_>> {
    let mut column = 1;
    line.split([' ', '\t'])
        .map(move |text| {
            let field = Field { text, column };
            column += text.chars().count() + 1;
            field
        })
        .filter(|field| !field.text.is_empty())
        .take_while(|field| !field.text.starts_with('#'))
}

/// What stands between commas, empty or not.
fn items(list: Field<'_>) -> impl Iterator<Item = Field<'_>> {
    let mut column = list.column;
    list.text.split(',').map(move |text| {
        let item = Field { text, column };
        column += text.chars().count() + 1;
        item
    })
}
