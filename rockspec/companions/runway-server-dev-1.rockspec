rockspec_format = "3.0"
package = "runway-server"
version = "dev-1"

-- For `luarocks make` in src/ of a checkout: in one that has a folder `lua` luarocks would copy all of it.
source = { url = "." }

description = {
  summary = "HTTP in for runway: what its offline sandbox stands on",
  detailed = [[
    runway.listener takes what is sent over HTTP, for runway.sandbox, which answers like each API that runway
    knows, and for what providers post. It needs libmicrohttpd.
  ]],
  license = "MIT",
  labels = { "http", "server", "testing" },
}

dependencies = {
  "lua >= 5.3, < 5.6",
  "runway",
}

-- On Linux a header may lie where luarocks does not look (Debian's lies under the machine's name),
-- elsewhere a library may (macOS has some only in its shared cache): each is asked for what is sure.
external_dependencies = {
  platforms = {
    linux = { MICROHTTPD = { library = "microhttpd" } },
    macosx = { MICROHTTPD = { header = "microhttpd.h" } },
    bsd = { MICROHTTPD = { header = "microhttpd.h" } },
  },
}

build = {
  type = "builtin",
  modules = { -- `make rockspec` writes this list
    -- modules: begin
    ["runway.listener"] = {
      sources = {
        "buffer.c",
        "clock.c",
        "file.c",
        "header.c",
        "listener.c",
        "listener_answer.c",
        "listener_peers.c",
        "lua_headers.c",
        "lua_listener.c",
        "thread.c",
        "wake.c",
      },
      defines = { "RUNWAY_LISTENER" },
      incdirs = { ".", "$(MICROHTTPD_INCDIR)" },
      libdirs = { "$(MICROHTTPD_LIBDIR)" },
      libraries = { "microhttpd", "pthread", "m" },
    },
    -- modules: end
  },
}
