-- The bytes of a file that must be there: a page, a source, a list.

local scratch = require "spec.support.scratch"

---@param path string
---@return string bytes
return function(path)
  return assert(scratch.read(path), "there is no " .. path)
end
