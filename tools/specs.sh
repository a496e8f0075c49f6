#!/usr/bin/env bash
# Runs specs, each file in a process of its own: one that crashes or hangs fails alone.
#
#   tools/specs.sh [FILE…]      default: every spec/**/*_spec.lua
#
# LUA           the interpreter (lua5.4)
# RUNWAY_BUILD  where the modules were built (./build)
# SPEC_TIMEOUT  seconds one file may take (180)
# JOBS          how many files run side by side (as many as there are processors, at most 4)
set -u
cd "$(dirname "$0")/.." || exit 1

# shellcheck source=tools/checkout.sh
. tools/checkout.sh

[ -f "$RUNWAY_BUILD/runway.so" ] || { echo "runway: there is no $RUNWAY_BUILD/runway.so: run make first" >&2; exit 1; }

# What was said to the make that runs this is not for one that a spec runs.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES INSTALL

if [ $# -eq 0 ]; then
  IFS=$'\n'
  # shellcheck disable=SC2046  # one file a line
  set -- $(find spec -name '*_spec.lua' | LC_ALL=C sort)
  unset IFS
fi

for file; do
  [ -f "$file" ] || { echo "there is no file $file (specs are spec/**/*_spec.lua)" >&2; exit 1; }
done

limit=
command -v timeout >/dev/null && limit="timeout -k 5 ${SPEC_TIMEOUT:-180}"
cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
jobs=${JOBS:-$((cpus < 4 ? cpus : 4))}

work=$(mktemp -d) || exit 1
workers=()
# shellcheck disable=SC2317  # called by the trap
leave() {
  [ ${#workers[@]} -eq 0 ] || kill "${workers[@]}" 2>/dev/null
  wait
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM

# Runs the file $2, the $1st of all; leaves what is to be shown in $1.shown, and its sums in $1.sums.
run() {
  local file=$2 out=$work/$1.out last=$work/$1.last begin=$SECONDS code took note='' line ok bad skipped=0
  # shellcheck disable=SC2086  # words on purpose
  $limit "$lua" spec/support/busted.lua --ignore-lua --verbose \
    -o spec/support/summary.lua -- "$file" >"$out" 2>&1 </dev/null &
  child=$!
  wait $child 2>/dev/null
  code=$?
  child=
  took=$((SECONDS - begin))
  [ $took -lt 2 ] || note=", $took s"

  # what the library says at its end may stand after it
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$out" | tail -n 1)
  ok=${line%% passed*} bad=${line##*, } bad=${bad%% failed*}
  if [ -z "$line" ]; then # it never came to its end
    ok=0 bad=1
    grep '^test: ' "$out" | tail -n 1 | sed 's/^test: /the last one begun: /' >"$last"
    cat "$last" >>"$out"
    case $code in
      124 | 137) echo "no end after ${SPEC_TIMEOUT:-180} seconds" >>"$out" ;;
      *) echo "ended early, exit code $code" >>"$out" ;;
    esac
  elif [ $code -ne 0 ] && [ "$bad" -eq 0 ]; then # its tests passed, then it crashed or leaked
    bad=1
    echo "exit code $code after its last test" >>"$out"
  fi

  if [ "$bad" -eq 0 ]; then
    echo "ok    $file ($ok$note)"
    grep '^skipped: ' "$out" >"$last" && skipped=$(($(wc -l <"$last")))
    sed 's/^/      /' "$last"
  else
    echo "FAIL  $file ($ok passed, $bad failed$note)"
    sed -e '/^test: /d' -e 's/^/      /' "$out"
  fi >"$work/$1.shown"
  echo "$ok $bad $skipped" >"$work/$1.sum" && mv "$work/$1.sum" "$work/$1.sums"
}

# Takes one file after another that no other worker has taken.
work() {
  trap '[ -z "$child" ] || kill "$child"; exit' TERM
  local i=0 file child=
  for file; do
    i=$((i + 1))
    mkdir "$work/$i" 2>/dev/null && run $i "$file"
  done
}

while [ ${#workers[@]} -lt "$jobs" ]; do
  work "$@" 2>/dev/null &
  workers+=($!)
done

# In the order of the list, as soon as it is there.
passed=0 failed=0 skipped=0 i=0
for file; do
  i=$((i + 1))
  until [ -f "$work/$i.sums" ] || ! kill -0 "${workers[@]}" 2>/dev/null; do sleep 0.1; done
  if [ -f "$work/$i.sums" ]; then
    read -r ok bad skips <"$work/$i.sums"
    cat "$work/$i.shown"
  else
    echo "FAIL  $file (what ran it was ended)"
    ok=0 bad=1 skips=0
  fi
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skips))
done

if [ $((passed + failed + skipped)) -eq 0 ]; then
  echo "no test ran"
  failed=1
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
