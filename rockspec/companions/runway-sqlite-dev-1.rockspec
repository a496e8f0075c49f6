rockspec_format = "3.0"
package = "runway-sqlite"
version = "dev-1"

-- For `luarocks make` in src/ of a checkout: in one that has a folder `lua` luarocks would copy all of it.
source = { url = "." }

description = {
  summary = "Journals of runway in a file",
  detailed = [[
    What runway's journal stands on where it is a file: SQLite on a thread of its own.
  ]],
  license = "MIT",
  labels = { "sqlite", "database" },
}

dependencies = {
  "lua >= 5.3, < 5.6",
  "runway",
}

-- On Linux a header may lie where luarocks does not look (Debian's lies under the machine's name),
-- elsewhere a library may (macOS has some only in its shared cache): each is asked for what is sure.
external_dependencies = {
  platforms = {
    linux = { SQLITE3 = { library = "sqlite3" } },
    macosx = { SQLITE3 = { header = "sqlite3.h" } },
    bsd = { SQLITE3 = { header = "sqlite3.h" } },
  },
}

build = {
  type = "builtin",
  modules = { -- `make rockspec` writes this list
    -- modules: begin
    ["runway.sqlite"] = {
      sources = {
        "buffer.c",
        "cells.c",
        "clock.c",
        "farewell.c",
        "lua_sqlite.c",
        "lua_store.c",
        "store.c",
        "store_sqlite.c",
        "thread.c",
        "utf8.c",
        "wake.c",
      },
      defines = { "RUNWAY_SQLITE" },
      incdirs = { ".", "$(SQLITE3_INCDIR)" },
      libdirs = { "$(SQLITE3_LIBDIR)" },
      libraries = { "sqlite3", "pthread", "m" },
    },
    -- modules: end
  },
}
