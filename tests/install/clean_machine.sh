#!/bin/sh
# Follows docs/operations.md on a clean machine: a fresh Debian in a folder (debootstrap, chroot), with process numbers
# of its own, so that nothing outlives it. Every block of commands of the document is run as it stands there. Needs
# root, the package debootstrap and Debian's archive, and takes minutes: `make test` leaves it out. No systemd can run
# there: tests/install/systemctl stands in for it, and starts what the installed unit says, as the account it says.
#   clean_machine.sh [FOLDER]      works in FOLDER (.build/clean-machine); the bare system stays there for the next
#                                  time, the machine only if something failed
set -eu
cd "$(dirname "$0")/../.."
work=${1:-.build/clean-machine}
suite=bookworm mirror=${MIRROR:-http://deb.debian.org/debian}
[ "$(id -u)" -eq 0 ] || { echo "clean_machine: only root can do this" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "clean_machine: install the package debootstrap first" >&2; exit 1; }
mkdir -p "$work" && work=$(cd "$work" && pwd)
root=$work/root base=$work/base.tar

if [ ! -e "$base" ]; then
    echo "clean_machine: making a bare Debian $suite"
    rm -rf "$work/base"
    debootstrap --variant=minbase "$suite" "$work/base" "$mirror" >"$work/debootstrap.log" ||
        { tail -5 "$work/debootstrap.log" >&2; exit 1; }
    tar -C "$work/base" -cf "$base.new" . && mv "$base.new" "$base"
    rm -rf "$work/base"
fi
rm -rf --one-file-system "$root" && mkdir "$root" && tar -C "$root" -xf "$base"
cp /etc/resolv.conf "$root/etc/resolv.conf"

# The sources are where the document says that the operator has put them.
mkdir -p "$root/usr/local/src/satchel"
tar --exclude=./.build --exclude=./.git -cf - . | tar -C "$root/usr/local/src/satchel" --no-same-owner -xf -
for name in systemctl journalctl; do install -m 755 tests/install/systemctl "$root/usr/local/sbin/$name"; done
python3 -B tests/install/blocks.py docs/operations.md >"$root/document.sh"

# Everything there ends with its first process, and what was mounted goes with its name space.
unshare --mount --pid --fork --kill-child --uts --ipc --mount-proc="$root/proc" chroot "$root" \
    /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive /bin/bash /document.sh </dev/null 2>&1 | tee "$work/log"
tail -1 "$work/log" | grep -q ' 0 failed$' && rm -rf --one-file-system "$root"
