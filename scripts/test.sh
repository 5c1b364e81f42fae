#!/usr/bin/env bash
# Runs the tests, against the real go command (scripts/go.sh finds or fetches it), an S3 server, an SSH server and nginx
# (scripts/s3.sh, scripts/ssh.sh and scripts/nginx.sh do the same).
#   scripts/test.sh              everything: all packages with the feature full, doc tests and examples, then the crate
#                                without features, then the tour, which checks what it shows
#   scripts/test.sh ARGS...      cargo test --workspace --features tower-goproxy/full ARGS..., for example --test go_client
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run() {
    printf '\n+ %s\n' "$*" >&2
    "$@"
}

# What it prints is of interest only if it fails.
run_quietly() {
    local output status=0
    printf '\n+ %s\n' "$*" >&2
    output=$("$@" 2>&1) || status=$?
    ((status == 0)) || printf '%s\n' "$output" >&2
    return "$status"
}

TOWER_GOPROXY_GO=$(scripts/go.sh)
export TOWER_GOPROXY_GO
TOWER_GOPROXY_MOTO=$(scripts/s3.sh)
export TOWER_GOPROXY_MOTO
TOWER_GOPROXY_SSHD=$(scripts/ssh.sh)
export TOWER_GOPROXY_SSHD
TOWER_GOPROXY_NGINX=$(scripts/nginx.sh)
export TOWER_GOPROXY_NGINX
printf 'go command: %s\nS3 server: %s\nSSH server: %s\nnginx: %s\n' \
    "$TOWER_GOPROXY_GO" "$TOWER_GOPROXY_MOTO" "$TOWER_GOPROXY_SSHD" "$TOWER_GOPROXY_NGINX" >&2

# Many tests wait for a limit to pass.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(getconf _NPROCESSORS_ONLN)))}
if (($#)); then
    run cargo test --locked --workspace --features tower-goproxy/full "$@"
else
    run cargo test --locked --workspace --features tower-goproxy/full
    run cargo test --locked --no-default-features
    run_quietly cargo run --locked -p tower-goproxy-tour
fi
