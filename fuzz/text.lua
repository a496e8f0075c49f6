-- Texts of a server's: as a line, as UTF-8, as an address.

local core = require "runway.core"
local fields = require "runway.fields"
local text = require "runway.text"

return function(bytes)
  local narrow = text.narrow(bytes)
  local line = text.line(narrow, 80)
  assert(line == nil or #line <= 80 and not line:find "[%z\1-\31\127]", "no line")
  assert(text.trim(bytes) == bytes:match "^[ \t-\r]*(.-)[ \t-\r]*$", "not trimmed")
  local bad, _, bad_too = text.bad_byte(bytes), utf8.len(bytes)
  assert(bad == bad_too, "UTF-8 is read in two ways")
  if not bad then assert(text.length(bytes) >= utf8.len(bytes)) end
  local mended = text.mend_url(bytes)
  assert(mended == nil or not mended:find "[%z\1-\31\127]", "no address")
  if mended and core.url(bytes) then
    assert(core.url(mended), "mended, and not an address any more")
  end
  assert(not text.quote(bytes):find "[%z\1-\31\127]", "not quoted")
  fields.text(bytes)
  fields.line(bytes)
end
