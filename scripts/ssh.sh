#!/usr/bin/env bash
# Prints the path of an OpenSSH server that the tests can start on 127.0.0.1:
#   1. $SSHD, when it is set;
#   2. the sshd of this machine, when it can be started by whoever runs this;
#   3. Debian's, unpacked once into .tools/ of this repository: the package would also start a server for everybody.
# The client, ssh with ssh-keygen, is installed by apt-get if it is missing.
# Messages go to stderr: SSHD=$(scripts/ssh.sh) is how it is meant to be called.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly home=$root/.tools/sshd
readonly installed=$home/sshd
readonly advice="install OpenSSH's client, and set SSHD to an sshd"

say() { printf 'ssh.sh: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
# shellcheck source=scripts/apt.sh
source "$root/scripts/apt.sh"

work=$(mktemp -d)
new=
trap 'rm -rf "$work" ${new:+"$new"}' EXIT

# Checks as a start does. An sshd of root's wants an empty folder, which the start of a machine makes.
usable() {
    ((EUID != 0)) || [[ ! -d /run ]] || mkdir -p -m 755 /run/sshd
    [[ -f $work/key ]] || ssh-keygen -q -t ed25519 -N '' -f "$work/key" || fail "ssh-keygen does not run"
    "$1" -t -f /dev/null -h "$work/key" >&2
}

install_sshd() {
    say "unpacking Debian's openssh-server into .tools/"
    mkdir -p "$root/.tools"
    new=$(mktemp -d "$root/.tools/fetch.XXXXXX")
    apt_unpack "$new/sshd" openssh-server libwrap0 libnss-wrapper
    cat >"$new/sshd/sshd" <<'EOF'
#!/usr/bin/env bash
# An sshd that is unpacked and not installed. That of root gives its rights away to a user `sshd`, whom only an
# installation makes: nss_wrapper says that there is one.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
libraries=("$here"/usr/lib/*-linux-gnu*)
export LD_LIBRARY_PATH=${libraries[0]}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if ((EUID == 0)) && ! getent passwd sshd >/dev/null; then
    export LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD=$here/passwd NSS_WRAPPER_GROUP=/etc/group
fi
exec "$here/usr/sbin/sshd" "$@"
EOF
    chmod +x "$new/sshd/sshd"
    { cat /etc/passwd && echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin'; } >"$new/sshd/passwd"
    usable "$new/sshd/sshd" || fail "Debian's sshd does not run on this machine; $advice"
    # Whoever comes second finds the first one's.
    mv -T "$new/sshd" "$home" 2>/dev/null || usable "$installed" ||
        fail "cannot put sshd at $home; remove what is there"
}

command -v ssh >/dev/null && command -v ssh-keygen >/dev/null || apt_install openssh-client

if [[ -n ${SSHD:-} ]]; then
    found=$(command -v "$SSHD") || fail "SSHD is set to '$SSHD', which is no command"
    usable "$found" || fail "SSHD is set to '$SSHD', which cannot be started (see above)"
elif found=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) && usable "$found"; then
    :
else
    usable "$installed" 2>/dev/null || install_sshd
    found=$installed
fi
printf '%s\n' "$found"
