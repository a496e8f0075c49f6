-- Are parts of files gone on with here? Not where a file system has no extended attributes.

local runway = require "runway"
local scratch = require "spec.support.scratch"

---@param server RawServer
---@return boolean
return function(server)
  local here = scratch.new()
  server:film("probe", { size = 5000, steps = { "cut:3000" } })
  local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef",
    base_url = server:url "", max_retries = 0 })
  local file = assert(client:get "probe"):download(here:path "probe")
  client:close()
  local kept = here:content "probe.part" ~= nil
  here:remove()
  assert(not file, "a film that is cut off was had whole")
  return kept
end
