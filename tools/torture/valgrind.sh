#!/usr/bin/env bash
# Specs under valgrind, which sees what the sanitizers do not: uses of what was never written, also in
# the libraries below. Every Lua that a spec starts runs in it, but for the servers of specs. All of
# them take hours.
#
#   tools/torture/valgrind.sh [SPEC…]      default: all but those below, those of C first
#
# Last line: `N clean, N not`, by files; what valgrind reports stands below its spec.
set -u
cd "$(dirname "$0")/../.." || exit 1

# Why a spec says nothing in valgrind.
meaningless() { # $1 spec
  case $1 in
    */engine_process_spec.lua) echo "a thread that is slow to leave is left behind, with what it would take away" ;;
    */network_spec.lua) echo "a stopped process has half a second for its answer" ;;
    */failing_spec.lua) echo "it has a memory of its own, and valgrind would have it" ;;
    */runway/program_spec.lua) echo "that a program cannot start is told through vfork, which is none in valgrind" ;;
    */cli/program_spec.lua) echo "valgrind opens the standard output that a spec has closed" ;;
    *) return 1 ;;
  esac
}

version=${LUA_VERSION:-5.4}
lua=lua$version
dir=$PWD/build/valgrind
reports=$dir/reports
mkdir -p "$dir/bin" "$reports" && chmod 1777 "$reports" || exit 1 # some processes are another user's
LUA=$lua LUA_VERSION=$version tools/need.sh valgrind || exit 1

# A module that was unloaded has no names in a report.
"${MAKE:-make}" -j2 --no-print-directory BUILD=build/valgrind LUA="$lua" HARDEN= CFLAGS='-O1 -g' \
  LDFLAGS='-Wl,-z,nodelete' all >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }

real=$(command -v "$lua")
cat >"$dir/bin/$lua" <<SCRIPT
#!/bin/bash
case \$* in *spec/support/rawserver/* | *spec/support/h2*) exec $real "\$@" ;; esac
exec valgrind -q --child-silent-after-fork=yes --num-callers=30 --leak-check=full \\
  --show-leak-kinds=definite --errors-for-leak-kinds=definite --suppressions=$PWD/tools/valgrind.supp \\
  --log-file=$reports/%p $real "\$@"
SCRIPT
chmod +x "$dir/bin/$lua"

if [ $# -eq 0 ]; then
  mapfile -t specs < <({ ls spec/src/*_spec.lua; find spec -name '*_spec.lua' ! -path 'spec/src/*' | LC_ALL=C sort; })
  set -- "${specs[@]}"
  for spec; do
    shift
    if why=$(meaningless "$spec"); then echo "skip  $spec: $why"; else set -- "$@" "$spec"; fi
  done
fi

clean=0 not=0
trap 'exit 130' INT TERM
for spec; do
  rm -f "$reports"/*
  PATH="$dir/bin:$PATH" LUA=$lua RUNWAY_BUILD=$dir SPEC_TIMEOUT=900 tools/specs.sh "$spec" >"$dir/log"
  code=$?
  sed '$d' "$dir/log"
  for report in "$reports"/*; do
    [ -s "$report" ] || continue
    sed 's/^/      /' "$report"
    code=1
  done
  if [ $code -eq 0 ]; then clean=$((clean + 1)); else not=$((not + 1)); fi
done
echo "$clean clean, $not not"
[ $not -eq 0 ]
