-- Lua code in a process of its own, with the modules under test: for specs of how a program ends.

local lua = require "spec.support.interpreter"

local child = {}

--- A word for a shell.
---@param text string
---@return string
function child.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local quote = child.quote

--- Shell before a program that is to find the modules under test.
---@return string
function child.paths()
  return ("export LUA_PATH=%s LUA_CPATH=%s;"):format(quote(package.path), quote(package.cpath))
end

--- Runs a program and waits for its end.
---@param code string Lua source; `...` in it are `options.arguments`
---@param options { arguments: string[]?, before: string? }|nil `before` is shell put before the
---interpreter: assignments, or commands ending in `;`
---@return string output what it wrote to either stream, without the white space at its end
---@return integer code exit code, 128 + the number of the signal that ended it
function child.run(code, options)
  options = options or {}
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(code)
  file:close()

  local words = {
    child.paths(), options.before or "", lua, path,
  }
  for _, argument in ipairs(options.arguments or {}) do words[#words + 1] = quote(argument) end
  -- A shell around it turns death by a signal into a number.
  local pipe = assert(io.popen("exec 2>&1 </dev/null; sh -c " .. quote(table.concat(words, " "))
    .. "; echo \"\n$?\"", "r"))
  local output = pipe:read("a")
  pipe:close()
  os.remove(path)
  local text, status = output:match("^(.-)%s*\n(%d+)\n$")
  return text, math.tointeger(tonumber(status))
end

--- Starts a program, and does not wait for it.
---@param path string         of Lua source
---@param arguments string[]
---@param log string          a file: what it writes to either stream goes behind what is there
---@return string pid
function child.start(path, arguments, log)
  local words = { quote(lua), quote(path) }
  for _, argument in ipairs(arguments) do words[#words + 1] = quote(argument) end
  local pipe = assert(io.popen(("%s %s >>%s 2>&1 </dev/null & echo $!"):format(child.paths(), table.concat(words, " "),
    quote(log))))
  local pid = pipe:read "*l"
  pipe:close()
  return pid
end

return child
