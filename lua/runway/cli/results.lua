-- Standard output, of which nothing is lost in silence: that it could not be written is known to the end of the
-- command, whatever a later write or flush says, and whoever looked at it.

local results = {}

local Results = {}
Results.__index = Results

function Results:write(...)
  local ok, why = self.stream:write(...)
  if ok then return self end
  self.broken = self.broken or tostring(why)
  return nil, self.broken
end

--- What was written is out, all of it.
---@return table|nil
---@return string|nil why
function Results:flush()
  local ok, why = self.stream:flush()
  if not ok then self.broken = self.broken or tostring(why) end
  if self.broken then return nil, self.broken end
  return self
end

--- A stream that remembers what could not be written: `broken` says why.
---@param stream file*
---@return table
function results.new(stream) return setmetatable({ stream = stream }, Results) end

return results
