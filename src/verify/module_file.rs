//! A `go.mod` by its syntax.
//!
//! What it requires is for clients to judge. The path that it declares may be another one than that under which it is
//! requested: a fork keeps the path of its origin and is used through `replace`. A file without a module line cannot be used
//! at all, and is what is left of a file that was cut short.
//!
//! It is read once, from front to back, and nothing of it is kept: a stranger's file may have 16 MiB.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

type Fault = &'static str;

const CUT: Fault = ".mod has a text without an end";
const COMMENT: Fault = ".mod has a comment in /* */";

/// The error is the reason.
pub(super) fn check_module_file(content: &[u8]) -> Result<(), Fault> {
    let mut lines = Lines {
        tokens: Tokens(content),
        next: Token::Newline,
        block: Block::None,
    };
    let mut modules = 0;
    while let Some(line) = lines.next()? {
        let is_path = match (lines.block, &line.words) {
            (Block::OfModule, [path, _]) if line.len == 1 => is_path(path),
            (Block::None, [b"module", path]) if line.len == 2 => is_path(path),
            (Block::OfModule, _) | (Block::None, [b"module", _]) => false,
            _ => continue,
        };
        modules += 1;
        if !is_path {
            return Err(".mod has a malformed module line");
        }
    }
    match modules {
        0 => Err(".mod has no module line"),
        1 => Ok(()),
        _ => Err(".mod has several module lines"),
    }
}

/// A text with or without double quotes. Other quotes are reserved.
fn is_path(word: &[u8]) -> bool {
    match word.strip_prefix(b"\"") {
        Some(quoted) => quoted != b"\"",
        None => !word.iter().any(|byte| b"\"'`".contains(byte)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    End,
    /// With the comment in front of it.
    Newline,
    /// A bracket counts as one.
    Word(&'a [u8]),
}

impl Token<'_> {
    fn ends_line(self) -> bool {
        matches!(self, Self::End | Self::Newline)
    }
}

/// Between brackets, after a line of one word or of others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    OfModule,
    Other,
}

/// The first two words, and how many there are.
#[derive(Default)]
struct Line<'a> {
    words: [&'a [u8]; 2],
    len: usize,
}

impl<'a> Line<'a> {
    fn push(&mut self, word: &'a [u8]) {
        if let Some(place) = self.words.get_mut(self.len) {
            *place = word;
        }
        self.len += 1;
    }
}

struct Lines<'a> {
    tokens: Tokens<'a>,
    next: Token<'a>,
    block: Block,
}

impl<'a> Lines<'a> {
    /// The next line that has words, but for those that begin or end a block.
    fn next(&mut self) -> Result<Option<Line<'a>>, Fault> {
        let mut line = Line::default();
        loop {
            let token = self.token()?;
            match token {
                Token::End if line.len == 0 && self.block == Block::None => return Ok(None),
                Token::End if line.len == 0 => return Err(".mod has a block without an end"),
                Token::Newline if line.len == 0 => {}
                Token::End | Token::Newline => return Ok(Some(line)),
                Token::Word(b")") if line.len == 0 && self.block != Block::None => {
                    if !self.next.ends_line() {
                        return Err(".mod has something after a block");
                    }
                    self.block = Block::None;
                }
                Token::Word(b"(") if line.len > 0 && self.block == Block::None => {
                    if self.next.ends_line() {
                        self.block = match (line.len, line.words[0]) {
                            (1, b"module") => Block::OfModule,
                            _ => Block::Other,
                        };
                        line = Line::default();
                        continue;
                    }
                    line.push(b"(");
                    if self.next == Token::Word(b")") {
                        self.token()?;
                        line.push(b")");
                        if self.next.ends_line() {
                            // An empty block.
                            line = Line::default();
                        }
                    }
                }
                Token::Word(word) => line.push(word),
            }
        }
    }

    fn token(&mut self) -> Result<Token<'a>, Fault> {
        let next = self.tokens.next()?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

/// The rest of a file.
struct Tokens<'a>(&'a [u8]);

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Result<Token<'a>, Fault> {
        let len = loop {
            match self.0 {
                [] => return Ok(Token::End),
                [b' ' | b'\t' | b'\r', ..] => _ = self.take(1),
                [b'/', b'/', rest @ ..] => {
                    let line = rest.iter().take_while(|byte| **byte != b'\n').count();
                    self.take(2 + line);
                }
                [b'\n', ..] => {
                    self.take(1);
                    return Ok(Token::Newline);
                }
                [b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',', ..] => break 1,
                [quote @ (b'"' | b'`'), rest @ ..] => break 1 + quoted_len(rest, *quote)?,
                rest => break word_len(rest)?,
            }
        };
        Ok(Token::Word(self.take(len)))
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }
}

fn quoted_len(rest: &[u8], quote: u8) -> Result<usize, Fault> {
    let mut bytes = rest.iter().enumerate();
    loop {
        match bytes.next().ok_or(CUT)? {
            (_, b'\n') => return Err(CUT),
            (_, b'\\') if quote == b'"' => _ = bytes.next().ok_or(CUT)?,
            (at, byte) if *byte == quote => return Ok(at + 1),
            _ => {}
        }
    }
}

fn word_len(rest: &[u8]) -> Result<usize, Fault> {
    let mut len = 0;
    loop {
        let rest = &rest[len..];
        match first_char(rest) {
            _ if rest.starts_with(b"//") => return Ok(len),
            _ if rest.starts_with(b"/*") => return Err(COMMENT),
            Some((char, char_len)) if is_of_word(char) => len += char_len,
            _ if len > 0 => return Ok(len),
            _ => return Err(".mod has an unexpected character"),
        }
    }
}

/// To Go a byte that is not UTF-8 is a replacement character.
fn first_char(bytes: &[u8]) -> Option<(char, usize)> {
    let chunk = bytes[..bytes.len().min(4)].utf8_chunks().next()?;
    let char = chunk.valid().chars().next();
    Some(char.map_or((char::REPLACEMENT_CHARACTER, 1), |char| {
        (char, char.len_utf8())
    }))
}

/// What Go calls printable, but for blanks and what stands for itself.
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
        return char.is_ascii_graphic() && !"()[]{},".contains(char);
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
            "module \"example.com\\u002fm\"",
            "module (\n\texample.com/m\n)\n",
            "module example.com/fork\nfuture (\n\tx y z // w\n)\nempty ()\nodd ( x\n",
            "require x.y/z v1.0.0\nmodule x//y",
            "module a\nmodule b (\n\tc\n)\nmodule ()\n",
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
            "module ()\n",
            "module (\n)\n",
            "module (\n\ta b\n)\n",
            "module (\n\ta\n\tb\n)\n",
            "module ( a )\n",
            "module a (b)\n",
            "module 'a'\n",
            "module `a`\n",
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
