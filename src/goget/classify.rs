//! What the go command and git say, and what it means.
//!
//! The text around it says nothing: `invalid version:` comes before a version that does not exist and
//! before a network that is down. So the inner text decides, and trouble that may pass goes first: a
//! failure taken for "does not exist" sends clients to another source.

use super::error::Kind;

/// Texts in the order in which they are looked for.
const TEXTS: &[(Kind, &[&str])] = &[
    (
        Kind::Setup,
        &[
            "missing Git command",
            ": executable file not found in ",
            "modules disabled by GO111MODULE=off",
            "errors parsing go.mod",
            "flag provided but not defined",
            "detected dubious ownership",
            "Warning: Identity file ",
            "private key files are NOT accessible by others",
        ],
    ),
    (
        Kind::Full,
        &[
            "no space left on device",
            "No space left on device",
            "isk quota exceeded",
        ],
    ),
    (
        Kind::Local,
        &[
            "could not create module cache",
            ": file too large",
            "File too large",
            // Of git's own processes: by a limit, or for want of memory.
            " died of signal ",
            "read-only file system",
            "too many open files",
            "cannot allocate memory",
        ],
    ),
    (
        Kind::Verification,
        &[
            "checksum mismatch",
            "SECURITY ERROR",
            "checksum missing from sumdb response",
            "verifying module: ",
            "verifying go.mod: ",
        ],
    ),
    (
        // All of these are said of our own clone, where a killed command has left it half made.
        Kind::Broken,
        &[
            "'origin' does not appear to be a git repository",
            "not a git repository",
            ".lock': File exists",
            "invalid object ",
            "bad object ",
            "unable to read tree",
            "missing blob",
            "missing tree",
            "missing commit",
            " is corrupt",
            "object file ",
            ".info exists with wrong content",
        ],
    ),
    (
        Kind::Slow,
        &[
            "i/o timeout",
            "onnection timed out",
            "peration timed out",
            "Timeout was reached",
            "TLS handshake timeout",
            "context deadline exceeded",
            "Client.Timeout exceeded",
        ],
    ),
    (
        Kind::TooMany,
        &["returned error: 429", ": 429 Too Many Requests"],
    ),
    (Kind::HostKey, &["Host key verification failed"]),
    (
        Kind::Credentials,
        &[
            "Authentication failed for",
            "Permission denied (publickey",
            "returned error: 401",
            "returned error: 403",
            "HTTP Basic: Access denied",
            ": 401 Unauthorized",
            ": 403 Forbidden",
        ],
    ),
    (
        Kind::Unreachable,
        &[
            "Could not resolve host",
            "Could not resolve hostname",
            "Failed to connect to",
            "Couldn't connect to server",
            "onnection refused",
            "onnection reset",
            "onnection closed by",
            "dial tcp",
            "no such host",
            "etwork is unreachable",
            "No route to host",
            "x509: ",
            "tls: ",
            "TLS connect error",
            "TLS connection was non-properly terminated",
            "SSL certificate problem",
            "server certificate verification failed",
            "SSL_ERROR",
            "SSL routines:",
            "gnutls_handshake() failed",
            "Empty reply from server",
            "server closed idle connection",
            "\": EOF",
            "unexpected EOF",
            "early EOF",
            "unexpected disconnect",
            "the remote end hung up unexpectedly",
            "RPC failed",
            "stream error: ",
            "returned error: 5",
        ],
    ),
    // If the host had broken off, git would have said so before.
    (Kind::Local, &["fetch-pack: invalid index-pack output"]),
    (Kind::NoCredentials, &["could not read Username for "]),
    (Kind::Forbidden, &["GOVCS disallows using"]),
    (Kind::OldGo, &["requires go >= "]),
    (
        Kind::NotFound,
        &[
            "unknown revision ",
            "no matching versions for query ",
            "module contains a go.mod file, so module path must match major version",
            "invalid version: missing ",
            "invalid pseudo-version: ",
            "does not match version-control timestamp",
            "revision is shorter than canonical",
            "revision is longer than canonical",
            "is not a descendent of preceding tag",
            "+incompatible suffix not allowed",
            "malformed module path ",
            "disallowed version string",
            "invalid github.com import path ",
            "no go-import meta tags",
            "does not appear to be a git repository",
            "malformed file path ",
            "case-insensitive file name collision",
            "module source tree too large",
            "go.mod file too large",
            "LICENSE file too large",
            "go.mod has post-v",
            "go.mod has non-",
            "go.mod has malformed module path ",
            "module lookup disabled by GOPROXY=off",
        ],
    ),
];

/// What a message means. `names` are texts that the client has chosen: they mean nothing.
///
/// One that is a single word stays: no text here is one, and it may be a part of what the go command says by itself.
pub(super) fn classify(message: &str, names: &[&str]) -> Kind {
    let mut text = message.to_owned();
    for name in names
        .iter()
        .filter(|name| name.contains(char::is_whitespace))
    {
        text = text.replace(name, "\u{fffd}");
    }
    let found = TEXTS
        .iter()
        .find(|(_, texts)| texts.iter().any(|one| text.contains(one)))
        .map(|(kind, _)| *kind);
    match (found, read_status(&text)) {
        // Whether the database has it says nothing of whether the module exists.
        (_, Some((url, _))) if url.contains("/lookup/") || url.contains("/tile/") => {
            Kind::Verification
        }
        (None | Some(Kind::NotFound), Some((_, status))) => of_status(status),
        (Some(kind), _) => kind,
        (None, None) if is_gone(&text) => Kind::NotFound,
        (None, None) => Kind::Unknown,
    }
}

/// `fatal: repository 'https://host/' not found`: git was answered 404.
fn is_gone(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        (line.starts_with("fatal: repository '") && line.ends_with("' not found"))
            || line == "remote: Repository not found."
            || line == "ERROR: Repository not found."
    })
}

/// The URL and the status of `reading URL: 404 Not Found`.
fn read_status(text: &str) -> Option<(&str, u16)> {
    let (_, rest) = text.split_once("reading http")?;
    let (url, rest) = rest.split_once(": ")?;
    let status = rest.get(..3)?.parse().ok()?;
    Some((url, status))
}

fn of_status(status: u16) -> Kind {
    match status {
        404 | 410 => Kind::NotFound,
        401 | 403 => Kind::Credentials,
        429 => Kind::TooMany,
        _ => Kind::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::classify;
    use crate::goget::error::Kind;

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
                "unrecognized import path \"h/x\": reading https://h/x?go-get=1: 410 Gone",
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
                "verifying m@v1.0.0: reading https://sum.golang.org/lookup/m@v1.0.0: 404 Not Found",
                Kind::Verification,
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 429",
                Kind::TooMany,
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 500",
                Kind::Unreachable,
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
            ("no secure protocol found for repository", Kind::Unknown),
            ("something new", Kind::Unknown),
            (
                "m@v1.0.0: create zip: a/b: malformed file path \"a:b\"",
                Kind::NotFound,
            ),
            ("write /x: no space left on device", Kind::Full),
            (
                "m@v1.0.0 requires go >= 1.99 (running go 1.27.3)",
                Kind::OldGo,
            ),
            ("GOVCS disallows using git for public h/x", Kind::Forbidden),
            ("verifying m@v1: checksum mismatch", Kind::Verification),
        ] {
            assert_eq!(classify(text, &[]), want, "{text}");
        }
    }

    #[test]
    fn what_the_client_has_chosen_means_nothing() {
        let query = "unknown revision ";
        let text = format!("m@{query}: something new about {query}");
        assert_eq!(classify(&text, &[query]), Kind::Unknown);
    }
}
