-- C of a spec's own, compiled into a directory that goes with the spec: process.c as a module for programs
-- of child.run, and libraries to be loaded before them.

local scratch = require "spec.support.scratch"

local process = {}
process.__index = process

function process.new()
  return setmetatable({ here = scratch.new() }, process)
end

local function compile(self, name, more)
  local library = self.here:path(name .. ".so")
  assert(os.execute(("cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC %s -o '%s' "
    .. "'spec/support/%s.c' -pthread -ldl"):format(more or "", library, name)), name .. ".c does not compile")
  return library
end

--- What stands before a program that says `require "process"`.
---@return string
function process:module()
  compile(self, "process", ("$(pkg-config --cflags lua%s)"):format(_VERSION:sub(5)))
  return ("export LUA_CPATH=\"%s/?.so;$LUA_CPATH\";"):format(self.here.directory)
end

--- What stands before a program that has this library loaded first.
---@param name string   of the C file, without its ending
---@return string
function process:before(name)
  local library = compile(self, name)
  return ("export SPEC_PRELOAD='%s' LD_PRELOAD=\"${LD_PRELOAD:-}:%s\";"):format(library, library)
end

function process:remove() self.here:remove() end

return process
