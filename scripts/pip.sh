# To be sourced by scripts that fetch a tool from PyPI. Needs say and fail, and $work, a folder of
# the caller's own. Sets `pip` to a command that works; installs Debian's if there is none.

# A Python without pip can often still make an environment that has one.
find_pip() {
    pip=(python3 -m pip)
    "${pip[@]}" --version >/dev/null 2>&1 && return
    pip=("$work/venv/bin/python" -m pip)
    python3 -m venv "$work/venv" >/dev/null 2>&1 && "${pip[@]}" --version >/dev/null 2>&1
}

install_pip() {
    local advice=$1
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

# need_pip ADVICE: what to do instead, for the message if all fails.
need_pip() {
    find_pip || { install_pip "$1" && find_pip; } || fail "pip does not run although python3-pip is installed"
}

# pip_install DIR PACKAGE...: into a new folder. A user's settings for installs into his own
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
