rockspec_format = "3.0"
package = "runway-postgresql"
version = "dev-1"

-- For `luarocks make` in src/ of a checkout: in one that has a folder `lua` luarocks would copy all of it.
source = { url = "." }

description = {
  summary = "Journals of runway on a PostgreSQL server",
  detailed = [[
    What runway's journal stands on where several machines share it: libpq on a thread of its own.
  ]],
  license = "MIT",
  labels = { "postgresql", "database" },
}

dependencies = {
  "lua >= 5.3, < 5.6",
  "runway",
}

-- On Linux a header may lie where luarocks does not look (Debian's lies under the machine's name),
-- elsewhere a library may (macOS has some only in its shared cache): each is asked for what is sure.
external_dependencies = {
  platforms = {
    linux = { PQ = { library = "pq" } },
    macosx = { PQ = { header = "libpq-fe.h" } },
    bsd = { PQ = { header = "libpq-fe.h" } },
  },
}

build = {
  type = "builtin",
  modules = { -- `make rockspec` writes this list
    -- modules: begin
    ["runway.postgresql"] = {
      sources = {
        "buffer.c",
        "cells.c",
        "clock.c",
        "farewell.c",
        "lua_postgresql.c",
        "lua_store.c",
        "store.c",
        "store_postgresql.c",
        "store_postgresql_values.c",
        "thread.c",
        "utf8.c",
        "wake.c",
      },
      defines = { "RUNWAY_POSTGRESQL" },
      incdirs = { ".", "$(PQ_INCDIR)", "$(PQ_INCDIR)/postgresql" },
      libdirs = { "$(PQ_LIBDIR)" },
      libraries = { "pq", "pthread", "m" },
    },
    -- modules: end
  },
}
