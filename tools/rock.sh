#!/usr/bin/env bash
# Proves the rockspecs: `luarocks make` in a copy of the tree, into an empty directory that is thrown
# away, without a network (what the rocks depend on is declared as provided by the system), then uses
# what each brought. Then `make clean` has to leave the copy as it was.
set -u
cd "$(dirname "$0")/.." || exit 1

lua=${LUA:-lua5.4} version=${LUA_VERSION:-5.4}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

mkdir "$dir/source" || exit 1
cp -R LICENSE ./*.md Makefile bin docs examples lua src rockspec tools types "$dir/source/" || exit 1
cat >"$dir/config.lua" <<CONFIG
rocks_servers = {}
rocks_provided = { ["lua-cjson"] = "2.1.0-1", argparse = "0.7.1-1" }
CONFIG

cd "$dir/source" || exit 1
export LUAROCKS_CONFIG=$dir/config.lua HOME=$dir
unset LUA_PATH LUA_CPATH RUNWAY_BUILD
rm -f src/*.o
find . | sort >"$dir/before"

rock() { luarocks --lua-version "$version" --tree "$dir/tree" make "$@"; }

rock_dir() { luarocks --lua-version "$version" --tree "$dir/tree" show --rock-dir "$1"; }

companion() { (cd src && rock ../rockspec/companions/runway-"$1"-dev-1.rockspec); }

installed() { # runs a script with what is in the tree, and nothing else of runway
  (cd / && LUA_PATH="$dir/tree/share/lua/$version/?.lua;$dir/tree/share/lua/$version/?/init.lua;;" \
    LUA_CPATH="$dir/tree/lib/lua/$version/?.so;;" "$lua" -e "tree = '$dir/tree'" -)
}

runway() { (cd / && "$dir/tree/bin/runway" "$@"); }

# The first alone, found without its name: a client, the command, and who tells what the others are for.
rock || exit 1
runway --version && runway sandbox --help >/dev/null || exit 1
runway sandbox --port 0 2>&1 | grep 'luarocks install runway-server' || exit 1
installed <<'LUA' || exit 1
local runway = require "runway"
assert(type(runway.client) == "function", "runway.client is missing")
local found = assert(package.searchpath("runway", package.cpath))
assert(found:sub(1, #tree) == tree, "not the rock's own module: " .. found)
for _, module in ipairs { "listener", "sqlite", "postgresql" } do
  assert(not pcall(require, "runway." .. module), module .. " belongs into a rock of its own")
end
for rock, where in pairs { sqlite = tree .. "/a.db", postgresql = "postgresql://127.0.0.1:1/x" } do
  local journal, err = runway.journal(where)
  assert(not journal and err.message:find("luarocks install runway-" .. rock, 1, true), tostring(err))
end
LUA

pages=$(rock_dir runway) || exit 1
for page in LICENSE README.md docs/reference.md examples/first_clip.lua types/runway.lua; do
  [ -f "$pages/$page" ] || { echo "not in the rock: $page"; exit 1; }
done

companion sqlite || exit 1
installed <<'LUA' || exit 1
assert(require("runway").journal(tree .. "/a.db")):close()
LUA

companion postgresql || exit 1
installed <<'LUA' || exit 1
local journal, err = require("runway").journal "postgresql://127.0.0.1:1/x"
assert(not journal and err.kind == "io", tostring(err))
LUA

companion server || exit 1
installed <<'LUA' || exit 1
local server = assert(require("runway.sandbox").start())
local client = assert(require("runway").client { provider = "runwayml", api_key = "any", base_url = server.base_url })
assert(client:credits())
LUA

rock --pack-binary-rock >/dev/null || exit 1
mkdir -p lua_modules .luarocks && make -s clean || exit 1
find . | sort | diff "$dir/before" - || { echo "make clean leaves what luarocks made"; exit 1; }
