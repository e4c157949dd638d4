#!/bin/sh
# The code compiles without warnings: every object keeps what the compiler said about it.
set -u
build=${SATCHEL_BUILD:-.build/release}
passed=0 failed=0
# No path of the project has a space in it.
# shellcheck disable=SC2044
for log in $(find "$build" -name '*.o.log'); do
    [ -e "${log%.log}" ] || continue
    source=${log#"$build/"}
    [ -e "${source%.o.log}.c" ] || continue
    if [ -s "$log" ]; then
        cat "$log"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
