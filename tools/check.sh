#!/usr/bin/env bash
# Every check beside the specs, one line each, and `N passed, N failed` last.
#
#   tools/check.sh [NAME…]      default: all of them, in the order below
set -u
cd "$(dirname "$0")/.." || exit 1

make=${MAKE:-make}
lua=${LUA:-lua5.4} version=${LUA_VERSION:-5.4}
top=build/check
log=$PWD/$top/log
mkdir -p "$top"

# ---- the checks: each prints what is wrong and fails, or says nothing ----

build() { # $1 directory, then variables for make
  local dir=$1
  shift
  "$make" -j2 --no-print-directory BUILD="$top/$dir" "$@" all
}

parts='-DRUNWAY_LISTENER -DRUNWAY_SQLITE -DRUNWAY_POSTGRESQL'

all_parts() { # what a compiler is told to compile all of src/
  echo "$parts $(pkg-config --cflags "lua$version" libcurl libmicrohttpd sqlite3 libpq)"
}

check_gcc() { build gcc CC=gcc CFLAGS='-O2 -g -Werror'; }

check_clang() { build clang CC=clang CFLAGS='-O2 -g -Werror'; }

check_symbols() { # a host must not find our names in its way, nor a module lack one of its own
  build gcc CC=gcc CFLAGS='-O2 -g -Werror' >/dev/null || return 1
  local module wrong bad=0
  for module in "$top/gcc/runway.so" "$top"/gcc/runway/*.so; do
    wrong=$(nm -D --defined-only "$module" | awk '$NF !~ /^luaopen_runway/ { print $NF }')
    [ -z "$wrong" ] || { echo "$module exports more than luaopen_runway*: $wrong"; bad=1; }
    wrong=$(nm -D --undefined-only "$module" | awk '$NF ~ /^rw_/ { print $NF }')
    [ -z "$wrong" ] || { echo "$module lacks: $wrong"; bad=1; }
  done
  return $bad
}

check_rooms() { # the rooms below the binding do not know Lua; each sees the same of the system
  local file bad=0
  for file in src/*.c; do
    [ "$(grep -m1 '^#include' "$file")" = '#include "system.h"' ] || { echo "$file: system.h comes first"; bad=1; }
  done
  for file in src/*.[ch]; do
    case $file in src/lua_* | src/runway.c) continue ;; esac
    grep -HnE '#include *[<"](lua|lauxlib|lualib)\.h' "$file" && bad=1
  done
  return $bad
}

check_onefile() { # a host may compile all of src/ as one file, so every name in it is unique
  local dir=$top/onefile cc flags
  flags=$(all_parts)
  for cc in gcc clang; do
    mkdir -p "$dir/$cc" || return 1
    printf '#include "%s"\n' src/*.c >"$dir/runway.c"
    # shellcheck disable=SC2046,SC2086  # words on purpose
    "$cc" -std=c11 -O1 -g -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Werror \
      -I. -Isrc $flags -fPIC -shared -fvisibility=hidden -pthread -o "$dir/$cc/runway.so" "$dir/runway.c" \
      $(pkg-config --libs libcurl libmicrohttpd sqlite3 libpq) || return 1
    LUA=$lua RUNWAY_BUILD=$PWD/$dir/$cc tools/specs.sh spec/src/lua_core_spec.lua \
      spec/src/lua_json_spec.lua spec/src/lua_listener_spec.lua spec/runway/store_spec.lua || return 1
  done
}

check_luacheck() {
  # Named one by one: given a directory, luacheck 1.1 reports what lies deeper in it twice.
  find lua types spec examples bench tools fuzz -name '*.lua' -print0 2>/dev/null |
    xargs -0 luacheck -q --no-color --no-cache --codes bin/runway rockspec/*.rockspec rockspec/companions/*.rockspec
}

# What an editor tells of lua/, types/ and examples/, by .luarc.json; specs do on purpose what it complains of.
check_types() {
  local dir=$top/types
  command -v lua-language-server >/dev/null || { echo "there is no lua-language-server"; return 77; }
  rm -rf "$dir" && mkdir -p "$dir/of" && cp -R lua types examples .luarc.json "$dir/of" &&
    lua-language-server --check="$PWD/$dir/of" --configpath="$PWD/$dir/of/.luarc.json" --logpath="$PWD/$dir/log" \
      --metapath="$PWD/$dir/meta" | tr '\r' '\n' | tee "$dir/said" && grep -q 'no problems found' "$dir/said"
}

check_lua51() { # hosts on Lua 5.1 and LuaJIT must be able to parse our modules
  local file bad=0
  while read -r file; do luac5.1 -p "$file" || bad=1; done < <(find lua -name '*.lua')
  return $bad
}

check_shell() { shellcheck -S warning -x .ci/run tools/*.sh tools/*/*.sh examples/*/*.sh; }

check_format() { # spaces and braces; where lines break, and comments' columns, are the author's
  local file bad=0
  for file in src/*.[ch]; do
    diff <(flat <"$file") <(clang-format "$file" | flat) >"$top/format" || { echo "$file"; cat "$top/format"; bad=1; }
  done
  return $bad
}

flat() { # C without its line breaks: a statement a line
  tr '\n' ' ' | sed -E -e 's/\\ / /g' -e 's/ +/ /g' -e 's/([{(]) /\1/g' -e 's/ ([})])/\1/g' -e 's/([;{}])/\1\n/g'
}

flags_of_all() { echo "-D_GNU_SOURCE -DSCRIPT=\"\" $(all_parts)"; }

# What finds faults by reading finds them in all C of ours: what specs load and what is fuzzed, too.
all_c() { printf '%s\n' src/*.c spec/support/*.c fuzz/*.c bench/*.c bench/*/*.c tools/*.c tools/*/*.c; }

check_cppcheck() {
  # shellcheck disable=SC2086  # words on purpose
  cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr \
    --error-exitcode=1 --suppress=missingIncludeSystem $parts -D_GNU_SOURCE -DLUA_VERSION_NUM=504 -Isrc \
    src spec/support fuzz bench tools
}

check_tidy() {
  local flags
  flags=$(flags_of_all)
  # shellcheck disable=SC2086  # words on purpose
  all_c | xargs -P2 -I{} clang-tidy --quiet {} -- -std=c11 -Isrc $flags \
    -include tools/noreturn.h 2>&1 |
    grep -v -E '^[0-9]+ warnings? (generated|treated as)|^Suppressed |^Use -header-filter'
  [ "${PIPESTATUS[1]}" -eq 0 ]
}

analyze() { # $1 file: gcc's own analyzer
  local known=
  case $1 in
    # What it allocates belongs to a request that lies in a userdata, which is not followed.
    src/lua_request.c) known=-Wno-analyzer-malloc-leak ;;
    # Each name in a request's head has a value behind it, as listener.h says.
    src/lua_listener.c) known=-Wno-analyzer-null-argument ;;
  esac
  # shellcheck disable=SC2086  # words on purpose
  gcc -std=c11 -O1 -fanalyzer -Werror $known -Isrc $flags -include tools/noreturn.h \
    -c -o /dev/null "$1"
}

check_analyzer() {
  export flags
  flags=$(flags_of_all)
  export -f analyze
  all_c | xargs -P2 -I{} bash -c 'analyze "$1"' analyze {}
}

# A sanitized module needs the sanitizer's run-time library loaded before the plain interpreter, and
# must stay loaded (nodelete), or the names in a report are gone by the time it is written. So the
# interpreter is started by a script of its name, first in PATH, that preloads the library. Reports
# go to files, so that those of child processes count too, whatever a spec does with their output.
# The stock interpreter collects garbage by generations, a host's own state usually incrementally:
# here the specs run the second way.
sanitized() { # $1 directory, $2 -fsanitize=…, $3 library, then specs
  local dir=$PWD/$top/$1 flags=$2 library=$3 launcher=${launcher:-} name real
  build "$1" CC=gcc HARDEN= LDFLAGS='-Wl,-z,nodelete' \
    CFLAGS="-O1 -g -fno-omit-frame-pointer $flags" || return 1
  shift 3
  rm -f "$dir"/report.*
  mkdir -p "$dir/bin" || return 1
  # shellcheck disable=SC2086  # words on purpose
  gcc -shared -fPIC $flags -o "$dir/bin/unpreload.so" tools/unpreload.c || return 1
  real=$(command -v "$lua") name=$(basename "$lua")
  cat >"$dir/bin/$name" <<SCRIPT
#!/bin/bash
export LD_PRELOAD=$(gcc -print-file-name="$library"):$dir/bin/unpreload.so:\${SPEC_PRELOAD:-}
export LUA_INIT='collectgarbage "incremental"'
exec -a "\$0" $real "\$@"
SCRIPT
  chmod +x "$dir/bin/$name"

  # shellcheck disable=SC2086  # words on purpose
  SPEC_CFLAGS="-O1 -fno-omit-frame-pointer $flags" \
    PATH="$dir/bin:$PATH" LUA=$name RUNWAY_BUILD=$dir SPEC_TIMEOUT=300 $launcher tools/specs.sh "$@"
  local code=$? report
  for report in "$dir"/report.*; do
    [ -f "$report" ] || continue
    echo "== $report"
    cat "$report"
    code=1
  done
  return $code
}

# The specs that drive our C: its own, and those of lua/ that come to more of it than others do. All others have the
# same C below them, and are run by tools/torture/valgrind.sh.
driving() {
  local of_lua='callbacks/.*|cli/terminal|client_submit|delivery|download|failing|ffmpeg|frame|http|media|program|resume.*'
  of_lua+='|journal/(attempt|init|schema)|mock/core|sandbox/(callbacks|init|tell)|scheduler.*|sheet/init|stack|stop|store'
  of_lua+='|torn_downloads|transport|work_wakes'
  find spec/src spec/hostile spec/runway -name '*_spec.lua' |
    grep -E "^spec/(src|hostile)/|^spec/runway/($of_lua)_spec" | grep -v '/process_and_time_spec' | LC_ALL=C sort
}

# Addresses, undefined behaviour, leaks. Up to GCC 13, a block of thread-local storage that lies at a certain place in
# its page is taken for one with a header that glibc no longer writes (google/sanitizers, issue 1322), in one process of
# some fifty. The search for leaks dies of what it reads there, and the search for races of having no memory for a
# block of that size: so neither is told of such blocks.
check_asan() {
  export ASAN_OPTIONS="log_path=$PWD/$top/asan/report:detect_leaks=1:intercept_tls_get_addr=0"
  ASAN_OPTIONS+=":detect_stack_use_after_return=1:strict_string_checks=1"
  export LSAN_OPTIONS="suppressions=$PWD/tools/lsan.supp:print_suppressions=0"
  export UBSAN_OPTIONS="print_stacktrace=1"
  # shellcheck disable=SC2046,SC2086  # words on purpose
  sanitized asan '-fsanitize=address,undefined -fno-sanitize-recover=undefined' libasan.so $(driving)
}

# Races: those in which a thread runs, but for the ones that bring a malloc of their own or take arguments alone.
check_tsan() {
  local specs
  # shellcheck disable=SC2046  # words on purpose
  specs=$(grep -lE 'sandbox|listener|runway\.core|runway\.store|server' $(driving) |
    grep -v -E '/(callers_arguments|failing|lua_json|runway)_spec')
  [ -n "$specs" ] || { echo "no spec starts a thread"; return 1; }
  export TSAN_OPTIONS="log_path=$PWD/$top/tsan/report:suppressions=$PWD/tools/tsan.supp"
  TSAN_OPTIONS+=":history_size=7:die_after_fork=0:intercept_tls_get_addr=0"
  # the memory that it wants may be taken where the kernel mixes addresses much (google/sanitizers, issue 1716)
  setarch -R true 2>/dev/null && local launcher="setarch -R"
  # shellcheck disable=SC2086  # words on purpose
  sanitized tsan -fsanitize=thread libtsan.so $specs
}

check_fuzz() { tools/torture/fuzz.sh 0; }

check_rock() { LUA=$lua LUA_VERSION=$version tools/rock.sh; }

check_install() { # what is installed works from anywhere, and all of it goes away again
  local root code places
  root=$(mktemp -d) || return 1
  places=(PREFIX="$root/here" LUADIR="$root/lua" LIBDIR="$root/c modules" BINDIR="$root/bin" MANDIR="$root/man"
    DOCDIR="$root/doc")
  "$make" --no-print-directory install PREFIX=/usr DESTDIR="$root/staged" &&
    [ -f "$root/staged/usr/share/doc/runway/LICENSE" ] &&
    "$make" --no-print-directory uninstall PREFIX=/usr DESTDIR="$root/staged" &&
    [ -z "$(find "$root/staged" ! -type d)" ] &&
    "$make" --no-print-directory install "${places[@]}" &&
    (cd / && env -u LUA_PATH -u LUA_CPATH -u RUNWAY_BUILD "$root/bin/runway" --version) &&
    mkdir "$root/linked" && ln -s ../bin/runway "$root/linked/runway" &&
    (cd / && env -u LUA_PATH -u LUA_CPATH -u RUNWAY_BUILD PATH="$root/linked:$PATH" runway --version) &&
    rm -r "$root/linked" &&
    [ -z "$(find "$root/here" -path '*/runway/*' -o -name '*.so')" ] &&
    "$make" --no-print-directory uninstall "${places[@]}" &&
    [ -z "$(find "$root" ! -type d)" ]
  code=$?
  rm -rf "$root"
  return $code
}

check_release() { # the rocks of a release, from its archive, as luarocks gets it
  local root code=0 rockspec
  root=$(mktemp -d) || return 1
  (
    git clone -q . "$root/clone" && cd "$root/clone" || exit 1
    export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@x.test GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x.test
    printf '\n## 9.8.7\n' >>CHANGELOG.md && git commit -q -a -m ready || exit 1
    "$make" -s release VERSION=9.8.7 URL="file://$root/runway-9.8.7.tar.gz" LUA="$lua" || exit 1
    mv build/release/9.8.7/* "$root" && cd "$root" && sha256sum --strict -c SHA256SUMS || exit 1
    printf '%s\n' 'rocks_servers = {}' \
      'rocks_provided = { ["lua-cjson"] = "2.1.0-1", argparse = "0.7.1-1" }' >config.lua
    for rockspec in runway-9.8.7-1.rockspec runway-*-9.8.7-1.rockspec; do
      LUAROCKS_CONFIG=$root/config.lua HOME=$root luarocks --lua-version "$version" --tree "$root/tree" \
        install "$rockspec" || exit 1
    done
    cd / && [ "$(env -u LUA_PATH -u LUA_CPATH "$root/tree/bin/runway" --version)" = "runway 9.8.7" ] &&
      [ -f "$root/tree/lib/lua/$version/runway/sqlite.so" ] &&
      [ -f "$root/tree/lib/lua/$version/runway/postgresql.so" ] &&
      [ -f "$root/tree/lib/lua/$version/runway/listener.so" ]
  ) || code=1
  rm -rf "$root"
  return $code
}

# Instructions for a task, in a build of its own flags. They are counted by valgrind, and with other libraries than the
# figure names not held to it.
check_instructions() {
  command -v valgrind >/dev/null || { echo "there is no valgrind"; return 77; }
  build gcc CC=gcc CFLAGS='-O2 -g -Werror' >/dev/null &&
    "$make" --no-print-directory BUILD="$top/gcc" CC=gcc CFLAGS='-O2 -g -Werror' \
      "$top/gcc/bench/server" "$top/gcc/bench/floor" >/dev/null || return 1
  (
    export LUA=$lua RUNWAY_BUILD=$PWD/$top/gcc
    # shellcheck source=tools/checkout.sh
    . tools/checkout.sh
    "$lua" bench/instructions.lua "$RUNWAY_BUILD/bench"
  )
}

# ---- running them ----

all='gcc clang symbols rooms onefile luacheck types lua51 shell format cppcheck tidy analyzer instructions fuzz asan tsan rock release
  install'

describe() {
  case $1 in
    gcc) echo "builds without a warning with gcc" ;;
    clang) echo "builds without a warning with clang" ;;
    symbols) echo "exports luaopen_runway* and nothing else, lacks nothing of its own" ;;
    rooms) echo "the C rooms below the binding do not include lua.h; system.h comes first" ;;
    onefile) echo "all of src/ compiles and works as one file" ;;
    luacheck) echo "luacheck finds nothing" ;;
    types) echo "lua-language-server finds nothing" ;;
    lua51) echo "lua/ parses as Lua 5.1" ;;
    shell) echo "shellcheck finds nothing" ;;
    format) echo "clang-format agrees with src/" ;;
    cppcheck) echo "cppcheck finds nothing" ;;
    tidy) echo "clang-tidy finds nothing" ;;
    analyzer) echo "gcc's -fanalyzer finds nothing" ;;
    instructions) echo "a task takes as many user instructions as bench/instructions.txt has it" ;;
    fuzz) echo "each input of the fuzzers' corpus, under AddressSanitizer and UBSan" ;;
    asan) echo "specs under AddressSanitizer, UBSan and LeakSanitizer" ;;
    tsan) echo "specs with threads under ThreadSanitizer" ;;
    rock) echo "luarocks builds and installs each rock, it runs, and make clean takes what is left" ;;
    release) echo "a release's rocks install from its archive" ;;
    install) echo "make install works from anywhere, make uninstall leaves nothing" ;;
    tree) echo "nothing is left in the tree that git does not ignore" ;;
    *) return 1 ;;
  esac
}

untracked() { git ls-files --others --exclude-standard 2>/dev/null; }

passed=0 failed=0

# What of a log is to be read where a check failed: neither what was built without a word nor what held.
wrong() { # $1 log
  awk '/^      / && held { next } { held = /^ok    / } !held && !/^  (AR|CC|LINK|MAKE)  /' "$1" | sed 's/^/      /'
}

# What came of one: what went wrong is shown where it failed, and its last line where it was not to be had (77).
tell() { # $1 check, $2 exit code, $3 seconds, $4 log
  if [ "$2" -eq 0 ]; then
    passed=$((passed + 1))
    printf 'ok    %-9s %s (%s s)\n' "$1" "$(describe "$1")" "$3"
  elif [ "$2" -eq 77 ]; then
    printf 'skip  %-9s %s: %s\n' "$1" "$(describe "$1")" "$(tail -n 1 "$4")"
  else
    failed=$((failed + 1))
    printf 'FAIL  %-9s %s (%s s)\n' "$1" "$(describe "$1")" "$3"
    wrong "$4"
  fi
}

run() { # checks, side by side
  local name begin=$SECONDS jobs=()
  for name; do
    describe "$name" >/dev/null || { echo "no such check: $name (there are: $all)" >&2; exit 2; }
    ("check_$name" >"$log.$name" 2>&1 </dev/null) &
    jobs+=($!)
  done
  for name; do
    wait "${jobs[0]}"
    tell "$name" $? $((SECONDS - begin)) "$log.$name"
    jobs=("${jobs[@]:1}")
    rm -f "$log.$name"
  done
}

before=$(untracked)
check_tree() { diff <(printf '%s' "$before") <(printf '%s' "$(untracked)"); }

trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM
# shellcheck disable=SC2086  # words on purpose
[ $# -gt 0 ] || set -- $all tree
slow=() # they wait more than they work, and two cores are the least there are
for name; do
  case $name in asan | tsan) slow+=("$name") ;; esac
done
for name; do
  case $name in
    asan | tsan)
      [ ${#slow[@]} -eq 0 ] || run "${slow[@]}"
      slow=()
      ;;
    *) run "$name" ;;
  esac
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
