-- JSON, read strictly and leniently. What was read can be written, and reads back as the same text.

local json = require "runway.json"

local function pause() end

return function(bytes)
  local strict = json.decode(bytes)
  local loose, message = json.read(bytes, pause)
  assert(loose ~= nil or type(message) == "string", "nothing was said")
  if strict ~= nil then
    assert(loose ~= nil, "read refuses what decode takes")
    local text = assert(json.encode(strict))
    local again = json.decode(text)
    assert(again ~= nil, "what was written does not read")
    assert(json.encode(again) == text, "what was written reads as something else")
  end
  if type(loose) == "table" then pcall(json.encode, loose) end
end
