#!/usr/bin/env bash
# Feeds what parses bytes from outside with made-up bytes (libFuzzer), under AddressSanitizer and UBSan.
#
#   tools/torture/fuzz.sh [SECONDS [TARGET…]]
#
# SECONDS  for each target (SECONDS_EACH, or 60); 0: each input of the committed corpus once
# TARGET   fuzz/TARGET.c or fuzz/TARGET.lua, by default each there is
#
# What is found grows build/fuzz/corpus. An input that fails is left in build/fuzz/found, and belongs
# into fuzz/corpus once what it found is mended.
set -u
cd "$(dirname "$0")/../.." || exit 1

targets=$(for file in fuzz/*.c fuzz/*.lua; do
  [ "$file" = fuzz/lua.c ] || basename "${file%.*}"
done)
for target in "${@:2}"; do
  grep -qxF -- "$target" <<<"$targets" || { echo "nothing is fuzzed as $target (there are: ${targets//$'\n'/, })" >&2; exit 2; }
done

seconds=${1:-${SECONDS_EACH:-60}}
[ $# -eq 0 ] || shift
version=${LUA_VERSION:-5.4}
dir=build/fuzz
mkdir -p $dir/found || exit 1
LUA="lua$version" LUA_VERSION=$version tools/need.sh fuzz || exit 1

# ---- building ----

checks='-O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined'
all=address,undefined

"${MAKE:-make}" -j2 --no-print-directory BUILD=$dir CC=clang HARDEN= \
  CFLAGS="$checks -fsanitize=fuzzer-no-link,$all" all >$dir/log 2>&1 || { cat $dir/log; exit 1; }
rm -f $dir/sources.a
ar rcs $dir/sources.a $dir/obj/*.o || exit 1

link() { # $1 target
  local source=fuzz/$1.c
  [ -f "$source" ] || source=fuzz/lua.c
  # shellcheck disable=SC2046,SC2086  # words on purpose
  clang -std=c11 -Wall -Wextra -Werror $checks -fsanitize=fuzzer,$all -DSCRIPT="\"fuzz/$1.lua\"" \
    -Isrc -Ifuzz $(pkg-config --cflags "lua$version" libcurl libmicrohttpd) -o "$dir/$1" "$source" \
    $dir/sources.a $(pkg-config --libs "lua$version" libcurl libmicrohttpd) -pthread -ldl
}

# ---- running: as many at a time as there are processors ----

run() { # $1 target
  local log=$dir/$1.log known=$dir/corpus/$1 how code
  # leaks are looked for at the end: a Lua state keeps memory from one input to the next
  how=(-detect_leaks=0 -timeout=20 -rss_limit_mb=1024 -max_len=8192 -artifact_prefix="$dir/found/$1-")
  if [ "$seconds" -eq 0 ]; then
    how+=(-runs=0)
  else
    mkdir -p "$known"
    how+=(-max_total_time="$seconds" "$known")
  fi
  "$dir/$1" "${how[@]}" "fuzz/corpus/$1" >"$log" 2>&1
  code=$?
  if [ $code -eq 0 ]; then
    echo "ok    fuzz $1 ($(grep -oE '^#[0-9]+' "$log" | tail -n 1 | tr -d '#') inputs)"
  else
    printf 'FAIL  fuzz %s\n%s\n' "$1" "$(tail -n 60 "$log" | sed 's/^/      /')"
  fi
}

export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;"
export ASAN_OPTIONS=detect_leaks=1:intercept_tls_get_addr=0:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export -f run
export dir seconds
unset LUA_INIT RUNWAY_TRACE

# shellcheck disable=SC2086  # words on purpose
[ $# -gt 0 ] || set -- $targets
for target; do link "$target" || exit 1; done
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'run "$1"' run {} | tee $dir/log
failed=$(grep -c '^FAIL' $dir/log) passed=$(grep -c '^ok' $dir/log)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -eq $# ]
