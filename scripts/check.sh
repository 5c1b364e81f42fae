#!/usr/bin/env bash
# All checks that are no tests of behaviour, the fast ones first. scripts/test.sh runs the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run() {
    printf '\n+ %s\n' "$*" >&2
    "$@"
}

# What is published: the crate, and what belongs to it.
package_list() {
    local listed strays name
    listed=$(cargo package --list --locked --allow-dirty)
    strays=$(grep -Ev '^((src|tests|examples|benches|scripts|docs)/.+|(README|CHANGELOG)\.md|LICENSE-(MIT|APACHE)|Cargo\.(toml|toml\.orig|lock)|\.cargo_vcs_info\.json)$' <<<"$listed" || true)
    [[ -z $strays ]] || {
        printf 'these files do not belong into the package:\n%s\n' "$strays" >&2
        return 1
    }
    for name in src/lib.rs README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE; do
        grep -qxF "$name" <<<"$listed" || {
            printf 'the package lacks %s\n' "$name" >&2
            return 1
        }
    done
    listed=$(cargo package --list --locked --allow-dirty -p tower-goproxy-server)
    for name in LICENSE-MIT LICENSE-APACHE; do
        grep -qxF "$name" <<<"$listed" || {
            printf 'the package of the server lacks %s\n' "$name" >&2
            return 1
        }
    done
}

# Every set of features compiles on its own, without a warning; events and counters are both there or both missing, and
# each once alone. Written out here, because cargo-hack is not on every machine; clippy passes -D warnings to this crate
# alone, so dependencies stay built.
feature_powerset() {
    local features i set all
    mapfile -t features < <(awk '
        /^\[/ { inside = ($0 == "[features]"); next }
        inside && /^[a-z]/ { print $1 }' Cargo.toml | grep -vxE 'default|full|ring|aws-lc-rs|tracing|metrics')
    ((${#features[@]})) || {
        echo 'found no features in Cargo.toml' >&2
        return 1
    }
    all=$(printf '%s,' "${features[@]}")
    lib_with "${all}tracing"
    lib_with "${all}metrics"
    for ((i = 0; i < 1 << ${#features[@]}; i++)); do
        set=$(for bit in "${!features[@]}"; do ((i >> bit & 1)) && printf '%s,' "${features[bit]}"; done; true)
        lib_with "$set"
        lib_with "${set}tracing,metrics"
    done
}

lib_with() {
    run cargo clippy --quiet --locked --lib --no-default-features --features "$1" -- -D warnings
}

# With each TLS provider, and with none. Only `aws-lc-rs` is not part of `full`: it takes minutes to build once.
tls_providers() {
    local provider
    for provider in ring aws-lc-rs ring,aws-lc-rs; do
        lib_with "upstream,$provider"
    done
}

run cargo fmt --all --check
run scripts/sizes.sh
run package_list
run cargo clippy --locked --workspace --all-targets --features tower-goproxy/full -- -D warnings
run feature_powerset
run tls_providers
if command -v cargo-deny >/dev/null; then
    run cargo deny --workspace --all-features check bans licenses sources
else
    printf '\n(cargo-deny is not installed: licences and duplicate crates are not checked)\n' >&2
fi
run env RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --features tower-goproxy/full
# Which file may import which, and how long a file may be.
run cargo test --locked --workspace --features tower-goproxy/full --test floors
