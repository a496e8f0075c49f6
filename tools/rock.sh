#!/usr/bin/env bash
# Proves the rockspec: `luarocks make` in a copy of the tree, into a directory thrown away, without a
# network (what the rock depends on is declared as provided by the system), then uses what it made.
set -u
cd "$(dirname "$0")/.." || exit 1

lua=${LUA:-lua5.4} version=${LUA_VERSION:-5.4}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

mkdir "$dir/source" || exit 1
cp -R LICENSE README.md CHANGELOG.md bin lua src rockspec "$dir/source/" 2>/dev/null
cat >"$dir/config.lua" <<CONFIG
rocks_servers = {}
rocks_provided = { ["lua-cjson"] = "2.1.0-1", argparse = "0.7.1-1" }
CONFIG

cd "$dir/source" || exit 1
export LUAROCKS_CONFIG=$dir/config.lua HOME=$dir
luarocks --lua-version "$version" --tree "$dir/tree" make rockspec/runway-dev-1.rockspec || exit 1

cd / || exit 1 # from here on only the installed files can be found
unset LUA_PATH LUA_CPATH RUNWAY_BUILD
"$dir/tree/bin/runway" --version || exit 1
LUA_PATH="$dir/tree/share/lua/$version/?.lua;$dir/tree/share/lua/$version/?/init.lua;;" \
  LUA_CPATH="$dir/tree/lib/lua/$version/?.so;;" "$lua" - "$dir/tree" <<'LUA'
local runway = require "runway"
assert(type(runway.client) == "function", "runway.client is missing")
assert(require("runway.listener").listen, "runway.listener.listen is missing")
assert(require("runway.sqlite").open, "runway.sqlite.open is missing")
assert(require("runway.postgresql").open, "runway.postgresql.open is missing")
local found = assert(package.searchpath("runway", package.cpath))
assert(found:sub(1, #arg[1]) == arg[1], "not the rock's own module: " .. found)
LUA
