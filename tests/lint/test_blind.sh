#!/bin/sh
# The check of blindness is itself checked: a satcheld that has the vault linked in on purpose must fail it, for the
# reasons that are named here, stripped too; the real one must pass; and what cannot be judged must not pass.
set -u
here=$(dirname "$0")
build=${SATCHEL_BUILD:-.build/release}
guilty=$build/satcheld-with-vault
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# expect WHAT EXIT_CODE PATTERN BINARY [LIBVAULT]
expect()
{
    what=$1 code=$2 pattern=$3
    shift 3
    sh "$here/check_blind.sh" "$@" >"$scratch/output" 2>&1
    got=$?
    if [ $got -eq "$code" ] && grep -q -e "$pattern" "$scratch/output"; then
        passed=$((passed + 1))
    else
        echo "$what: exit code $got, expected $code and a line with '$pattern'. It said:"
        head -20 "$scratch/output" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
}

# Packagers strip programs.
strip -o "$scratch/stripped" "$guilty" || exit 1
echo 'int main(void) { return 0; }' >"$scratch/empty.c" && gcc -o "$scratch/empty" "$scratch/empty.c" || exit 1

expect "the real satcheld is blind" 0 " 0 failed" "$build/satcheld"
expect "a vault symbol is found" 1 "symbol of common/vault: sat_keyring_open$" "$guilty"
expect "a decrypting import is found" 1 "opens or derives: crypto_aead_xchacha20poly1305_ietf_decrypt" "$guilty"
expect "a passphrase function is found" 1 "opens or derives: crypto_pwhash$" "$guilty"
expect "a box opener is found" 1 "opens or derives: crypto_box_seal_open$" "$guilty"
expect "a decompressor is found" 1 "import of zstd: ZSTD_decompress" "$guilty"
expect "a library for clients is found" 1 "library for clients alone: .*zstd" "$guilty"
expect "a field's name is found" 1 "name of a field of a record type: business_model" "$guilty"
expect "stripping hides no import" 1 "opens or derives: crypto_aead" "$scratch/stripped"
expect "no vault to compare with is no pass" 2 "cannot tell" "$build/satcheld" "$scratch/none.a"
expect "no binary is no pass" 2 "cannot tell" "$scratch/none"
expect "a binary without libsodium is no pass" 2 "cannot tell" "$scratch/empty"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
