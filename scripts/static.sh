#!/usr/bin/env bash
# Builds the server as one static binary, for systems without Rust, and prints its path. Needs rustup, or the target
# installed, and musl-gcc (Debian: musl-tools) for the C code of the TLS provider.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${1:-$(uname -m)-unknown-linux-musl}

say() { printf 'static.sh: %s\n' "$*" >&2; }

[[ -d $(rustc --print sysroot)/lib/rustlib/$target ]] || rustup target add "$target" || {
    say "the target $target is not installed, and rustup cannot add it"
    exit 1
}
[[ -f /etc/alpine-release ]] || command -v musl-gcc >/dev/null || {
    say "musl-gcc is missing: install musl-tools"
    exit 1
}
cargo build --locked --profile dist --target "$target" -p tower-goproxy-server
binary=${CARGO_TARGET_DIR:-target}/$target/dist/tower-goproxy
if ldd "$binary" 2>/dev/null | grep -q '=>'; then
    say "$binary needs libraries of the system"
    exit 1
fi
printf '%s\n' "$binary"
