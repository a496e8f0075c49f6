-- The `runway` command in a spec: its output collected, what answers it played, its environment a table.

local cli = require "runway.cli"
local json = require "runway.json"
local runway = require "runway"

local command = {}

local getenv

--- Call both around each spec.
---@param environment table<string, string>   all that the command sees
function command.setup(environment)
  getenv = os.getenv
  os.getenv = function(name) return environment[name] end -- luacheck: ignore 122
end

function command.teardown()
  os.getenv = getenv -- luacheck: ignore 122
end

--- A stream that collects what is written.
function command.collector()
  local pieces = {}
  return {
    write = function(self, ...)
      pieces[#pieces + 1] = table.concat { ... }
      return self
    end,
    flush = function(self) return self end, text = function() return table.concat(pieces) end,
  }
end

--- Runs it over a mock, to whose end it must come, or without a transport of its own.
---@param argv string[]
---@param list? table    of runway.mock
---@param more? table    of the world: stdin, stdout_terminal, …
---@return integer code, string output, string errors, runway.Mock|nil mock
function command.run(argv, list, more)
  local m = list and runway.mock(list)
  local out, err = command.collector(), command.collector()
  local world = { stdout = out, stderr = err, transport = m, terminal = false, stdout_terminal = false,
    columns = 100 }
  for name, v in pairs(more or {}) do world[name] = v end
  local code = cli.main(argv, world)
  if m then m:finish() end
  return code, out.text(), err.text(), m
end

--- The objects that it printed, one a line.
---@param out string
---@return table[]
function command.objects(out)
  local list = {}
  for line in out:gmatch "([^\n]*)\n" do list[#list + 1] = assert(json.decode(line)) end
  return list
end

return command
