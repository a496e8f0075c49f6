#!/bin/sh
# A night: twenty shots from a list, made at the offline sandbox, where some go wrong as they do in life: refused by
# moderation, failed, turned away for a while, cut off half-way, their answer lost.
#
#   examples/night/run.sh [DIR]        default: a new directory below out/; free
#
# With an account it is one command, which spends credits (the words "sandbox:…" mean nothing there):
#   runway batch examples/night/shots.csv -o DIR --budget 1000
set -u
here=$(cd "$(dirname "$0")" && pwd)
# That of a checkout; where this is installed, the command that is.
program=${LUA:-lua5.4} script=$here/../../bin/runway
[ -f "$script" ] || program=runway script=
runway() { "$program" ${script:+"$script"} "$@"; }

directory=${1:-} number=1
while [ -z "$directory" ]; do
  [ -e "out/night-$number" ] || directory=out/night-$number
  number=$((number + 1))
done

said=$(mktemp) || exit 1
"$program" ${script:+"$script"} sandbox --port 0 --seconds 0.5 --json >"$said" &
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null; rm -f "$said"' EXIT
trap 'exit 130' INT TERM
until address=$(sed -n 's/.*"base_url":"\([^"]*\)".*/\1/p' "$said") && [ -n "$address" ]; do
  kill -0 "$sandbox" 2>/dev/null || exit 1
  sleep 0.1
done

unset RUNWAY_PROVIDER
RUNWAYML_API_SECRET=none-needed runway batch "$here/shots.csv" -o "$directory" --base-url "$address" \
  --poll-interval 0.1 --attempts 2 --budget 2000
code=$?
echo "The exit code is $code: 4 says that what became of a shot is unknown, since the answer to its submit was lost."
[ -f "$directory/index.html" ] && directory=$directory/index.html
echo "$directory"
[ "$code" -eq 4 ]
