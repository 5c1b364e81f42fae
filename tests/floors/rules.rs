//! The rules, over the texts of the files.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};

use super::imports::imports;

/// File names relative to a folder (that of the crate, or `src`), with their texts.
pub(crate) type Sources = BTreeMap<String, String>;

/// The modules of the crate, lowest floor first. A file imports from its own floor and from lower ones.
pub(crate) const FLOORS: [&[&str]; 8] = [
    &[
        "access",
        "cached_only",
        "etag",
        "info",
        "layer_body",
        "lock",
        "module",
        "reply",
        "span",
    ],
    &["latest", "shared_caches", "target"],
    &["policy", "source"],
    &["observe", "verify"],
    &["files", "storage", "walk"],
    &[
        "filter",
        "fresh",
        "goget",
        "not_found",
        "redirect",
        "same_commit",
        "takedown",
        "upstream",
    ],
    &["sumdb"],
    &["check", "fill"],
];

/// Lower, and yet not for the one who is named first.
const STRANGERS: [(&str, &[&str]); 1] = [("fill", &["filter", "fresh", "goget", "upstream"])];

/// All that a module imports, beside what is in it.
const ALONE: [(&str, &[&str]); 1] = [("fill/spool", &["files"])];

const MOST_LINES: usize = 350;

/// Everything that is wrong, one line each.
pub(crate) fn violations(sources: &Sources) -> Vec<String> {
    let mut found = too_long(sources);
    let mut edges = BTreeSet::new();
    for (file, text) in sources {
        if file == "lib.rs" {
            continue;
        }
        let home = home(file);
        let Some(floor) = floor(&home[0]) else {
            found.push(format!(
                "{file} is on no floor: add {:?} to FLOORS in tests/floors/rules.rs",
                home[0]
            ));
            continue;
        };
        if file.ends_with("/mod.rs") && !is_table_of_contents(text) {
            found.push(format!("{file} holds more than docs, `mod x;` and `use`"));
        }
        let imports = imports(text, &home).unwrap_or_else(|error| {
            found.push(format!("{file} cannot be read: {error}"));
            Vec::new()
        });
        for path in imports {
            found.extend(judge(file, &home, floor, &path, sources));
            if let Some(top) = path.first()
                && *top != home[0]
            {
                edges.insert((home[0].clone(), top.clone()));
            }
        }
    }
    let circle = circle(edges);
    if !circle.is_empty() {
        let names: Vec<_> = circle.into_iter().collect();
        found.push(format!(
            "{} import each other in a circle",
            names.join(", ")
        ));
    }
    found
}

/// The files that are too long, one line each. This holds for files of every kind.
pub(crate) fn too_long(sources: &Sources) -> Vec<String> {
    let lengths = sources
        .iter()
        .map(|(file, text)| (file, text.lines().count()));
    lengths
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(file, lines)| format!("{file} has {lines} lines, more than {MOST_LINES}"))
        .collect()
}

/// `fill/body.rs` is `fill::body`; `fill/mod.rs` is `fill`.
fn home(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn judge(
    file: &str,
    home: &[String],
    floor_of_file: usize,
    path: &[String],
    sources: &Sources,
) -> Option<String> {
    let top = path.first()?;
    let Some(above) = floor(top) else {
        return Some(format!(
            "{file} imports crate::{} from lib.rs, which is above all floors",
            path.join("::")
        ));
    };
    if above > floor_of_file {
        return Some(format!(
            "{file} (floor {floor_of_file}) imports {top} (floor {above}): {}",
            path.join("::")
        ));
    }
    if STRANGERS
        .iter()
        .any(|(name, strangers)| *name == home[0] && strangers.contains(&top.as_str()))
    {
        return Some(format!(
            "{file} imports {top}, of which {} knows nothing",
            home[0]
        ));
    }
    if let Some((alone, others)) = ALONE
        .iter()
        .find(|(alone, _)| home.join("/").starts_with(alone))
        && !others.contains(&top.as_str())
        && !path.join("/").starts_with(alone)
        // `pub(in crate::fill)`
        && !home.starts_with(path)
    {
        return Some(format!(
            "{file} imports {}: {alone} knows only {}",
            path.join("::"),
            others.join(", ")
        ));
    }
    through_reexport(file, home, path, sources)
}

/// Inside a module, an import names the file that defines the thing: through `mod.rs` the direction is hidden.
fn through_reexport(
    file: &str,
    home: &[String],
    path: &[String],
    sources: &Sources,
) -> Option<String> {
    let (item, parent) = path.split_last()?;
    let contents = format!("{}/mod.rs", parent.join("/"));
    let is_module = |path: &[String]| {
        let name = path.join("/");
        sources.contains_key(&format!("{name}.rs"))
            || sources.contains_key(&format!("{name}/mod.rs"))
    };
    let inside = home.len() > parent.len() && home.starts_with(parent);
    (inside && sources.contains_key(&contents) && !is_module(path)).then(|| {
        format!("{file} imports {item} from {contents}, not from the file that defines it")
    })
}

/// Modules of one floor that import each other in a circle: what is left when all that import nothing
/// that is left are taken away.
fn circle(mut edges: BTreeSet<(String, String)>) -> BTreeSet<String> {
    loop {
        let before = edges.len();
        let (from, to): (BTreeSet<_>, BTreeSet<_>) = edges.iter().cloned().unzip();
        edges.retain(|(a, b)| to.contains(a) && from.contains(b));
        if edges.len() == before {
            return edges.into_iter().map(|(a, _)| a).collect();
        }
    }
}

fn is_table_of_contents(text: &str) -> bool {
    let Ok(tokens) = text.parse::<TokenStream>() else {
        return false;
    };
    let tokens: Vec<_> = tokens.into_iter().collect();
    tokens
        .split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ';'))
        .all(|item| {
            let words: Vec<_> = item
                .iter()
                .filter(|token| !matches!(token, TokenTree::Punct(mark) if "#!".contains(mark.as_char())))
                .skip_while(|token| matches!(token, TokenTree::Group(_)))
                .skip_while(|token| matches!(token, TokenTree::Ident(word) if word == "pub"))
                .skip_while(|token| matches!(token, TokenTree::Group(_)))
                .collect();
            match words.as_slice() {
                [] => true,
                [TokenTree::Ident(word), ..] if word == "use" => true,
                [TokenTree::Ident(word), TokenTree::Ident(_)] => word == "mod",
                _ => false,
            }
        })
}
