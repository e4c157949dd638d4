#!/bin/sh
# .ci/setup names what is missing, and nothing else: on a machine that is made of links to a few programs, and that has
# no apt-get, so that nothing is installed.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
mkdir "$scratch/bin"
for name in sh dirname sort tr mktemp rm gcc ld as pkg-config ar python3 c++ env; do
    place=$(command -v $name) && ln -s "$place" "$scratch/bin/$name"
done

# setup NEED: runs it there
setup()
{
    env -i PATH="$scratch/bin" TMPDIR="$scratch" /bin/sh "$root/.ci/setup" "$1" >"$scratch/said" 2>&1
}

# has NAME: puts a program of that name there, which does what is on stdin
has()
{
    { echo '#!/bin/sh' && cat; } >"$scratch/bin/$1" && chmod +x "$scratch/bin/$1"
}

# check WHAT NEED PACKAGES: that need names exactly these packages, in this order; none: it says nothing and succeeds
check()
{
    setup "$2"
    code=$? named=$(sed -n 's/^    //p' "$scratch/said")
    if [ "$named" = "$3" ] && { [ -n "$3" ] || [ ! -s "$scratch/said" ]; } && [ $code -eq $((${#3} > 0)) ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$1: expected '$3', exit code $code, and it said:"
        sed 's/^/    /' "$scratch/said"
    fi
}

# What stands in /usr/sbin is found though it is not on the PATH.
missing=
for name in haproxy nginx; do
    [ -x "/usr/sbin/$name" ] || [ -x "/sbin/$name" ] || missing="$missing $name"
done
[ -e /usr/share/unicode/UnicodeData.txt ] || missing="$missing unicode-data" # a file, wherever it is looked for
has mandoc </dev/null
has opencc_dict </dev/null

check "the tests need no proxies, which would be running from then on" test ""
check "a machine for checks does" ci "clang$missing"
check "coverage" coverage "gcovr"
check "memory" valgrind "valgrind"
check "fuzzing needs the compiler and what it links" fuzz "clang libclang-rt-dev"
echo 'exit 1' | has clang
check "a compiler without its runtime" fuzz "libclang-rt-dev"
check "that compiler is enough otherwise" ci "${missing# }"
echo 'exit 0' | has clang
check "both are there" fuzz ""
rm "$scratch/bin/mandoc" "$scratch/bin/opencc_dict"
all=$(for name in $missing mandoc opencc; do echo "$name"; done | sort | tr '\n' ' ')
check "what is missing is in one list" ci "${all% }"
rm "$scratch/bin/c++"
check "the tests' own needs" test "g++"
rm -r "${scratch:?}/bin" "$scratch/said"
if rmdir "$scratch"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi # setup leaves nothing behind

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
