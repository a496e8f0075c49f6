#!/usr/bin/env bash
# How much of src/ the specs run, by gcov: each file, all of it, and what they do not. And of lua/, by
# tools/coverage/lua.sh.
#
#   tools/coverage.sh [SPEC…]      default: all of them
#
# Fails below 95 of 100 lines, when a line that no spec reached is not in docs/coverage.md, which says
# why, and when that page speaks of a line that is not there. With specs named it only shows what these
# reach.
set -u
cd "$(dirname "$0")/.." || exit 1

least=95
dir=build/coverage
lua=${LUA:-lua5.4}
mkdir -p build

# libcurl's macros that check types would count as lines of ours.
"${MAKE:-make}" -j2 --no-print-directory BUILD=$dir CC=gcc HARDEN= \
  CFLAGS='-O0 -g --coverage -fprofile-update=atomic -DCURL_DISABLE_TYPECHECK' all >$dir.log 2>&1 ||
  { cat $dir.log; exit 1; }
find $dir -name '*.gcda' -delete
rm -rf $dir/lines
mkdir -p $dir/lines

# A process that may write no large file is not to end because it cannot write what it counted.
counting=$(LUA=$lua tools/coverage/lua.sh begin $dir/lua) || exit 1
(trap '' XFSZ; eval "$counting"; LUA=$lua RUNWAY_BUILD=$PWD/$dir SPEC_TIMEOUT=300 tools/specs.sh "$@") >$dir/specs.log 2>&1
specs=$?
grep -A20 '^FAIL' $dir/specs.log
tail -n 1 $dir/specs.log

for file in src/*.c; do
  gcov -t -o $dir/obj "$file" 2>/dev/null >"$dir/lines/$(basename "$file")"
  [ -s "$dir/lines/$(basename "$file")" ] || { echo "not counted: $file"; specs=1; }
done

# gcov's lines are "count:number:text", with "#####" as the count of what was never run and "-" of
# what is no code. The list has `src/file.c` and, indented, the first line of each run that was missed.
awk -v least=$least -v all=$# '
  function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
  FILENAME == "docs/coverage.md" {
    if (match($0, /^`src\/[a-z0-9_]+\.[ch]`/)) file = substr($0, 6, RLENGTH - 6)
    else if (/^    /) known[file ": " trim($0)] = gone[file ": " trim($0)] = 1
    next
  }
  FNR == 1 { explained = 0; file = FILENAME; sub(/.*\//, "", file) }
  {
    text = $0; sub(/^[^:]*:[^:]*:/, "", text)
    delete gone[file ": " trim(text)]
    count = trim($0); sub(/:.*/, "", count)
    if (count == "-") next
    lines[file]++; sum++
    if (count !~ /^(#####|=====)$/) { explained = 0; next }
    missed[file]++; never++
    number = $0; sub(/^[^:]*: */, "", number); sub(/:.*/, "", number)
    explained = explained || (file ": " trim(text)) in known
    if (!explained) odd[++odds] = "src/" file ":" number ": " trim(text)
  }
  END {
    for (file in lines) printf "%6.2f %%  src/%s (%d of %d)\n", 100 * (1 - missed[file] / lines[file]), file,
      lines[file] - missed[file], lines[file] | "sort -k3"
    close("sort -k3")
    reached = sum ? 100 * (1 - never / sum) : 0
    printf "%6.2f %%  src/ (%d of %d)\n", reached, sum - never, sum
    if (all) exit
    for (i = 1; i <= odds; i++) print "not reached, and not in docs/coverage.md: " odd[i]
    for (line in gone) { odds++; print "in docs/coverage.md, and not there: src/" line }
    if (reached < least) print "less than " least " %"
    exit odds > 0 || reached < least
  }' docs/coverage.md $dir/lines/*
code=$?
[ $# -eq 0 ] || export LEAST=0
LUA=$lua tools/coverage/lua.sh report $dir/lua || code=1
[ $specs -eq 0 ] && [ $code -eq 0 ]
