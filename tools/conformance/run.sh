#!/usr/bin/env bash
# The adapter for Runway's own API, its catalogue of models, and the sandbox, against Runway's OpenAPI
# document and official SDK: the types in its package, and the SDK at work. Last line: `N passed, N failed`.
#
#   tools/conformance/run.sh OPENAPI     started by `make conformance OPENAPI=path`
#
# LUA, LUA_PATH, LUA_CPATH  as to run from this checkout
# RUNWAY_BUILD              where the modules were built, and npm's packages go (./build)
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
build=${RUNWAY_BUILD:-$here/../../build}

fail() { echo "conformance: $*" >&2; exit 2; }

openapi=${1:-}
[ -n "$openapi" ] ||
  fail "which OpenAPI document? make conformance OPENAPI=path (Runway publishes it); an adapter of your own is tried by runway.conformance, see docs/adapters.md"
[ -r "$openapi" ] || fail "cannot read $openapi"
for tool in node npm; do
  command -v $tool >/dev/null || fail "needs $tool: install Node.js 20 or newer with npm"
done
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' ||
  fail "needs Node.js 20 or newer; this is $(node --version)"
[ "${2:-}" != --look ] || exit 0 # all that can be missing is there

export CONFORMANCE_MODULES=$build/conformance
if ! cmp -s "$here/package-lock.json" "$CONFORMANCE_MODULES/package-lock.json" ||
  [ ! -d "$CONFORMANCE_MODULES/node_modules" ]; then
  rm -rf "$CONFORMANCE_MODULES"
  mkdir -p "$CONFORMANCE_MODULES" || exit 1
  cp "$here/package.json" "$here/package-lock.json" "$CONFORMANCE_MODULES" || exit 1
  npm ci --prefix "$CONFORMANCE_MODULES" --ignore-scripts --no-audit --no-fund --silent || {
    rm -rf "$CONFORMANCE_MODULES"
    fail "npm could not fetch the packages named in tools/conformance/package.json"
  }
fi

exec node "$here/run.mjs" "$openapi"
