-- A directory of a spec's own, gone when the spec is.

local Scratch = {}
Scratch.__index = Scratch

local scratch = { open = {} }                 -- those that were not removed yet

--- The bytes of any file.
---@param path string
---@return string|nil bytes  nil: no such file
function scratch.read(path)
  local file = io.open(path, "rb")
  local bytes = file and file:read "a"
  if file then file:close() end
  return bytes
end

---@return table scratch  with `directory`, and the methods below
function scratch.new()
  local directory = os.tmpname()
  os.remove(directory)
  assert(os.execute("mkdir '" .. directory .. "'"))
  scratch.open[directory] = true
  return setmetatable({ directory = directory }, Scratch)
end

function Scratch:path(name)
  return self.directory .. "/" .. name
end

---@return string path
function Scratch:write(name, bytes)
  local path = self:path(name)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

---@return string|nil bytes  nil: no such file
function Scratch:content(name)
  return scratch.read(self:path(name))
end

--- The names of all that is in it, or in a directory of it, sorted.
---@param below? string
---@return string[]
function Scratch:names(below)
  local list, pipe = {}, assert(io.popen(("ls -A '%s'"):format(below and self:path(below) or self.directory)))
  for name in pipe:lines() do list[#list + 1] = name end
  pipe:close()
  table.sort(list)
  return list
end

function Scratch:remove()
  os.execute("rm -rf '" .. self.directory .. "'")
  scratch.open[self.directory] = nil
end

return scratch
