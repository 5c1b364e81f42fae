# To be sourced by scripts that fetch a tool from PyPI. Needs say and fail, $root, and $work, a folder of
# the caller's own. Sets `pip` to a command that works; installs Debian's if there is none.

# shellcheck source=scripts/apt.sh
source "$root/scripts/apt.sh"

# A Python without pip can often still make an environment that has one.
find_pip() {
    pip=(python3 -m pip)
    "${pip[@]}" --version >/dev/null 2>&1 && return
    pip=("$work/venv/bin/python" -m pip)
    python3 -m venv "$work/venv" >/dev/null 2>&1 && "${pip[@]}" --version >/dev/null 2>&1
}

install_pip() {
    say "pip is missing"
    apt_install ca-certificates python3-pip
}

# need_pip ADVICE: what to do instead, for the message if all fails.
need_pip() {
    local advice=$1
    find_pip || { install_pip && find_pip; } || fail "pip does not run although python3-pip is installed"
}

# pip_install DIR PACKAGE...: into a new folder. A user's settings for installs into their own
# environment have no meaning here, and clash with --target.
pip_install() {
    local target=$1
    shift
    PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
        "${pip[@]}" install --quiet --no-compile --target "$target" "$@" >&2
}

# publish_dir NEW HOME: one rename publishes the whole tree. rename(2) refuses a folder that is
# there, as mv would not; whoever comes second finds the first one's.
publish_dir() {
    "${pip[0]}" -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$1" "$2" 2>/dev/null
}
