#!/bin/sh
# Puts what was built where it is found, and takes it away again. Run by make, which says where:
#
#   tools/install.sh install|uninstall
#
# DESTDIR                  put before every path, for packagers
# PREFIX                   where the completions go (share/…), and all of the following by default
# LUADIR, LIBDIR           Lua's modules, those in Lua and those in C; where `make static` was run, librunway.a too
# INCLUDEDIR               the header for programs in C
# BINDIR, MANDIR, DOCDIR   the command, its man page, the other pages with what they lead to, and the licence
# BUILD, MODULES           where it was built, and which modules, as paths below it
# INSTALL                  the program that copies
# LUA, LUA_VERSION         which Lua runs the command
set -eu
umask 022 # what is made here is for everyone to read, whatever is its maker's habit

pages='LICENSE README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs/*.md types/*.lua
  examples/*.* examples/embed/* examples/night/*.csv examples/night/run.sh examples/night/pictures/*'
completions='bash-completion/completions/runway zsh/site-functions/_runway fish/vendor_completions.d/runway.fish'

elsewhere='install as root (sudo), or elsewhere: PREFIX=$HOME/.local'

refuse() { printf 'runway: %s\n' "$1" >&2; exit 2; }

# Where each goes: a path from the root, and none that Lua, its scripts or a shell would read as something else.
for name in PREFIX LUADIR LIBDIR INCLUDEDIR BINDIR MANDIR DOCDIR; do
  eval "place=\$$name"
  case $place in
    *[\;?\'\"\\]*) refuse "$name must do without ; ? ' \" \\, which Lua, its scripts or a shell read as something else: $place" ;;
    /*) ;;
    *) refuse "$name is not a path from the root: $place" ;;
  esac
  place=$(printf '%s' "$place" | sed 's|//*|/|g')
  eval "$name=\${place%/}"
done
case ${DESTDIR:-/} in /*) ;; *) refuse "DESTDIR is not a path from the root: $DESTDIR" ;; esac

directory() {
  { [ -d "$DESTDIR$1" ] || mkdir -p "$DESTDIR$1" 2>/dev/null; } && [ -w "$DESTDIR$1" ] ||
    refuse "$(id -un) may not write to $DESTDIR$1: $elsewhere"
}

put() { # $1 mode, $2 file, $3 its path once installed
  directory "${3%/*}"
  # shellcheck disable=SC2086  # it may hold words
  $INSTALL -m "$1" "$2" "$DESTDIR$3"
}

put_if_made() { # the same, of what `make static` makes, or `make manual` where it can
  [ ! -f "$2" ] || put "$@"
}

# In a checkout the command looks beside itself; here it is told its places, and its Lua.
put_command() {
  interpreter=$(command -v "$LUA") || interpreter="/usr/bin/env lua$LUA_VERSION"
  directory "$BINDIR"
  sed -e "1s|.*|#!$interpreter|" -e "/^-- In a checkout/,/^local lib_dir/c\\
local lua_dir = \"$LUADIR\"\\
local lib_dir = \"$LIBDIR\"" bin/runway >"$DESTDIR$BINDIR/runway"
  chmod 755 "$DESTDIR$BINDIR/runway"
}

# What this Lua alone reads, in place of LUA_PATH and LUA_CPATH.
own_path=LUA_PATH_$(echo "$LUA_VERSION" | tr . _)
own_cpath=LUA_CPATH_${own_path#LUA_PATH_}

# Does a Lua with no settings of its user's look there?
looked_for() { # $1 "path" or "cpath", $2 an entry of it
  env -u "$own_path" -u "$own_cpath" -u LUA_PATH -u LUA_CPATH "$LUA" -e \
    "os.exit((';' .. package.$1 .. ';'):find(';$2;', 1, true) and 0 or 1)" 2>/dev/null
}

below=
[ -z "${DESTDIR:-}" ] || below=" below $DESTDIR"

say_where() {
  echo "installed$below: $BINDIR/runway, $LUADIR/runway, $LIBDIR/runway.so"
  [ -z "$below" ] || return 0 # the rest is said by who installs the package
  if ! looked_for path "$LUADIR/?.lua" || ! looked_for cpath "$LIBDIR/?.so"; then
    echo "Lua does not look there by itself. For \`require \"runway\"\`, in your shell:"
    echo "  export LUA_PATH='$LUADIR/?.lua;$LUADIR/?/init.lua;'\"\${LUA_PATH:-;}\""
    echo "  export LUA_CPATH='$LIBDIR/?.so;'\"\${LUA_CPATH:-;}\""
    echo "Where $own_path or $own_cpath is set, Lua reads that in place of these: put it there."
  fi
  completion=$PREFIX/share/${completions%% *}
  [ ! -f "$completion" ] ||
    echo "bash completes it where bash-completion looks there, else after:  . '$completion'"
  INSTALL=no tools/need.sh run || echo "(It is installed; without these it does not run.)"
}

# ---- taking away ----

# What the installs for several Luas below one prefix have together, and what this one has alone: a path a line.
shared() {
  printf '%s\n' "$BINDIR/runway" "$MANDIR/man1/runway.1" "$INCLUDEDIR/runway.h"
  completing
  for file in $pages; do printf '%s\n' "$DOCDIR/$file"; done
}

completing() { for file in $completions; do printf '%s\n' "$PREFIX/share/$file"; done; }

own() {
  [ "$LUADIR" = "$heir_luadir" ] || printf '%s\n' "$LUADIR/runway"
  printf '%s\n' "$LIBDIR/runway" "$LIBDIR/runway.so" "$LIBDIR/librunway.a"
}

of_version() { printf '%s\n' "$2" | sed "s/${LUA_VERSION%.*}\\.${LUA_VERSION#*.}/$1/g"; } # a place, as another Lua has it

told_to_command() { # lua_dir or lib_dir
  [ ! -f "$DESTDIR$BINDIR/runway" ] || sed -n "s/^local $1 = \"\\(.*\\)\"\$/\\1/p" "$DESTDIR$BINDIR/runway"
}

# Whose the shared is once this is gone: that of the command's own words, or the same places for another Lua.
find_heir() {
  heir='' heir_luadir=$(told_to_command lua_dir) heir_libdir=$(told_to_command lib_dir)
  [ -z "$heir_libdir" ] || [ "$heir_libdir" = "$LIBDIR" ] || [ ! -f "$DESTDIR$heir_libdir/runway.so" ] || return 0
  for heir in 5.5 5.4 5.3; do
    heir_luadir=$(of_version $heir "$LUADIR") heir_libdir=$(of_version $heir "$LIBDIR")
    [ "$heir_libdir" = "$LIBDIR" ] || [ ! -f "$DESTDIR$heir_libdir/runway.so" ] || return 0
  done
  heir='' heir_luadir='' heir_libdir=''
}

# Where the command was for the Lua that goes, it is for the one that stays.
hand_over() (
  name=lua$heir
  for lua in "$(of_version "$heir" "$LUA")" "lua$heir" "lua-$heir" "lua$(echo "$heir" | tr -d .)"; do
    ! "$lua" -e "assert(_VERSION == 'Lua $heir')" 2>/dev/null || { name=$lua && break; }
  done
  LUA=$name LUA_VERSION=$heir LUADIR=$heir_luadir LIBDIR=$heir_libdir
  put_command
)

there() { # of these paths, those that are there
  while IFS= read -r path; do
    [ ! -e "$DESTDIR$path" ] && [ ! -L "$DESTDIR$path" ] || printf '%s\n' "$path"
  done
}

missing() { # of these paths, those that are not there
  while IFS= read -r path; do
    [ -e "$DESTDIR$path" ] || printf '%s\n' "$path"
  done
}

take() { # these paths, all or none; $1 what to do where that may not be
  advice=$1
  set --
  while IFS= read -r path; do
    path=${DESTDIR%/}$path
    for dir in "${path%/*}/" "$path"; do
      [ ! -d "$dir" ] || [ -w "$dir" ] || refuse "$(id -un) may not take away $path: $advice"
    done
    set -- "$@" "$path"
  done
  [ $# -eq 0 ] || rm -rf "$@"
}

remove() { # $1 as in take, then what
  advice=$1
  shift
  for what; do "$what"; done | there | take "$advice"
  case " $* " in *' shared '*) ;; *) return 0 ;; esac
  for dir in /docs /examples/embed /examples/night/pictures /examples/night /examples /types ''; do
    rmdir "$DESTDIR$DOCDIR$dir" 2>/dev/null || true # others may use it, too
  done
}

uninstall() {
  root='as root (sudo), with the same words'
  find_heir
  if [ -z "$heir_libdir" ]; then set -- own shared; else set -- own; fi
  if [ -z "$(for what; do "$what"; done | there)" ]; then
    echo "nothing of runway for Lua $LUA_VERSION is in $DESTDIR$LIBDIR: say where it was put, as \`make install\` was told (PREFIX=, LUA=, …)"
    return
  fi
  if [ -z "$heir_libdir" ]; then
    gone=$(every_install_has | there) missing=$(every_install_has | missing)
    [ -n "$gone" ] || gone="$(for what; do "$what"; done | there | sed -n '1p;$=' | sed '2s/.*/… (& files in all)/')"
  fi
  remove "$root" "$@"
  if [ -n "$heir_libdir" ]; then
    [ -z "$heir" ] || [ ! -f "$DESTDIR$BINDIR/runway" ] || hand_over
    echo "taken away$below: $LIBDIR/runway.so and its modules; the command and its pages stay, for $heir_libdir/runway.so"
    return
  fi
  echo "taken away$below: $(in_a_line "$gone")"
  [ -z "$missing" ] ||
    echo "not there$below: $(in_a_line "$missing"). What was put elsewhere goes with the words that \`make install\` was told (PREFIX=, BINDIR=, …)"
}

every_install_has() { printf '%s\n' "$BINDIR/runway" "$LUADIR/runway" "$LIBDIR/runway.so" "$INCLUDEDIR/runway.h"; }

in_a_line() { printf '%s\n' "$1" | sed -e ':a' -e 'N' -e '$!ba' -e 's/\n/, /g'; }

DESTDIR=${DESTDIR:-}
case ${1:-} in
  uninstall) uninstall ;;
  install)
    heir_luadir=''
    remove "$elsewhere" own shared # what an older version had and this one has not
    find lua -type d | while read -r dir; do
      set -- "$dir"/*.lua
      [ -f "$1" ] || continue
      directory "$LUADIR${dir#lua}"
      # shellcheck disable=SC2086  # it may hold words
      $INSTALL -m 644 "$@" "$DESTDIR$LUADIR${dir#lua}"
    done
    for file in $MODULES; do put 755 "$BUILD/$file" "$LIBDIR/$file"; done
    put_command
    for file in $pages; do
      mode=644
      [ ! -x "$file" ] || mode=755
      put $mode "$file" "$DOCDIR/$file"
    done
    put_if_made 644 "$BUILD/share/man/man1/runway.1" "$MANDIR/man1/runway.1"
    for file in $completions; do put_if_made 644 "$BUILD/share/$file" "$PREFIX/share/$file"; done
    [ -n "$(completing | there)" ] ||
      echo "runway: no completions for shells are installed: argparse makes them, and was not there when runway was built. With it (lua-argparse), make and install again." >&2
    put 644 src/runway.h "$INCLUDEDIR/runway.h"
    put_if_made 644 "$BUILD/librunway.a" "$LIBDIR/librunway.a"
    say_where
    ;;
  *) echo "usage: $0 install|uninstall" >&2; exit 2 ;;
esac
