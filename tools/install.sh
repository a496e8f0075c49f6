#!/bin/sh
# Puts what was built where it is found, and takes it away again. Run by make, which says where:
#
#   tools/install.sh install|uninstall
#
# DESTDIR                  put before every path, for packagers
# PREFIX                   where the completions go (share/…), and all of the following by default
# LUADIR, LIBDIR           Lua's modules, those in Lua and those in C
# BINDIR, MANDIR, DOCDIR   the command, its man page, the other pages with what they lead to, and the licence
# BUILD, MODULES           where it was built, and which modules, as paths below it
# INSTALL                  the program that copies
# LUA, LUA_VERSION         which Lua runs the command
set -eu
umask 022 # what is made here is for everyone to read, whatever is its maker's habit

pages='LICENSE README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs/*.md types/*.lua
  examples/*.* examples/night/*.csv examples/night/run.sh examples/night/pictures/*'
completions='bash-completion/completions/runway zsh/site-functions/_runway fish/vendor_completions.d/runway.fish'

refuse() { printf 'runway: %s\n' "$1" >&2; exit 2; }

# Where each goes: a path from the root, and none that Lua, its scripts or a shell would read as something else.
for name in PREFIX LUADIR LIBDIR BINDIR MANDIR DOCDIR; do
  eval "place=\$$name"
  case $place in
    *[\;?\'\"\\]*) refuse "$name must do without ; ? ' \" \\ or modules there are not found: $place" ;;
    /*) ;;
    *) refuse "$name is not a path from the root: $place" ;;
  esac
  place=$(printf '%s' "$place" | sed 's|//*|/|g')
  eval "$name=\${place%/}"
done
case ${DESTDIR:-/} in /*) ;; *) refuse "DESTDIR is not a path from the root: $DESTDIR" ;; esac

directory() {
  mkdir -p "$DESTDIR$1" 2>/dev/null && [ -w "$DESTDIR$1" ] ||
    refuse "$(id -un) may not write to $DESTDIR$1: install as root (sudo), or elsewhere: PREFIX=\$HOME/.local"
}

put() { # $1 mode, $2 file, $3 its path once installed
  directory "$(dirname "$3")"
  # shellcheck disable=SC2086  # it may hold words
  $INSTALL -m "$1" "$2" "$DESTDIR$3"
}

put_if_made() { # the same, of what only `make manual` makes
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

say_where() {
  echo "installed: $BINDIR/runway, $LUADIR/runway, $LIBDIR/runway.so"
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

uninstall() { # DOCDIR may be a directory that others use too
  rm -rf "$DESTDIR$LUADIR/runway" "$DESTDIR$LIBDIR/runway"
  rm -f "$DESTDIR$LIBDIR/runway.so" "$DESTDIR$BINDIR/runway" "$DESTDIR$MANDIR/man1/runway.1"
  for file in $completions; do rm -f "$DESTDIR$PREFIX/share/$file"; done
  for file in $pages; do rm -f "$DESTDIR$DOCDIR/$file"; done
  for dir in /docs /examples/night/pictures /examples/night /examples /types ''; do rmdir "$DESTDIR$DOCDIR$dir" 2>/dev/null || true; done
}

DESTDIR=${DESTDIR:-}
case ${1:-} in
  uninstall) uninstall ;;
  install)
    uninstall # what an older version had and this one has not
    (cd lua && find . -name '*.lua') | while read -r file; do put 644 "lua/$file" "$LUADIR/${file#./}"; done
    for file in $MODULES; do put 755 "$BUILD/$file" "$LIBDIR/$file"; done
    put_command
    for file in $pages; do
      mode=644
      [ ! -x "$file" ] || mode=755
      put $mode "$file" "$DOCDIR/$file"
    done
    put_if_made 644 "$BUILD/share/man/man1/runway.1" "$MANDIR/man1/runway.1"
    for file in $completions; do put_if_made 644 "$BUILD/share/$file" "$PREFIX/share/$file"; done
    [ -n "$DESTDIR" ] || say_where
    ;;
  *) echo "usage: $0 install|uninstall" >&2; exit 2 ;;
esac
