#!/bin/sh
# What `make install` puts into a tree is whole: the programs run from there, docs/example.c is built against it through
# pkg-config, as C and as C++, with the shared library and with the static one, and uninstalling leaves nothing.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${SATCHEL_BUILD:-$root/.build/release}
scratch=$(mktemp -d) || exit 1
tree=$scratch/tree prefix=/usr/local
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

# same FILE FILE: the differences are what is shown
same()
{
    diff "$1" "$2"
}

# says PATTERN FILE
says()
{
    grep -q -e "$1" "$2" || { cat "$2"; return 1; }
}

# In the mode and with the compiler of what is built already, so that nothing is compiled anew.
run_make()
{
    env -u PKG_CONFIG_PATH -u PKG_CONFIG_SYSROOT_DIR make -s -C "$root" DESTDIR="$tree" BUILD="$build" \
        MODE="$(basename "$build")" CC="$(cut -d' ' -f1 "$build/flags")" "$@"
}

files()
{
    (cd "$tree" && find . ! -type d | sed "s|^\.||" | sort)
}

# ---- the tree ----

check "make install" run_make install PREFIX=$prefix
sort >"$scratch/wanted" <<END
$prefix/bin/satchel
$prefix/sbin/satcheld
$prefix/include/satchel.h
$prefix/include/satchel_admin.h
$prefix/include/satchel_book.h
$prefix/lib/libsatchel.a
$prefix/lib/libsatchel.so
$prefix/lib/libsatchel.so.0
$prefix/lib/libsatchel.so.0.1.0
$prefix/lib/pkgconfig/satchel.pc
$prefix/lib/systemd/system/satcheld.service
$prefix/share/doc/satchel/LICENSE.tables
$prefix/share/doc/satchel/haproxy.cfg
$prefix/share/doc/satchel/nginx.conf
$prefix/share/doc/satchel/operations.md
$prefix/share/doc/satchel/satcheld.conf
$prefix/share/bash-completion/completions/satchel
$prefix/share/man/man1/satchel.1
$prefix/share/man/man8/satcheld.8
$prefix/share/satchel/maps/northwind.json
$prefix/share/satchel/maps/vcard.json
END
files >"$scratch/found"
check "what is installed, and nothing else" same "$scratch/wanted" "$scratch/found"
find "$tree" -type f -perm /022 >"$scratch/found"
check "nothing is writable for others" same /dev/null "$scratch/found"
find "$tree" -type f ! -perm -444 >"$scratch/found"
check "everything is readable for all" same /dev/null "$scratch/found"
grep -rlI -e "$tree" -e '@[A-Z]*@' "$tree$prefix/lib" "$tree$prefix/share" >"$scratch/found"
check "no text knows the temporary tree or was left unfilled" same /dev/null "$scratch/found"

satchel=$tree$prefix/bin/satchel satcheld=$tree$prefix/sbin/satcheld shared=$tree$prefix/lib/libsatchel.so.0.1.0
static=$tree$prefix/lib/libsatchel.a

# ---- the library ----

# What the public headers declare, by name.
cat "$tree$prefix"/include/satchel*.h | tr '\n' ' ' | grep -o 'SATCHEL_API[_VOID]* [^;({]*(' |
    grep -o 'satchel_[a-z_]*($' | tr -d '(' | sort >"$scratch/declared"
nm -D --defined-only "$shared" | awk '{ print $3 }' | sort >"$scratch/found"
check "the shared library exports the public functions alone" same "$scratch/declared" "$scratch/found"
nm -g --defined-only "$static" | awk 'NF == 3 { print $3 }' | sort >"$scratch/found"
check "so does the static one" same "$scratch/declared" "$scratch/found"
check "there are public functions" test -s "$scratch/declared"
readelf -d "$shared" >"$scratch/dynamic"
check "the soname" says 'soname: \[libsatchel\.so\.0\]' "$scratch/dynamic"

export PKG_CONFIG_PATH="$tree$prefix/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$tree"
"$satchel" --version >"$scratch/versions"
"$satcheld" --version >>"$scratch/versions"
version=$(pkg-config --modversion satchel)
printf 'satchel %s\nsatcheld %s\n' "$version" "$version" >"$scratch/wanted"
check "one version" same "$scratch/wanted" "$scratch/versions"

sanitizers=$(grep -o -e '-fsanitize=[^ ]*' -e '--coverage' "$build/flags")

# compile OUTPUT LANGUAGE COMPILER FLAGS LIBRARIES
compile()
{
    # shellcheck disable=SC2046,SC2086
    $3 $4 -Wall -Wextra -Wpedantic -Werror $sanitizers $(pkg-config --cflags satchel) \
        -x "$2" "$root/docs/example.c" -x none -o "$1" $5
}

dynamic_libs=$(pkg-config --libs satchel)
static_libs=$(pkg-config --libs --static satchel | sed 's/-lsatchel\b/-l:libsatchel.a/')
for kind in dynamic static; do
    [ $kind = dynamic ] && libs=$dynamic_libs || libs=$static_libs
    check "the example compiles as C, $kind" compile "$scratch/example-c-$kind" c "${CC:-cc}" -std=c99 "$libs"
    check "the example compiles as C++, $kind" compile "$scratch/example-cxx-$kind" c++ "${CXX:-c++}" -std=c++11 "$libs"
done
readelf -d "$scratch/example-c-dynamic" >"$scratch/dynamic"
check "the dynamic one needs the shared library" says 'NEEDED.*\[libsatchel\.so\.0\]' "$scratch/dynamic"
readelf -d "$scratch/example-c-static" | grep libsatchel >"$scratch/dynamic"
check "the static one does not" same /dev/null "$scratch/dynamic"

# ---- the service ----

unit=$tree$prefix/lib/systemd/system/satcheld.service
grep '^ExecStart' "$unit" | grep -v "=$prefix/sbin/satcheld " >"$scratch/found"
check "the unit starts what is installed" same /dev/null "$scratch/found"
check "it starts something" says "^ExecStart=$prefix/sbin/satcheld " "$unit"
check "the sample configuration is right" \
    "$satcheld" --check-config --config "$tree$prefix/share/doc/satchel/satcheld.conf"
if command -v systemd-analyze >/dev/null; then
    mkdir "$scratch/unit" && sed "s|=$prefix/sbin/|=$tree$prefix/sbin/|" "$unit" >"$scratch/unit/satcheld.service"
    systemd-analyze verify --man=no "$scratch/unit/satcheld.service" >"$scratch/found" 2>&1
    check "systemd has nothing to say about the unit" same /dev/null "$scratch/found"
else
    echo "no systemd-analyze: the unit is not verified"
fi

# ---- it runs ----

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

check "the installed server starts" start_server
check "the installed client creates an org on it" make_org
for name in example-c-dynamic example-cxx-dynamic example-c-static example-cxx-static; do
    LD_LIBRARY_PATH="$tree$prefix/lib" "$scratch/$name" "$scratch/home" example >"$scratch/said" 2>&1
    check "$name runs" test $? -eq 0
    check "$name is in sync" says 'in sync: yes' "$scratch/said"
done

# ---- another place ----

check "another prefix and library folder" run_make install PREFIX=/usr LIBDIR=/usr/lib/any
check "pkg-config says the other prefix" says '^prefix=/usr$' "$tree/usr/lib/any/pkgconfig/satchel.pc"
check "the unit knows the other prefix" \
    says '^ExecStart=/usr/sbin/satcheld ' "$tree/usr/lib/systemd/system/satcheld.service"
check "pkg-config says the other folder" says '^libdir=/usr/lib/any$' "$tree/usr/lib/any/pkgconfig/satchel.pc"
check "it is taken away" run_make uninstall PREFIX=/usr LIBDIR=/usr/lib/any
check "make uninstall" run_make uninstall PREFIX=$prefix
files >"$scratch/found"
check "nothing is left" same /dev/null "$scratch/found"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
