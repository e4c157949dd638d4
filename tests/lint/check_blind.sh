#!/bin/sh
# The server is blind: its binary holds nothing of common/vault and imports nothing that decrypts, opens boxes, derives
# keys from passphrases or decompresses.
#   check_blind.sh [BINARY [LIBVAULT]]     every finding is a line; exit 0 blind, 1 not, 2 cannot tell
set -u
build=${SATCHEL_BUILD:-.build/release}
binary=${1:-$build/satcheld}
vault=${2:-$build/libvault.a}
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

cannot_tell()
{
    echo "check_blind: cannot tell: $1" >&2
    echo "0 passed, 1 failed"
    exit 2
}

nm -g --defined-only "$vault" 2>/dev/null | awk 'NF == 3 { print $3 }' | grep '^sat_' | sort -u >"$scratch/vault"
[ -s "$scratch/vault" ] || cannot_tell "$vault lists no symbols"
nm -D --undefined-only "$binary" 2>/dev/null | awk '{ print $NF }' | sed 's/@.*//' | sort -u >"$scratch/imports"
[ -s "$scratch/imports" ] || cannot_tell "$binary lists no imports"
grep -q '^crypto_sign' "$scratch/imports" || cannot_tell "$binary imports no signatures of libsodium: linked otherwise?"
# A stripped binary has no symbols of its own; its imports and texts still speak.
{
    nm --defined-only "$binary" 2>/dev/null
    nm -D --defined-only "$binary" 2>/dev/null
} | awk 'NF == 3 { print $3 }' | sort -u >"$scratch/own"

passed=0 failed=0
# verdict TITLE FILE: the lines of FILE are findings
verdict()
{
    if [ -s "$2" ]; then
        sed "s|^|$binary: $1: |" "$2"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

comm -12 "$scratch/vault" "$scratch/own" >"$scratch/found"
verdict "symbol of common/vault" "$scratch/found"

grep -E '^crypto_(aead|secretbox|secretstream|pwhash)|^crypto_box.*open' "$scratch/imports" >"$scratch/found"
verdict "import of libsodium that opens or derives" "$scratch/found"

grep -E '^(ZSTD_|ZDICT_)' "$scratch/imports" >"$scratch/found"
verdict "import of zstd" "$scratch/found"

grep -E '^EVP_(Decrypt|Open|Cipher|PBE|PKEY_decrypt)' "$scratch/imports" >"$scratch/found"
verdict "import of OpenSSL that decrypts" "$scratch/found"

readelf -d "$binary" | grep NEEDED | grep -E 'zstd|jansson' >"$scratch/found"
verdict "library for clients alone" "$scratch/found"

# The names of fields that no other word would contain.
if [ -e common/vault/types.def ]; then
    sed -n 's/^FIELD([a-z_]*, [0-9]*, \([a-z]*_[a-z_]*\),.*/\1/p' common/vault/types.def | sort -u >"$scratch/fields"
    grep -a -o -F -w -f "$scratch/fields" "$binary" | sort -u >"$scratch/found"
    verdict "name of a field of a record type" "$scratch/found"
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
