//! Finds the paths that begin with `crate` or `super` in the tokens of a file.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// Absolute paths (without `crate`) that a file of module `home` mentions.
pub(crate) fn imports(text: &str, home: &[String]) -> Result<Vec<Vec<String>>, String> {
    let tokens: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
    let mut found = Vec::new();
    scan(tokens, home, &mut found);
    Ok(found)
}

fn scan(tokens: TokenStream, home: &[String], found: &mut Vec<Vec<String>>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let Some((first, mut after)) = rest.split_first() {
        match first {
            TokenTree::Ident(word) if word == "mod" => {
                if let [TokenTree::Ident(name), TokenTree::Group(inner), tail @ ..] = after
                    && inner.delimiter() == Delimiter::Brace
                {
                    let mut home = home.to_vec();
                    home.push(name.to_string());
                    scan(inner.stream(), &home, found);
                    after = tail;
                }
            }
            TokenTree::Ident(word) if word == "crate" => {
                after = tree(after, Vec::new(), found);
            }
            TokenTree::Ident(word) if word == "super" => {
                after = tree(after, above(home), found);
            }
            TokenTree::Group(group) => scan(group.stream(), home, found),
            _ => {}
        }
        rest = after;
    }
}

fn above(home: &[String]) -> Vec<String> {
    home[..home.len().saturating_sub(1)].to_vec()
}

/// Follows `::a::b`, `::super::a`, `::{a::b, c}`, `::*` behind `path`, and gives what comes after it.
fn tree<'a>(
    tokens: &'a [TokenTree],
    path: Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> &'a [TokenTree] {
    let Some((next, after)) = behind_colons(tokens) else {
        // A lone `crate` or `super` is a visibility.
        return tokens;
    };
    match next {
        TokenTree::Ident(word) => tree_or_end(after, step(path, word), found),
        TokenTree::Group(group) => {
            let inner: Vec<_> = group.stream().into_iter().collect();
            for branch in inner.split(|token| is_punct(token, ',')) {
                if let Some((TokenTree::Ident(word), behind)) = branch.split_first() {
                    tree_or_end(behind, step(path.clone(), word), found);
                }
            }
            after
        }
        _ => {
            found.push(path);
            after
        }
    }
}

fn tree_or_end<'a>(
    tokens: &'a [TokenTree],
    path: Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> &'a [TokenTree] {
    if behind_colons(tokens).is_some() {
        return tree(tokens, path, found);
    }
    found.push(path);
    tokens
}

fn step(mut path: Vec<String>, word: &Ident) -> Vec<String> {
    match word.to_string().as_str() {
        "super" => above(&path),
        "self" => path,
        word => {
            path.push(word.to_owned());
            path
        }
    }
}

fn behind_colons(tokens: &[TokenTree]) -> Option<(&TokenTree, &[TokenTree])> {
    match tokens {
        [one, two, next, after @ ..] if is_punct(one, ':') && is_punct(two, ':') => {
            Some((next, after))
        }
        _ => None,
    }
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}
