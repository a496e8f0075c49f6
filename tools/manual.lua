-- Writes the manual page, or what makes a shell complete the command; make asks for it.
--
--   lua5.4 tools/manual.lua build/share/man/man1/runway.1
--
-- What it writes the file's name tells. Nothing that was built is needed for it. The completions are made by argparse;
-- where that is missing there are none, and it says so: who only builds need not have it.

package.path = "lua/?.lua;lua/?/init.lua;" .. package.path

local SHELLS = { runway = "bash", _runway = "zsh", ["runway.fish"] = "fish" }

local function version()
  local header = assert(io.open "src/runway.h"):read "a"
  return assert(header:match '#define RUNWAY_VERSION "([^"]+)"')
end

local path = assert(arg[1], "usage: lua tools/manual.lua FILE")
local name = path:match "[^/]*$"
local text
if name == "runway.1" then
  text = require("runway.cli.manual").page(version())
else
  local shell = assert(SHELLS[name], "no such file is made here: " .. path)
  if not pcall(require, "argparse") then
    if shell == "bash" then io.stderr:write "runway: no argparse, and so no completions for shells\n" end
    return
  end
  text = require("runway.cli.completion").script(shell)
end
assert(os.execute("mkdir -p '" .. path:gsub("'", "'\\''"):match "^(.*)/" .. "'"))
local file = assert(io.open(path, "w"))
assert(file:write(text))
assert(file:close())
