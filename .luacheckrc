-- The union of all Lua versions: what only some have may be used, but guarded (lua/ also runs on
-- 5.1 and LuaJIT; `make check` parses it with luac5.1).
std = "max"
max_line_length = 120
self = false
exclude_files = { "build", "out" }
files["spec"] = { std = "max+busted" }
files["**/*.rockspec"] = { std = "rockspec" }
files[".luacheckrc"] = { std = "luacheckrc" }
