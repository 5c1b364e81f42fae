#!/usr/bin/env bash
# Runs the tests, the real go command among them (scripts/go.sh finds or fetches it).
#   scripts/test.sh              everything: all features with doc tests and examples, then no features
#   scripts/test.sh ARGS...      cargo test --all-features ARGS..., for example --test go_client
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run() {
    printf '\n+ %s\n' "$*" >&2
    "$@"
}

TOWER_GOPROXY_GO=$(scripts/go.sh)
export TOWER_GOPROXY_GO
printf 'go command: %s\n' "$TOWER_GOPROXY_GO" >&2

if (($#)); then
    run cargo test --locked --all-features "$@"
else
    run cargo test --locked --all-features
    run cargo test --locked --no-default-features
fi
