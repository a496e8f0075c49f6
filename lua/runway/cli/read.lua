-- What is written behind an option: a text becomes its value, or nil and why it is none.

local read = {}

function read.number(text)
  local n = tonumber(text)
  if n and n == n and n > -math.huge and n < math.huge then return n end
  return nil, ("'%s' is no number"):format(text)
end

function read.positive(text)
  local n = read.number(text)
  if n and n > 0 then return n end
  return nil, ("'%s' is no number above 0"):format(text)
end

function read.amount(text)
  local n = read.number(text)
  if n and n >= 0 then return n end
  return nil, ("'%s' is no number, 0 or more"):format(text)
end

function read.whole(text)
  local n = read.number(text)
  if n and n % 1 == 0 then return math.floor(n) end
  return nil, ("'%s' is no whole number"):format(text)
end

function read.count(text)
  local n = read.whole(text)
  if n and n >= 1 then return n end
  return nil, ("'%s' is no whole number above 0"):format(text)
end

local UNITS = { K = 1024, M = 1024 ^ 2, G = 1024 ^ 3 }

--- A number of bytes; 1M as other programs have it, too.
function read.bytes(text)
  local number, unit = text:match "^([%d.]+)([KMGkmg])i?[Bb]?$"
  local n = read.number(number or text)
  n = n and n * (unit and UNITS[require("runway.text").upper(unit)] or 1)
  if n and n >= 1 and (unit or n % 1 == 0) then return math.floor(n) end
  return nil, ("'%s' is no number of bytes (1000000, 500K, 20M, 2G)"):format(text)
end

function read.duration(text)
  if text == "auto" then return text end
  return read.number(text)
end

--- "api.example:443=127.0.0.1", as curl's --connect-to has it in another order.
function read.pin(text)
  local name, address = text:match("^([^=]+:%d+)=(.+)$")
  if name then return { name = name, address = address } end
  return nil, "not of the form HOST:PORT=ADDRESS" -- what it is may hold a password
end

--- "gen4_turbo=5": what a model costs.
function read.price(text)
  local model, credits = text:match "^(.+)=([^=]*)$"
  if not model then return nil, ("'%s' is not of the form MODEL=CREDITS"):format(text) end
  local amount, message = read.amount(credits)
  if not amount then return nil, message end
  return { model = model, credits = amount }
end

-- It begins as no text for people does.
local function looks_like_json(text)
  return text:find('^[ \t-\r]*[%[{"]') ~= nil
end

--- NAME=VALUE: JSON where it is JSON, `@FILE` a file, else a text; `@@` is a text's first @. A point in the
--- name leads into a table, and a number into a list: references.1.uri.
---@return { name: string, value: any, file: string|nil }|nil
---@return string|nil message
function read.parameter(text)
  local name, value = text:match("^([A-Za-z0-9_.-]+)=(.*)$")
  if not name then return nil, "not of the form NAME=VALUE" end -- it may hold anything
  if name:find("^%.") or name:find("%.$") or name:find("..", 1, true) then
    return nil, ("%s is no name: there is nothing on one side of a point"):format(name)
  end
  if value:sub(1, 2) == "@@" then return { name = name, value = value:sub(2) } end
  if value:sub(1, 1) == "@" then
    if value == "@" then return nil, ("%s=@ names no file"):format(name) end
    return { name = name, file = value:sub(2) }
  end
  local json = require "runway.json"
  local decoded, message = json.decode(value)
  if decoded ~= nil then return { name = name, value = decoded } end
  if looks_like_json(value) then
    return nil, ("%s looks like JSON and is none: %s (a text that begins so is given in quotes: '%s=\"…\"')")
      :format(name, message, name)
  end
  return { name = name, value = value }
end

return read
