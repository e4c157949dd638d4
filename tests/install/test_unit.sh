#!/bin/sh
# The unit with all that its comments tell an operator to do: a port below 1024, and a TLS key that is root's alone.
# systemd-analyze reads it, where there is one.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${SATCHEL_BUILD:-$root/.build/release}
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
unit=$scratch/satcheld.service

# check WHAT COMMAND…: it must succeed
check()
{
    what=$1
    shift
    if "$@" >"$scratch/output" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$what:"
        sed 's/^/    /' "$scratch/output"
    fi
}

# lines PATTERN N: that many of the unit's lines have it
lines()
{
    [ "$(grep -c -e "$1" "$unit")" -eq "$2" ] || { grep -n -e "$1" "$unit"; false; }
}

silent()
{
    "$@" >"$scratch/found" 2>&1
    [ ! -s "$scratch/found" ] || { cat "$scratch/found"; false; }
}

options="--tls-cert %d/cert.pem --tls-key %d/key.pem"
sed -e 's/^#\(LoadCredential=\)/\1/' -e 's/^PrivateUsers=.*/PrivateUsers=no/' \
    -e 's/^\(CapabilityBoundingSet\|AmbientCapabilities\)=$/\1=CAP_NET_BIND_SERVICE/' \
    -e "s|^\(ExecStart[a-zA-Z]*=\)[^ ]*/satcheld \(.*\)|\1$build/satcheld \2 $options|" \
    "$root/deploy/satcheld.service" >"$unit"

check "certificate and key are handed over" lines '^LoadCredential=[a-z]*\.pem:/etc/satchel/[a-z]*\.pem$' 2
check "check and service read them" lines "^ExecStart.* $options$" 2
check "the capability is in both sets" lines '=CAP_NET_BIND_SERVICE$' 2
check "the user name space is the host's" lines '^PrivateUsers=no$' 1
if command -v systemd-analyze >/dev/null; then
    check "systemd has nothing to say about it" silent systemd-analyze verify --man=no "$unit"
else
    echo "no systemd-analyze: the unit is not verified"
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
