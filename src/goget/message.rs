//! What the go command and git say, and what it means.
//!
//! The text around it says nothing: `invalid version:` comes before a version that does not exist and
//! before a network that is down. So the inner text decides, and trouble that may pass goes first: a
//! failure taken for "does not exist" sends clients to another source.
//!
//! A message also holds text of strangers: names that the client has chosen, names of files and branches, and what a host
//! says. All that is told apart before the message is classified.

use super::error::Kind;

/// Texts in the order in which they are looked for, separated by `|`.
const TEXTS: &[(Kind, &str)] = &[
    (
        Kind::Setup,
        "missing Git command|: executable file not found in |modules disabled by GO111MODULE=off|\
         errors parsing go.mod|flag provided but not defined|detected dubious ownership|Warning: Identity file |\
         private key files are NOT accessible by others",
    ),
    (
        Kind::Local,
        "could not create module cache|no space left on device|No space left on device|isk quota exceeded|\
         : file too large|File too large| died of signal |read-only file system|too many open files|\
         cannot allocate memory",
    ),
    (
        Kind::Verification,
        "checksum mismatch|SECURITY ERROR|checksum missing from sumdb response|verifying module: |\
         verifying go.mod: ",
    ),
    // Of our own clone, not of a repository: what then follows says nothing of whether a version exists.
    (
        Kind::Broken,
        "'origin' does not appear to be a git repository|not a git repository|.lock': File exists|\
         invalid object |bad object |unable to read tree|missing blob|missing tree|missing commit| is corrupt|\
         object file |.info exists with wrong content",
    ),
    (
        Kind::Slow,
        "i/o timeout|onnection timed out|peration timed out|Timeout was reached|TLS handshake timeout|\
         context deadline exceeded|Client.Timeout exceeded",
    ),
    (Kind::TooMany, "returned error: 429|: 429 Too Many Requests"),
    (Kind::HostKey, "Host key verification failed"),
    (
        Kind::Credentials,
        "Authentication failed for|Permission denied (publickey|returned error: 401|returned error: 403|\
         HTTP Basic: Access denied|: 401 Unauthorized|: 403 Forbidden",
    ),
    (
        Kind::Unreachable,
        "Could not resolve host|Could not resolve hostname|Failed to connect to|Couldn't connect to server|\
         onnection refused|onnection reset|onnection closed by|dial tcp|no such host|etwork is unreachable|\
         No route to host|x509: |tls: |TLS connect error|TLS connection was non-properly terminated|\
         SSL certificate problem|server certificate verification failed|SSL_ERROR|SSL routines:|\
         gnutls_handshake() failed|Empty reply from server|server closed idle connection|\": EOF|unexpected EOF|\
         early EOF|unexpected disconnect|the remote end hung up unexpectedly|RPC failed|stream error: |\
         returned error: 5",
    ),
    // If the host had broken off, git would have said so before.
    (Kind::Local, "fetch-pack: invalid index-pack output"),
    (Kind::NoCredentials, "could not read Username for "),
    (Kind::Forbidden, "GOVCS disallows using"),
    (Kind::OldGo, "requires go >= "),
    (
        Kind::NotFound,
        "unknown revision |no matching versions for query |\
         module contains a go.mod file, so module path must match major version|invalid version: missing |\
         invalid pseudo-version: |does not match version-control timestamp|revision is shorter than canonical|\
         revision is longer than canonical|is not a descendent of preceding tag|+incompatible suffix not allowed|\
         malformed module path |disallowed version string|invalid github.com import path |no go-import meta tags|\
         does not appear to be a git repository|malformed file path |case-insensitive file name collision|\
         module source tree too large|go.mod file too large|LICENSE file too large|go.mod has post-v|\
         go.mod has non-|go.mod has malformed module path |module lookup disabled by GOPROXY=off",
    ),
];

/// What a message of the go command means. `names` are those that the client has chosen, which mean nothing.
pub(super) fn kind(said: &str, names: &[&str]) -> Kind {
    let lines = said.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("remote:"));
    let text = &lines.collect::<Vec<_>>().join("\n");
    let foreign = foreign(text, names);
    let has = |part: &str| {
        let mut found = text.match_indices(part);
        found.any(|(at, _)| {
            let end = at + part.len();
            !foreign.iter().any(|(from, to)| *from <= at && end <= *to)
        })
    };
    let found = TEXTS.iter().find(|(_, texts)| texts.split('|').any(has));
    match (found.map(|(kind, _)| *kind), read_status(text)) {
        (None | Some(Kind::NotFound), Some(status)) => of_status(status),
        (Some(kind), _) => kind,
        (None, None) if text.lines().map(str::trim).any(is_gone) => Kind::NotFound,
        (None, None) => Kind::Unknown,
    }
}

/// Where the text is that others have chosen: what is in quotes and what has these names, wherever it is said again.
fn foreign(text: &str, names: &[&str]) -> Vec<(usize, usize)> {
    let quoted = quoted(text).into_iter().map(|(from, to)| &text[from..to]);
    let names = quoted
        .chain(names.iter().copied())
        .filter(|name| !name.is_empty());
    let places = names.flat_map(|name| text.match_indices(name));
    places.map(|(at, name)| (at, at + name.len())).collect()
}

/// `fatal: repository 'https://host/' not found`: git was answered 404.
fn is_gone(line: &str) -> bool {
    (line.starts_with("fatal: repository '") && line.ends_with("' not found"))
        || line == "ERROR: Repository not found."
}

/// The status of `reading URL: 404 Not Found`.
fn read_status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("reading http")?;
    let (_, rest) = rest.split_once(": ")?;
    rest.get(..3)?.parse().ok()
}

fn of_status(status: u16) -> Kind {
    match status {
        404 | 410 => Kind::NotFound,
        401 | 403 => Kind::Credentials,
        429 => Kind::TooMany,
        _ => Kind::Unreachable,
    }
}

/// What is between quotes. An apostrophe is none: it has a letter before it.
fn quoted(text: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, quote) in text.match_indices(['"', '\'', '`']) {
        let is_inside = found.last().is_some_and(|(_, end)| at <= *end);
        if is_inside || text[..at].ends_with(char::is_alphanumeric) {
            continue;
        }
        let from = at + quote.len();
        let line = text[from..].lines().next().unwrap_or_default();
        let mut ends = line.match_indices(quote).map(|(len, _)| from + len);
        let end = ends.find(|end| !text[end + 1..].starts_with(char::is_alphanumeric));
        found.extend(end.map(|end| (from, end)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind};

    #[test]
    fn the_inner_text_decides() {
        for (text, want) in [
            (
                "m@v1.0.0: invalid version: unknown revision v1.0.0",
                Kind::NotFound,
            ),
            (
                "m@v1.0.0: invalid version: git ls-remote -q origin: exit status 128:\n\tfatal: unable to access 'https://h/': Could not resolve host: h",
                Kind::Unreachable,
            ),
            (
                "invalid version: git ls-remote: exit status 128:\n\tfatal: unable to access 'https://h/': Failed to connect to h port 443: Connection timed out",
                Kind::Slow,
            ),
            (
                "unrecognized import path \"h/x\": reading https://h/x?go-get=1: 404 Not Found",
                Kind::NotFound,
            ),
            (
                "unrecognized import path \"h/x\": reading https://h/x?go-get=1: 503 Service Unavailable",
                Kind::Unreachable,
            ),
            (
                "unrecognized import path \"h/x\": reading https://h/x?go-get=1: 403 Forbidden",
                Kind::Credentials,
            ),
            (
                "unrecognized import path \"h/x\": https fetch: Get \"https://h/x?go-get=1\": dial tcp: lookup h: no such host",
                Kind::Unreachable,
            ),
            (
                "m@v1.0.0: verifying module: reading https://sum.golang.org/lookup/m@v1.0.0: 404 Not Found",
                Kind::Verification,
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 429",
                Kind::TooMany,
            ),
            (
                "git fetch: exit status 128:\n\tgit@h: Permission denied (publickey).\n\tfatal: Could not read from remote repository.",
                Kind::Credentials,
            ),
            (
                "exit status 128:\n\tfatal: Could not read from remote repository.",
                Kind::Unknown,
            ),
            (
                "exit status 128:\n\tfatal: repository 'https://h/x/' not found",
                Kind::NotFound,
            ),
            (
                "exit status 128:\n\tfatal: could not read Username for 'https://h': terminal prompts disabled",
                Kind::NoCredentials,
            ),
            (
                "exit status 128:\n\tfatal: 'origin' does not appear to be a git repository",
                Kind::Broken,
            ),
            (
                "exit status 128:\n\tfatal: '/srv/x' does not appear to be a git repository",
                Kind::NotFound,
            ),
            ("no secure protocol found for repository", Kind::Unknown),
            ("something new", Kind::Unknown),
            (
                "m@v1.0.0: create zip: a/b: malformed file path \"a:b\"",
                Kind::NotFound,
            ),
            (
                "m@v1.0.0 requires go >= 1.99 (running go 1.27.3)",
                Kind::OldGo,
            ),
            ("GOVCS disallows using git for public h/x", Kind::Forbidden),
            ("verifying m@v1: checksum mismatch", Kind::Verification),
        ] {
            assert_eq!(kind(text, &[]), want, "{text}");
        }
    }

    #[test]
    fn names_mean_nothing() {
        for (text, names, want) in [
            (
                "m@SSL_ERROR: invalid version: unknown revision SSL_ERROR",
                &["m", "SSL_ERROR"][..],
                Kind::NotFound,
            ),
            (
                "m@revision: invalid version: unknown revision revision",
                &["m", "revision"],
                Kind::NotFound,
            ),
            (
                "m@unknown revision : something new about unknown revision ",
                &["m", "unknown revision "],
                Kind::Unknown,
            ),
            (
                "github.com/tile/x@v1: reading https://github.com/tile/x?go-get=1: 404 Not Found",
                &["github.com/tile/x", "v1"],
                Kind::NotFound,
            ),
            (
                "m@v1: create zip: returned error: 429: malformed file path \"returned error: 429\": invalid char",
                &["m", "v1"],
                Kind::NotFound,
            ),
            (
                "m@v1: git fetch: exit status 128:\n\tremote: No space left on device\n\tremote: checksum mismatch\n\tfatal: couldn't find it",
                &["m", "v1"],
                Kind::Unknown,
            ),
            (
                "m@v1: missing `SECURITY ERROR` in 'x509: ': unknown revision v1",
                &["m", "v1"],
                Kind::NotFound,
            ),
        ] {
            assert_eq!(kind(text, names), want, "{text}");
        }
    }
}
