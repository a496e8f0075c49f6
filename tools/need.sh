#!/bin/sh
# Installs what a target needs and this system lacks, and says so; does nothing when all is there.
#
#   tools/need.sh GROUP…      build run demo test bench check rock make fuzz valgrind
#
# Debian and its kin: through apt-get. Elsewhere it names the packages and stops.
# INSTALL=no only names them; INSTALL=ask does so too, unless it is root already or someone at
# a terminal lets it become root by sudo; INSTALL=yes, or none, installs. LUA, LUA_VERSION, CC,
# LUA_CFLAGS, LISTENER, SQLITE, POSTGRESQL and FULL mean what they mean to make.
# shellcheck disable=SC2317  # most functions are called through need()
set -u

lua=${LUA:-lua5.4}
version=${LUA_VERSION:-5.4}
digits=$(echo "$version" | tr -d .)
cc=${CC:-cc}
PATH=$PATH:/usr/local/sbin:/usr/sbin # where Debian has nghttpd, and its users do not look

# ---- is it there? ----

has() { command -v "$1" >/dev/null 2>&1; }

pkg() { has pkg-config && pkg-config --exists "$@"; }

compiles() { # a C compiler alone is not enough: libc's headers come in a package of their own
  dir=$(mktemp -d) || return 1
  printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' >"$dir/a.c"
  # shellcheck disable=SC2086  # CC may hold words
  $1 -o "$dir/a" "$dir/a.c" >/dev/null 2>&1
  compiled=$?
  rm -rf "$dir"
  return "$compiled"
}

lua_runs() { "$lua" -e "assert(_VERSION == 'Lua $version')" >/dev/null 2>&1; }

lua_headers() {
  [ -n "${LUA_CFLAGS:-}" ] || pkg "lua$version" || pkg "lua-$version" || pkg "lua$digits" ||
    pkg "lua >= $version lua < $version.99"
}

lua_module() {
  "$lua" -e "os.exit((package.searchpath('$1', package.path)
    or package.searchpath('$1', package.cpath)) and 0 or 1)" >/dev/null 2>&1
}

library() { # $1 pkg-config name, $2 header
  pkg "$1" || [ -f "/usr/include/$2" ] || [ -f "/usr/local/include/$2" ]
}

runtime() { # a sanitizer's run-time library for gcc
  [ -f "$(gcc -print-file-name="$1" 2>/dev/null)" ]
}

# ---- what each group needs ----
# need WHAT APT DNF PACMAN BREW ROCK TEST…   ("-": not packaged there, or part of something else)

missing='' apt='' dnf='' pacman='' brew='' rock=''

refuse() { echo "runway: $1" >&2; exit 1; } # what no package mends

need() {
  what=$1 a=$2 d=$3 p=$4 b=$5 r=$6
  shift 6
  "$@" && return
  missing="$missing${missing:+, }$what"
  [ "$a" = - ] || apt="$apt $a"
  [ "$d" = - ] || dnf="$dnf $d"
  [ "$p" = - ] || pacman="$pacman $p"
  [ "$b" = - ] || brew="$brew $b"
  [ "$r" = - ] || rock="$rock $r"
}

need_build() {
  program=${cc%% *}
  case $program in
    cc | gcc) need 'a C compiler' 'gcc libc6-dev' gcc gcc gcc - compiles "$cc" ;;
    gcc-[0-9]* | clang | clang-[0-9]* | tcc | ccache)
      need "$program" "$program libc6-dev" "$program" "$program" - - compiles "$cc" ;;
    *) compiles "$cc" || refuse "CC=$cc makes no program of C: is it spelt right? This system's own: make CC=cc" ;;
  esac
  need pkg-config pkg-config pkgconf-pkg-config pkgconf pkgconf - has pkg-config
  need "Lua $version (LUA=$lua does not run)" "lua$version" lua "lua$digits" "lua@$version" - lua_runs
  need "the headers of Lua $version" "liblua$version-dev" lua-devel "lua$digits" "lua@$version" - lua_headers
  need libcurl libcurl4-openssl-dev libcurl-devel curl curl - library libcurl curl/curl.h
  [ "${LISTENER:-yes}" = no ] ||
    need libmicrohttpd libmicrohttpd-dev libmicrohttpd-devel libmicrohttpd libmicrohttpd - \
      library libmicrohttpd microhttpd.h
  [ "${SQLITE:-yes}" = no ] || need SQLite libsqlite3-dev sqlite-devel sqlite sqlite - library sqlite3 sqlite3.h
  [ "${POSTGRESQL:-yes}" = no ] || need libpq libpq-dev libpq-devel postgresql-libs libpq - library libpq libpq-fe.h
}

need_run() { # what compiling asks nothing of
  need lua-cjson lua-cjson - - - lua-cjson lua_module cjson
  need argparse lua-argparse - - - argparse lua_module argparse
}

need_demo() {
  need_run
  # https to a provider needs the certificates; the sandbox does not
  [ ! -f /etc/debian_version ] ||
    need 'CA certificates' ca-certificates - - - - [ -s /etc/ssl/certs/ca-certificates.crt ]
}

need_test() {
  need_demo
  need 'a C++ compiler' g++ gcc-c++ gcc gcc - has c++
  need busted lua-busted - - - busted lua_module busted.runner
  need luasocket lua-socket - - - luasocket lua_module socket.core
  need luasec lua-sec - - - luasec lua_module ssl
  need luv lua-luv - - - luv lua_module luv
  need cqueues lua-cqueues - - - cqueues lua_module cqueues
  need git git git git git - has git
  need openssl openssl openssl openssl openssl - has openssl
  need ffprobe ffmpeg ffmpeg-free ffmpeg ffmpeg - has ffprobe
  need nghttpd nghttp2-server nghttp2 nghttp2 nghttp2 - has nghttpd
  need tmux tmux tmux tmux tmux - has tmux
  [ "${FULL:-no}" = no ] || [ "${POSTGRESQL:-yes}" = no ] ||
    need PostgreSQL postgresql postgresql-server postgresql postgresql - postgresql_server
  [ "${FULL:-no}" = no ] ||
    need Chromium 'chromium fonts-dejavu-core' chromium chromium chromium - browser
}

browser() { # by any of its names, as spec/support/browser.lua has them
  has chromium || has chromium-browser || has google-chrome || has google-chrome-stable
}

postgresql_server() { # Debian keeps it out of PATH
  for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin $(echo "$PATH" | tr : ' '); do
    [ ! -x "$dir/postgres" ] || [ ! -x "$dir/initdb" ] || [ ! -x "$dir/psql" ] || return 0
  done
  return 1
}

need_bench() { # the floors are what the databases' own programs do; valgrind counts instructions
  need_demo
  need luasocket lua-socket - - - luasocket lua_module socket.core
  need luasec lua-sec - - - luasec lua_module ssl
  need luv lua-luv - - - luv lua_module luv
  need openssl openssl openssl openssl openssl - has openssl
  need valgrind valgrind valgrind valgrind - - has valgrind
  need curl curl curl curl curl - has curl
  need nghttpx nghttp2-proxy nghttp2 nghttp2 nghttp2 - has nghttpx
  [ "${SQLITE:-yes}" = no ] || need sqlite3 sqlite3 sqlite sqlite sqlite - has sqlite3
  [ "${POSTGRESQL:-yes}" = no ] ||
    need PostgreSQL postgresql 'postgresql-server postgresql-contrib' postgresql postgresql - postgresql_server
}

need_rock() { # what it brings is run
  need_demo
  need luarocks luarocks luarocks luarocks luarocks - has luarocks
}

need_check() {
  need gcc 'gcc libc6-dev' gcc gcc gcc - compiles gcc
  need clang clang clang clang - - compiles clang
  need luacheck lua-check - luacheck luacheck luacheck has luacheck
  need luac5.1 lua5.1 compat-lua lua51 - - has luac5.1
  need cppcheck cppcheck cppcheck cppcheck cppcheck - has cppcheck
  need clang-tidy clang-tidy clang-tools-extra clang llvm - has clang-tidy
  need clang-format clang-format clang-tools-extra clang llvm - has clang-format
  need shellcheck shellcheck ShellCheck shellcheck shellcheck - has shellcheck
  need valgrind valgrind valgrind valgrind - - has valgrind
  need_fuzz
  need "gcc's sanitizers" libgcc-12-dev 'libasan libubsan libtsan' gcc-libs - - sanitizers
  need_rock
}

sanitizers() { runtime libasan.so && runtime libtsan.so && runtime libubsan.so; }

fuzzer() { # clang's libFuzzer, which may be in a package of its own
  dir=$(mktemp -d) || return 1
  printf 'int LLVMFuzzerTestOneInput(const char *s, unsigned long n) { return !s && n; }\n' >"$dir/a.c"
  clang -fsanitize=fuzzer -o "$dir/a" "$dir/a.c" >/dev/null 2>&1
  linked=$?
  rm -rf "$dir"
  return "$linked"
}

need_fuzz() { # its targets run Lua with luasocket
  need_test
  need "clang's libFuzzer" 'clang libclang-rt-14-dev' 'clang compiler-rt' 'clang compiler-rt' llvm - fuzzer
}

need_valgrind() {
  need_test
  need valgrind valgrind valgrind valgrind - - has valgrind
}

need_make() {
  need make make make make make - has make
}

# ---- getting it ----

apt_get() { # $1 how often to try: a mirror may be busy, or another program hold apt's locks
  tries=$1
  shift
  if [ "$(id -u)" -eq 0 ]; then sudo=''; else sudo=sudo; fi
  while [ "$tries" -gt 0 ]; do
    tries=$((tries - 1))
    # --no-remove: never at the price of something installed here
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
      -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" </dev/null >"$log" 2>&1 && return
    [ "$tries" -eq 0 ] || sleep 5
  done
  return 1
}

allowed() { # to install
  case ${INSTALL-yes} in
    yes) ;;
    ask)
      [ "$(id -u)" -ne 0 ] || return 0
      has sudo && [ -t 0 ] && [ -t 2 ] || return 1
      printf 'runway: missing %s. Install through sudo apt-get:%s? [y/N] ' "$missing" "$apt" >&2
      read -r answer || return 1
      case $answer in [yY]*) ;; *) return 1 ;; esac
      ;;
    *) return 1 ;;
  esac
}

by_apt() {
  if [ "$(id -u)" -ne 0 ] && ! has sudo; then
    echo "runway: as root, run:  apt-get install$apt" >&2
    return 1
  fi
  log=$(mktemp) || return 1
  echo "runway: missing $missing; installing with apt-get:$apt"
  # Package lists may be absent or old: fetched once, and only if it does not work without.
  # shellcheck disable=SC2086  # words on purpose
  if ! { known $apt && quietly $apt && apt_get 1 install --no-install-recommends --no-remove -y $apt; }; then
    apt_get 3 update
    if ! { quietly $apt && apt_get 3 install --no-install-recommends --no-remove -y $apt; }; then
      cat "$log" >&2
      rm -f "$log"
      echo "runway: apt-get could not install$apt" >&2
      return 1
    fi
  fi
  rm -f "$log"
}

# Debian's package makes a database and starts it; the specs start one of their own and want no other.
quietly() { # the packages to be installed
  case " $* " in *' postgresql '*) ;; *) return 0 ;; esac
  [ ! -e /etc/postgresql-common/createcluster.conf ] || return 0
  apt_get 3 install --no-install-recommends --no-remove -y postgresql-common || return 1
  $sudo sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
}

known() { # are all these packages in the lists at hand?
  for package; do
    apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || return 1
  done
}

# This system's Lua is not of every version; lists that are empty say nothing of it.
without_lua() {
  case " $apt " in *" lua$version "* | *" liblua$version-dev "*) ;; *) return 1 ;; esac
  apt-cache pkgnames lua5 2>/dev/null | grep -q . && ! known "lua$version" "liblua$version-dev"
}

advise() { # $1 command, $2 packages
  has "${1%% *}" || return 1
  # shellcheck disable=SC2046,SC2086  # words on purpose
  [ -z "$2" ] || echo "  $1" $(printf '%s\n' $2 | awk '!seen[$0]++') >&2
  for name in $rock; do echo "  luarocks --lua-version $version install $name" >&2; done
}

groups() {
  missing='' apt='' dnf='' pacman='' brew='' rock=''
  for group; do "need_$group"; done
}

for group; do
  case $group in
    build | run | demo | test | bench | check | rock | make | fuzz | valgrind) ;;
    *) echo "usage: $0 build|run|demo|test|bench|check|rock|make|fuzz|valgrind …" >&2; exit 2 ;;
  esac
done

case $version in
  5.[345]) ;;
  *) refuse "LUA=$lua is Lua $version; runway is built for Lua 5.3, 5.4 or 5.5: make LUA=lua5.4" ;;
esac
case $lua in # a package may bring it under these names
  lua | "lua$version" | "lua-$version" | "lua$digits") ;;
  *) lua_runs || refuse "LUA=$lua does not run as Lua $version: is it spelt right? This system's own: make LUA=lua$version" ;;
esac

groups "$@"
[ -n "$missing" ] || exit 0

if has apt-get && without_lua; then
  refuse "no package here is Lua $version: make LUA=lua5.4 (or lua5.3), or build that Lua, and name it: make LUA=/its/program LUA_CFLAGS=-I/its/headers"
fi

if has apt-get && [ -f /etc/debian_version ] && allowed; then
  by_apt || exit 1
  hash -r
  groups "$@"
  [ -n "$missing" ] || exit 0
  echo "runway: installed, and still not usable: $missing" >&2
  exit 1
fi

echo "runway: missing $missing. To install:" >&2
if has apt-get; then
  echo "  apt-get install$apt" >&2
else
  advise 'brew install' "$brew" || advise 'dnf install' "$dnf" || advise 'pacman -S' "$pacman" ||
    echo "  (Debian's names)$apt" >&2
fi
exit 1
