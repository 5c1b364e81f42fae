//! The texts of git and the go command by which a message is classified.

use super::error::Kind;

/// Texts in the order in which they are looked for, separated by `|`.
pub(super) const TEXTS: &[(Kind, &str)] = &[
    (
        Kind::Setup,
        "missing Git command|: executable file not found in |\
         modules disabled by GO111MODULE=off|errors parsing go.mod|\
         flag provided but not defined|detected dubious ownership|Warning: Identity file |\
         private key files are NOT accessible by others",
    ),
    (
        Kind::Local,
        "could not create module cache|no space left on device|No space left on device|\
         isk quota exceeded|: file too large|File too large| died of signal |\
         read-only file system|too many open files|cannot allocate memory",
    ),
    (
        Kind::Verification,
        "checksum mismatch|SECURITY ERROR|checksum missing from sumdb response|\
         verifying module: |verifying go.mod: ",
    ),
    // Of our own clone, not of a repository: what then follows says nothing of whether a version exists.
    (
        Kind::Broken,
        "'origin' does not appear to be a git repository|not a git repository|\
         .lock': File exists|invalid object |bad object |unable to read tree|missing blob|\
         missing tree|missing commit| is corrupt|object file |\
         .info exists with wrong content",
    ),
    (
        Kind::Slow,
        "i/o timeout|onnection timed out|peration timed out|Timeout was reached|\
         TLS handshake timeout|context deadline exceeded|Client.Timeout exceeded",
    ),
    (Kind::TooMany, "returned error: 429|: 429 Too Many Requests"),
    (Kind::HostKey, "Host key verification failed"),
    (
        Kind::Credentials,
        "Authentication failed for|Permission denied (publickey|returned error: 401|\
         returned error: 403|HTTP Basic: Access denied|: 401 Unauthorized|: 403 Forbidden",
    ),
    (
        Kind::Unreachable,
        "Could not resolve host|Could not resolve hostname|Failed to connect to|\
         Couldn't connect to server|onnection refused|onnection reset|onnection closed by|\
         dial tcp|no such host|etwork is unreachable|No route to host|x509: |tls: |\
         TLS connect error|TLS connection was non-properly terminated|\
         SSL certificate problem|server certificate verification failed|SSL_ERROR|\
         SSL routines:|gnutls_handshake() failed|Empty reply from server|\
         server closed idle connection|\": EOF|unexpected EOF|early EOF|\
         unexpected disconnect|the remote end hung up unexpectedly|RPC failed|stream error: |\
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
         module contains a go.mod file, so module path must match major version|\
         invalid version: missing |invalid pseudo-version: |\
         does not match version-control timestamp|revision is shorter than canonical|\
         revision is longer than canonical|is not a descendent of preceding tag|\
         +incompatible suffix not allowed|malformed module path |disallowed version string|\
         invalid github.com import path |no go-import meta tags|\
         does not appear to be a git repository|malformed file path |\
         case-insensitive file name collision|module source tree too large|\
         go.mod file too large|LICENSE file too large|go.mod has post-v|go.mod has non-|\
         go.mod has malformed module path |module lookup disabled by GOPROXY=off",
    ),
];
