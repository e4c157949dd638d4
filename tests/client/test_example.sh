#!/bin/sh
# docs/example.c is compiled against the public header, as C and as C++ and with every warning, and run on a home of a
# real org; docs/example_loop.c, which needs a network of its own, as C.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${SATCHEL_BUILD:-$root/.build/release}
satcheld=${SATCHELD:-$build/satcheld} satchel=${SATCHEL:-$build/satchel}
scratch=$(mktemp -d) || exit 1
server=
trap '[ -n "$server" ] && kill "$server" 2>/dev/null; rm -rf "$scratch"' EXIT
passed=0 failed=0

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

# says PATTERN FILE
says()
{
    grep -q -e "$1" "$2" || { cat "$2"; return 1; }
}

member()
{
    sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$scratch/ready"
}

start_server()
{
    "$satcheld" --data "$scratch/server" --listen 127.0.0.1:0 >"$scratch/ready" 2>"$scratch/server.log" &
    server=$!
    for _ in $(seq 100); do
        [ -s "$scratch/ready" ] && return 0
        sleep 0.1
    done
    cat "$scratch/server.log"
    return 1
}

# An org with one territory, so that the example's record has a place.
make_org()
{
    printf 'example' >"$scratch/passphrase"
    export SATCHEL_PASSPHRASE_FILE="$scratch/passphrase" SATCHEL_HOME="$scratch/home"
    token=$("$satcheld" token --data "$scratch/server") &&
        "$satchel" org create --server "$(member url)" --pin "$(member pin)" --token "$token" --name Example \
            --user Ann --recovery-kit "$scratch/kit" &&
        "$satchel" territory add Southern
}

msgpack=$(pkg-config --exists msgpack && echo msgpack || echo msgpack-c)
libraries=$(pkg-config --libs sqlite3 libsodium "$msgpack" libwebsockets libzstd jansson)
warnings="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror"

# compile COMPILER LANGUAGE FLAGS OUTPUT [SOURCE]
compile()
{
    $1 $3 $warnings -I "$root/client/include" -x "$2" "$root/docs/${5:-example}.c" -x none -o "$4" \
        "$build/libsatchel.a" $libraries
}

# A record that the loop's sync is to send.
put_record()
{
    "$satchel" put account name=looped --home "$scratch/home"
}

is_sent()
{
    "$satchel" status --home "$scratch/home" --json >"$scratch/said" && says '"pending":0,' "$scratch/said"
}

c=${CC:-cc}
cxx=${CXX:-c++}
check "the example compiles as C" compile "$c" c "-std=c99 -Wstrict-prototypes" "$scratch/example-c"
if command -v "$cxx" >/dev/null; then
    check "the example compiles as C++" compile "$cxx" c++ "-std=c++11" "$scratch/example-cxx"
else
    echo "no C++ compiler: only the C form is tested"
fi
echo '#include "satchel.h"' >"$scratch/alone.c"
for standard in c90 c99 c17; do
    check "the public header stands alone in $standard" "$c" -std=$standard -Wall -Wextra -Wpedantic -Wundef \
        -Wstrict-prototypes -Werror -I "$root/client/include" -fsyntax-only "$scratch/alone.c"
done
if command -v "$cxx" >/dev/null; then
    check "the public header stands alone in C++98" "$cxx" -std=c++98 -Wall -Wextra -Wpedantic -Wundef -Werror \
        -I "$root/client/include" -fsyntax-only -x c++ "$scratch/alone.c"
fi
check "a server starts" start_server
check "an org is created" make_org

for example in "$scratch"/example-*; do
    [ -x "$example" ] || continue
    name=$(basename "$example")
    check "$name runs" sh -c '"$0" "$1" example >"$2"' "$example" "$scratch/home" \
        "$scratch/said"
    check "$name reads what it wrote" says '"fields":{"name":"BONAPP","city":"Marseille"}' "$scratch/said"
    check "$name asks the view" says '{"city":"Marseille","n":[12]}' "$scratch/said"
    check "$name is in sync" says 'sent [1-9].*in sync: yes' "$scratch/said"
    "$example" "$scratch/home" wrong >"$scratch/said" 2>&1
    check "$name tells a wrong passphrase" test $? -eq 6
done

check "the loop compiles" compile "$c" c "-std=gnu99 -Wstrict-prototypes" "$scratch/loop" example_loop
check "there is something to send" put_record
check "the loop runs" sh -c '"$0" "$1" example >"$2"' "$scratch/loop" "$scratch/home" "$scratch/said"
check "the loop is in sync" says 'in sync: yes' "$scratch/said"
check "the loop has sent it" is_sent
kill "$server" && wait "$server"
server=
"$scratch/loop" "$scratch/home" example >"$scratch/said" 2>&1
check "the loop tells an absent server" test $? -eq 3
check "the loop names it" says 'cannot be reached' "$scratch/said"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
