#!/usr/bin/env bash
# Prints the path of an nginx that the tests can start on 127.0.0.1:
#   1. $NGINX, when it is set;
#   2. the nginx of this machine;
#   3. Debian's: as root installed by apt-get, without a start of its service; else unpacked once into .tools/ of this
#      repository.
# Messages go to stderr: NGINX=$(scripts/nginx.sh) is how it is meant to be called.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly home=$root/.tools/nginx
readonly installed=$home/usr/sbin/nginx
readonly advice="set NGINX to an nginx"

say() { printf 'nginx.sh: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
# shellcheck source=scripts/apt.sh
source "$root/scripts/apt.sh"

usable() { "$1" -v >/dev/null 2>&1; }

find_nginx() { PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx; }

# The program needs no other file of its packages. In which of the two it lies depends on the release.
unpack_nginx() {
    say "unpacking Debian's nginx into .tools/"
    mkdir -p "$root/.tools"
    new=$(mktemp -d "$root/.tools/fetch.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    apt_unpack "$new/nginx" nginx nginx-light
    usable "$new/nginx/usr/sbin/nginx" || fail "Debian's nginx does not run on this machine; $advice"
    # Whoever comes second finds the first one's.
    mv -T "$new/nginx" "$home" 2>/dev/null || usable "$installed" ||
        fail "cannot put nginx at $home; remove what is there"
}

if [[ -n ${NGINX:-} ]]; then
    found=$(command -v "$NGINX") || fail "NGINX is set to '$NGINX', which is not a command"
elif found=$(find_nginx) && usable "$found"; then
    :
elif usable "$installed"; then
    found=$installed
elif ((EUID == 0)); then
    apt_install_stopped nginx-light
    found=$(find_nginx) || fail "apt-get has installed no nginx; $advice"
    usable "$found" || fail "$found does not run; $advice"
else
    unpack_nginx
    found=$installed
fi
printf '%s\n' "$found"
