# To be sourced by scripts that get a tool from Debian's packages. Needs say and fail, and `advice`: what to do instead,
# for the message if all fails.

# Sets `apt` to apt-get as root.
need_apt() {
    command -v apt-get >/dev/null || fail "found no apt-get; $advice"
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "apt-get needs root or sudo; $advice"
        as_root=(sudo)
    fi
    apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
}

apt_update() {
    need_apt
    "${apt[@]}" update >&2 || say "apt-get update failed; going on with the package lists that are here"
}

# apt_install PACKAGE...
apt_install() {
    say "installing $* by apt-get"
    apt_update
    "${apt[@]}" install -y --no-install-recommends "$@" >&2 ||
        fail "apt-get could not install $* (see above); $advice"
}

# apt_install_stopped PACKAGE...: as root, without starting the services of the packages.
apt_install_stopped() {
    local policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt_install "$@"
}

# apt_unpack DIR PACKAGE...: into a new folder, without the packages they depend on. Nothing is installed, so root is
# needed only if there are no package lists yet.
apt_unpack() {
    local target=$1 package
    shift
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "found no apt-get; $advice"
    mkdir -p "$target/packages"
    # Whoever runs this may write here, and apt's own user may not.
    local download=(apt-get -o APT::Sandbox::User=root download)
    (cd "$target/packages" && "${download[@]}" "$@" >&2) ||
        { apt_update && (cd "$target/packages" && "${download[@]}" "$@" >&2); } ||
        fail "apt-get could not download $* (see above); $advice"
    for package in "$target"/packages/*.deb; do
        dpkg -x "$package" "$target" >&2 || fail "cannot unpack $package"
    done
    rm -rf "$target/packages"
}
