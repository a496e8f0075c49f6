-- gauge.lua: how far something is, and how long it takes, as people read it on one line.

local columns = require "runway.columns"

local gauge = {}

local PLAIN = 30                              -- columns of the bar in a plain line
local LEAST, MOST = 5, 50                     -- and on a terminal
local LABEL = 24                              -- of the longest label shown whole

--- A time: 0:05, 12:00, 1:00:00.
---@param seconds number
---@return string
function gauge.clock(seconds)
  seconds = math.floor(seconds)
  local minutes = math.floor(seconds / 60)
  if minutes < 60 then return ("%d:%02d"):format(minutes, seconds % 60) end
  return ("%d:%02d:%02d"):format(math.floor(minutes / 60), minutes % 60, seconds % 60)
end

--- What a line is about, so that something else fits on it.
---@param said string
---@return string
function gauge.label(said) return columns.cut(columns.clean(said), LABEL) end

local function bar(share, width)
  local filled = math.floor(share * width + 0.5)
  return ("[%s%s] %3d%%"):format(("#"):rep(filled), ("."):rep(width - filled), math.floor(share * 100 + 0.5))
end

-- The parts in their order, without those named in `dropped`; false where one is not known.
local function joined(parts, shown, dropped)
  local words = {}
  for _, part in ipairs(parts) do
    local said = part[1] == "bar" and shown or part[2]
    if said and said ~= "" and not dropped[part[1]] then words[#words + 1] = said end
  end
  return table.concat(words, "  ")
end

--- The parts of a line side by side.
---@param parts table[]        { name, text }; false: it is not known; of "bar" the second is a share, 0..1
---@param width? integer       columns that it may take; nil: as many as it needs
---@param in_order? string[]   names of what is left out where there is no room, the first first; of a bar its number
---  stays
---@return string
function gauge.line(parts, width, in_order)
  local share
  for _, part in ipairs(parts) do share = part[1] == "bar" and part[2] or share end
  if not width then return joined(parts, share and bar(share, PLAIN), {}) end
  local dropped, shown = {}, share and bar(share, LEAST)
  local line = joined(parts, shown, dropped)
  for _, name in ipairs(in_order or {}) do
    if columns.of(line) <= width then break end
    if name == "bar" and share then shown = ("%.0f%%"):format(share * 100) end
    dropped[name] = name ~= "bar"
    line = joined(parts, shown, dropped)
  end
  if share and dropped.bar == nil then
    line = joined(parts, bar(share, math.min(MOST, LEAST + width - columns.of(line))), dropped)
  end
  return columns.cut(line, width)
end

return gauge
