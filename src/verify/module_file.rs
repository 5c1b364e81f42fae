//! A `go.mod` by its syntax.
//!
//! What it requires is for clients to judge. The path that it declares may be another one than that under which it is
//! requested: a fork keeps the path of its origin and is used through `replace`. A file without a module line cannot be used
//! at all, and is what is left of a file that was cut short.

use std::iter::Peekable;
use std::str::Chars;

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

/// The error is the reason.
pub(super) fn check_module_file(content: &[u8]) -> Result<(), &'static str> {
    let text = String::from_utf8_lossy(content);
    let mut modules = 0;
    for line in statements(&text)? {
        if line.first().map(String::as_str) != Some("module") {
            continue;
        }
        modules += 1;
        let [_, path] = line.as_slice() else {
            return Err(".mod has a malformed module line");
        };
        if !is_path(path) {
            return Err(".mod has a malformed module line");
        }
    }
    match modules {
        0 => Err(".mod has no module line"),
        1 => Ok(()),
        _ => Err(".mod has several module lines"),
    }
}

/// A text with or without quotes. Those within it are reserved.
fn is_path(token: &str) -> bool {
    let path = match token.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"'),
        None => Some(
            token
                .strip_prefix('`')
                .and_then(|raw| raw.strip_suffix('`'))
                .unwrap_or(token),
        ),
    };
    path.is_some_and(|path| !path.is_empty() && !path.contains(['"', '\'', '`', '\\']))
}

#[derive(Debug, PartialEq)]
enum Token {
    /// The end of a line, with the comment in front of it.
    Newline,
    Mark(char),
    Word(String),
}

/// The lines of a file as words, each line of a block with the word in front of the block.
fn statements(text: &str) -> Result<Vec<Vec<String>>, &'static str> {
    let mut tokens = tokens(text)?.into_iter().peekable();
    let mut statements = Vec::new();
    while let Some(token) = tokens.next() {
        if token == Token::Newline {
            continue;
        }
        let mut line = vec![word(token)];
        loop {
            match tokens.next() {
                None | Some(Token::Newline) => {
                    statements.push(line);
                    break;
                }
                Some(Token::Mark('(')) if ends_line(&mut tokens) => {
                    block(&line, &mut tokens, &mut statements)?;
                    break;
                }
                Some(token) => line.push(word(token)),
            }
        }
    }
    Ok(statements)
}

fn block(
    verb: &[String],
    tokens: &mut Peekable<impl Iterator<Item = Token>>,
    statements: &mut Vec<Vec<String>>,
) -> Result<(), &'static str> {
    loop {
        match tokens.next().ok_or(".mod has a block without an end")? {
            Token::Newline => {}
            Token::Mark(')') if ends_line(tokens) => return Ok(()),
            Token::Mark(')') => return Err(".mod has something after a block"),
            token => {
                let mut line = [verb, &[word(token)]].concat();
                while let Some(token) = tokens.next_if(|token| *token != Token::Newline) {
                    line.push(word(token));
                }
                statements.push(line);
            }
        }
    }
}

fn ends_line(tokens: &mut Peekable<impl Iterator<Item = Token>>) -> bool {
    matches!(tokens.peek(), None | Some(Token::Newline))
}

fn word(token: Token) -> String {
    match token {
        Token::Word(word) => word,
        Token::Mark(mark) => mark.into(),
        Token::Newline => String::new(),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, &'static str> {
    const COMMENT: &str = ".mod has a comment in /* */";

    let mut tokens = Vec::new();
    let mut chars = text.chars();
    loop {
        let rest = chars.as_str();
        if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            chars = rest[end..].chars();
            continue;
        }
        if rest.starts_with("/*") {
            return Err(COMMENT);
        }
        match chars.next() {
            None => return Ok(tokens),
            Some(' ' | '\t' | '\r') => {}
            Some('\n') => tokens.push(Token::Newline),
            Some(mark) if is_mark(mark) => tokens.push(Token::Mark(mark)),
            Some(quote @ ('"' | '`')) => {
                skip_quoted(&mut chars, quote)?;
                let len = rest.len() - chars.as_str().len();
                tokens.push(Token::Word(rest[..len].to_owned()));
            }
            Some(char) if is_of_word(char) => {
                let end = |rest: &str| {
                    let is_end = |char| is_mark(char) || !is_of_word(char);
                    let ends = [rest.find(is_end), rest.find("//"), rest.find("/*")];
                    ends.into_iter().flatten().min().unwrap_or(rest.len())
                };
                let (word, after) = rest.split_at(end(rest));
                tokens.push(Token::Word(word.to_owned()));
                chars = after.chars();
            }
            Some(_) => return Err(".mod has an unexpected character"),
        }
    }
}

fn skip_quoted(chars: &mut Chars<'_>, quote: char) -> Result<(), &'static str> {
    const CUT: &str = ".mod has a text without an end";
    loop {
        match chars.next().ok_or(CUT)? {
            '\n' => return Err(CUT),
            '\\' if quote == '"' => _ = chars.next().ok_or(CUT)?,
            char if char == quote => return Ok(()),
            _ => {}
        }
    }
}

fn is_mark(char: char) -> bool {
    matches!(char, '(' | ')' | '[' | ']' | '{' | '}' | ',')
}

/// What Go calls printable, but for blanks.
fn is_of_word(char: char) -> bool {
    use GeneralCategoryGroup as Group;
    const PRINTED: [Group; 5] = [
        Group::Letter,
        Group::Mark,
        Group::Number,
        Group::Punctuation,
        Group::Symbol,
    ];
    if char.is_ascii() {
        return char.is_ascii_graphic();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(char);
    PRINTED.iter().any(|group| group.contains(category))
}

#[cfg(test)]
mod tests {
    use super::check_module_file;

    #[test]
    fn takes_any_module_line() {
        for content in [
            "module example.com/m\n",
            "// Deprecated: use v2\nmodule example.com/m // note\n\ngo 1.21\n",
            "\tmodule \"example.com/m\"\r\n",
            "module `example.com/m`",
            "module (\n\texample.com/m\n)\n",
            "module example.com/fork\nfuture (\n\tx y z // w\n)\nempty ()\nodd ( x\n",
            "require x.y/z v1.0.0\nmodule x//y",
        ] {
            assert_eq!(check_module_file(content.as_bytes()), Ok(()), "{content}");
        }
        assert_eq!(check_module_file(b"// \xff\nmodule a.b\nx \xff\n"), Ok(()));
    }

    #[test]
    fn refuses_a_file_that_go_cannot_use() {
        for content in [
            "",
            "\n\n",
            "go 1.21\n",
            "modules x\n",
            "module \n",
            "module \"\"\n",
            "module a b\n",
            "module 'a'\n",
            "module a\nmodule a\n",
            "<html>",
            "module a\n/* x */\n",
            "module a /* x */\n",
            "module a/*x*/\n",
            "module a\nrequire (\n\tb v1.0.0\n",
            "module a\nrequire (\n\tb v1.0.0\n) x\n",
            "module a\nx \"y\n",
            "module a\nx `y\n`\n",
            "module a\nx \"y\\",
            "module a\n\u{1}\n",
            "module a\u{a0}b\n",
        ] {
            assert!(check_module_file(content.as_bytes()).is_err(), "{content}");
        }
    }
}
