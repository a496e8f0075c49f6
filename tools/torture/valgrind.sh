#!/usr/bin/env bash
# Specs under valgrind, which sees what the sanitizers do not: uses of what was never written, also in
# the libraries below. Every Lua that a spec starts runs in it.
#
#   tools/torture/valgrind.sh [SPEC…]      default: those of C, and those with a server of raw bytes
set -u
cd "$(dirname "$0")/../.." || exit 1

version=${LUA_VERSION:-5.4}
lua=lua$version
dir=$PWD/build/valgrind
mkdir -p "$dir/bin" || exit 1
LUA=$lua LUA_VERSION=$version tools/need.sh valgrind || exit 1

# A module that was unloaded has no names in a report.
"${MAKE:-make}" -j2 --no-print-directory BUILD=build/valgrind LUA="$lua" HARDEN= CFLAGS='-O1 -g' \
  LDFLAGS='-Wl,-z,nodelete' all >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }

real=$(command -v "$lua")
rm -f "$dir"/report.*
cat >"$dir/bin/$lua" <<SCRIPT
#!/bin/bash
exec valgrind -q --child-silent-after-fork=yes --num-callers=30 --leak-check=full \\
  --show-leak-kinds=definite --errors-for-leak-kinds=definite --suppressions=$PWD/tools/valgrind.supp \\
  --log-file=$dir/report.%p $real "\$@"
SCRIPT
chmod +x "$dir/bin/$lua"

if [ $# -eq 0 ]; then
  # Not these two: a thread that is slow to leave is left behind, with what it would take away; and a
  # stopped process has half a second for its answer.
  mapfile -t specs < <({ ls spec/src/*_spec.lua; grep -rl --include='*_spec.lua' rawserver spec; } | sort -u |
    grep -vE '(engine_process|network)_spec')
  set -- "${specs[@]}"
fi
PATH="$dir/bin:$PATH" LUA=$lua RUNWAY_BUILD=$dir SPEC_TIMEOUT=900 tools/specs.sh "$@"
code=$?
for report in "$dir"/report.*; do
  [ -s "$report" ] || continue
  echo "== $report"
  cat "$report"
  code=1
done
exit $code
