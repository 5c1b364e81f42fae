#!/usr/bin/env bash
# Prints the path of a moto_server command, which speaks S3 for the tests:
#   1. $MOTO_SERVER, when it is set;
#   2. the one on PATH;
#   3. a pinned one, fetched once from PyPI into .tools/ of this repository.
# Messages go to stderr: MOTO_SERVER=$(scripts/s3.sh) is how it is meant to be called.
set -euo pipefail

readonly pinned=5.2.1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly home=$root/.tools/moto-$pinned
readonly installed=$home/bin/moto_server

say() { printf 's3.sh: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

if [[ -n ${MOTO_SERVER:-} ]]; then
    found=$(command -v "$MOTO_SERVER") || fail "MOTO_SERVER is set to '$MOTO_SERVER', which is no command"
elif found=$(command -v moto_server) && "$found" --help >/dev/null 2>&1; then
    :
else
    found=$installed
    if ! "$found" --help >/dev/null 2>&1; then
        # A virtual environment cannot be moved, so it is made where it stays; pip mends a half-made one.
        python3 -m venv "$home" >&2 || fail "python3 with its venv module is needed"
        say "fetching moto $pinned from PyPI into .tools/"
        "$home/bin/python" -m pip install --quiet --disable-pip-version-check "moto[server,s3]==$pinned" >&2 ||
            fail "pip could not install moto (see above)"
    fi
fi
printf '%s\n' "$found"
