#!/usr/bin/env bash
# Installs what benches/compare compares with: nginx and varnish, from Debian's packages. As root by
# apt-get; else they are fetched and unpacked into .tools/peers, which needs no rights. The benchmark
# leaves out what is not there.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly home=$root/.tools/peers
readonly programs=(nginx varnishd)
# varnish compiles its configuration.
readonly packages=(nginx-light varnish gcc libc6-dev)
readonly advice="install nginx and varnish by other means"

say() { printf 'peers.sh: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
# shellcheck source=scripts/apt.sh
source "$root/scripts/apt.sh"

export PATH=$PATH:/usr/sbin:/usr/local/sbin:$home/usr/sbin

missing() {
    local program
    for program in "${programs[@]}"; do
        command -v "$program" >/dev/null || printf '%s ' "$program"
    done
}

# nginx and varnishd run from any folder; their libraries are found through LD_LIBRARY_PATH.
unpack() {
    mkdir -p "$root/.tools"
    local work wanted
    work=$(mktemp -d "$root/.tools/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mapfile -t wanted < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
        --no-breaks --no-replaces --no-enhances nginx-light varnish | grep -E '^(nginx|varnish|libvarnish|libjemalloc)' | sort -u)
    (cd "$work" && apt-get download "${wanted[@]}" >&2)
    for package in "$work"/*.deb; do
        dpkg -x "$package" "$work/tree"
    done
    rm -rf "$home"
    mv "$work/tree" "$home"
}

[[ -n $(missing) ]] || exit 0
command -v apt-get >/dev/null || fail "found no apt-get; $advice"
say "installing $(missing)"
if ((EUID == 0)); then
    apt_install_stopped "${packages[@]}"
else
    unpack
fi
[[ -z $(missing) ]] || fail "still missing: $(missing)"
