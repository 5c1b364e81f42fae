#!/usr/bin/env bash
# Installs what benches/compare cannot do without, from Debian's packages: nginx, wrk and curl. As root by apt-get; else
# they are downloaded and unpacked into .tools/peers, which needs no rights.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly home=$root/.tools/peers
readonly programs=(nginx wrk curl)
readonly advice="install nginx, wrk and curl by other means"

say() { printf 'peers.sh: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
# shellcheck source=scripts/apt.sh
source "$root/scripts/apt.sh"

export PATH=$PATH:/usr/sbin:/usr/local/sbin:$home/bin

missing() {
    local program
    for program in "${programs[@]}"; do
        command -v "$program" >/dev/null || printf '%s\n' "$program"
    done
}

# packages PROGRAM...: those of Debian.
packages() { printf '%s\n' "${@/#nginx/nginx-light}"; }

# unpack PROGRAM...: with the libraries that they depend on, and a script for each that finds these.
unpack() {
    local program packages
    mkdir -p "$root/.tools"
    new=$(mktemp -d "$root/.tools/fetch.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    mapfile -t packages < <(packages "$@" | xargs apt-cache depends --recurse --no-recommends --no-suggests \
        --no-conflicts --no-breaks --no-replaces --no-enhances | grep -E '^(nginx|wrk|curl|lib)' |
        grep -vE '^lib(c6|gcc|crypt1|debconf|perl)' | sort -u)
    apt_unpack "$new/peers" "${packages[@]}"
    mkdir "$new/peers/bin"
    for program in "$@"; do
        cat >"$new/peers/bin/$program" <<'END'
#!/bin/sh
home=$(dirname "$0")/../usr
LD_LIBRARY_PATH=$(echo "$home"/lib/*-linux-gnu) exec "$(ls "$home"/*bin/"$(basename "$0")")" "$@"
END
        chmod +x "$new/peers/bin/$program"
    done
    rm -rf "$home"
    mv "$new/peers" "$home"
}

mapfile -t wanted < <(missing)
((${#wanted[@]})) || exit 0
command -v apt-get >/dev/null || fail "found no apt-get; $advice"
say "installing ${wanted[*]}"
if ((EUID == 0)); then
    mapfile -t packages < <(packages "${wanted[@]}")
    apt_install_stopped "${packages[@]}"
else
    unpack "${wanted[@]}"
fi
mapfile -t wanted < <(missing)
((${#wanted[@]} == 0)) || fail "still missing: ${wanted[*]}; $advice"
