#!/usr/bin/env bash
# What takes too long for every day: each tools/torture/*.lua and *.sh in turn.
#
#   tools/torture.sh [NAME…]      default: all of them
#
# A script does what it has to COUNT times or for SECONDS_EACH seconds, by default as often as its promise
# says, and prints the SEED that makes the same happen again. It ends with 0 only if all was well.
set -u
cd "$(dirname "$0")/.." || exit 1

# shellcheck source=tools/checkout.sh
. tools/checkout.sh
export CC=${CC:-cc}
for name in COUNT SECONDS_EACH SEED; do
  if [ -n "${!name:-}" ]; then export "${name?}"; else unset "$name"; fi
done

if [ $# -eq 0 ]; then
  for file in tools/torture/*.lua tools/torture/*.sh; do
    [ ! -f "$file" ] || set -- "$@" "$(basename "$file")"
  done
fi
script_of() { # $1 a name, with what it ends in or without
  local file
  for file in "tools/torture/$1" "tools/torture/$1.lua" "tools/torture/$1.sh"; do
    [ ! -f "$file" ] || { basename "$file"; return; }
  done
  return 1
}

for name; do
  script_of "$name" >/dev/null ||
    { echo "there is no torture $name (there are: $(cd tools/torture && echo *.lua *.sh))" >&2; exit 2; }
done
passed=0 failed=0
for name; do
  name=$(script_of "$name")
  begin=$SECONDS
  echo "== $name"
  case $name in
    *.lua) "$lua" "tools/torture/$name" ;;
    *.sh) bash "tools/torture/$name" ;;
  esac
  code=$?
  if [ $code -eq 0 ]; then
    passed=$((passed + 1))
    echo "ok    $name ($((SECONDS - begin)) s)"
  else
    failed=$((failed + 1))
    echo "FAIL  $name ($((SECONDS - begin)) s, exit code $code)"
  fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
