#!/usr/bin/env bash
# How much of lua/ the specs run, line by line. Used by tools/coverage.sh, which runs them once for C and Lua.
#
#   eval "$(tools/coverage/lua.sh begin DIR)"    from here on every Lua that is started counts, in DIR
#   tools/coverage/lua.sh report DIR             each file, all of them, and what no spec reached (DIR/missed)
#
# Fails below 95 of 100 lines unless LEAST says another number. Lines are those that luac has instructions
# for, but for those that only close something.
set -eu
cd "$(dirname "$0")/../.."

lua=${LUA:-lua5.4} dir=$2
version=$("$lua" -e 'print((_VERSION:match "%d.%d"))')

case $1 in
  begin)
    rm -rf "$dir"
    mkdir -p "$dir/counts"
    # shellcheck disable=SC2046  # words on purpose
    "${CC:-gcc}" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -fPIC -shared -Wl,-z,nodelete \
      $(pkg-config --cflags "lua$version") -o "$dir/lines.so" tools/coverage/lines.c
    # What runs specs lets no setting of the user's through, so it is made again where Lua is started, by a
    # script of its name that comes first in PATH. With the version in it: some specs set LUA_INIT itself.
    mkdir -p "$dir/bin"
    {
      echo '#!/bin/bash'
      echo "export RUNWAY_LINES='$PWD/$dir/counts'"
      echo "export LUA_INIT_${version/./_}='package.loadlib(\"$PWD/$dir/lines.so\", \"luaopen_lines\")()'"
      echo "exec -a \"\$0\" '$(command -v "$lua")' \"\$@\""
    } >"$dir/bin/$(basename "$lua")"
    chmod +x "$dir/bin/$(basename "$lua")"
    echo "PATH='$PWD/$dir/bin':\$PATH"
    ;;
  report)
    while read -r file; do
      "${lua/lua/luac}" -l -p "$file" | sed -n "s|^\t[0-9]*\t\[\([0-9]*\)\].*|${file#lua/}:\1|p" | sort -u
    done < <(find lua -name '*.lua' | sort) >"$dir/all"
    sort -u "$dir"/counts/* >"$dir/ran"
    awk -F: -v out="$dir/missed" -v least="${LEAST:-95}" '
      FILENAME ~ /ran$/ { ran[$0] = 1; next }
      {
        if (!(($1, 1) in text)) {
          line = 0
          while ((getline s < ("lua/" $1)) > 0) text[$1, ++line] = s
        }
        if (text[$1, $2] ~ /^[ \t]*((end|else|[])},;])+[])},; ]*)?(--.*)?$/) next
        lines[$1]++; sum++
        if ($0 in ran) next
        missed[$1]++; never++
        printf "lua/%s:%d:%s\n", $1, $2, text[$1, $2] | ("sort -t: -k1,1 -k2,2n >" out)
      }
      END {
        for (file in lines) printf "%6.2f %%  lua/%s (%d of %d)\n", 100 * (1 - missed[file] / lines[file]), file,
          lines[file] - missed[file], lines[file] | "sort -k3"
        close("sort -k3")
        reached = sum ? 100 * (1 - never / sum) : 0
        printf "%6.2f %%  lua/ (%d of %d); not reached: %s\n", reached, sum - never, sum, out
        if (reached < least) { print "less than " least " %"; exit 1 }
      }' "$dir/ran" "$dir/all"
    ;;
esac
