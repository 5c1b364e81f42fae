#!/usr/bin/env bash
# Prints the path of a command that starts moto, which speaks S3 for the tests:
#   1. $MOTO_SERVER, when it is set;
#   2. the moto_server on PATH, when it runs;
#   3. a pinned one, fetched once from PyPI into .tools/ of this repository.
# Messages go to stderr: MOTO_SERVER=$(scripts/s3.sh) is how it is meant to be called.
set -euo pipefail

readonly pinned=5.2.1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly home=$root/.tools/moto-$pinned
readonly installed=$home/moto_server

say() { printf 's3.sh: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
# shellcheck source=scripts/pip.sh
source "$root/scripts/pip.sh"

usable() { "$1" --help >/dev/null 2>&1; }

install_moto() {
    mkdir -p "$root/.tools"
    work=$(mktemp -d "$root/.tools/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    local pip
    need_pip "set MOTO_SERVER to a moto_server command"
    say "fetching moto $pinned from PyPI into .tools/"
    pip_install "$work/new" "moto[server,s3]==$pinned" || fail "pip could not install moto $pinned (see above)"
    # The program looks for its packages where Python keeps them; this tells it where they are.
    cat >"$work/new/moto_server" <<'EOF'
#!/usr/bin/env bash
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHONPATH=$here exec python3 -c 'import sys; from moto.server import main; sys.exit(main())' "$@"
EOF
    chmod +x "$work/new/moto_server"
    usable "$work/new/moto_server" || fail "moto $pinned does not run on this machine"
    publish_dir "$work/new" "$home" || usable "$installed" || fail "cannot put moto at $home; remove what is there"
}

if [[ -n ${MOTO_SERVER:-} ]]; then
    found=$(command -v "$MOTO_SERVER") || fail "MOTO_SERVER is set to '$MOTO_SERVER', which is no command"
elif found=$(command -v moto_server) && usable "$found"; then
    :
else
    usable "$installed" || install_moto
    found=$installed
fi
printf '%s\n' "$found"
