-- shown.lua: a value of other people's in a message: what it is, and so much of it that it is found again.
--
-- It may hold anything: of a table the names are told and nothing that stands under them, of a string its
-- beginning, after the secrets were taken out.

local errors = require "runway.errors"
local files = require "runway.files"
local text = require "runway.text"

local shown = {}

local LONGEST, LONGEST_NAME, MOST = 60, 20, 6 -- bytes of a string and of a name; names

local function names_of(t)
  local names = {}
  for name in next, t do names[#names + 1] = type(name) == "string" and text.line(name, LONGEST_NAME) or "?" end
  table.sort(names)
  local more = #names > MOST and ", …" or ""
  return table.concat(names, ", ", 1, math.min(#names, MOST)) .. more
end

local function table_as_text(t)
  if next(t) == nil then return "an empty table" end
  return "a table of another form (" .. (#t > 0 and "a list of " .. #t or "with " .. names_of(t)) .. ")"
end

--- What a value is, for people: `the number 5`, `the string "done"`, `a table of another form (with job, state)`.
---@param v any
---@param secrets? string[]   API keys
---@return string
function shown.value(v, secrets)
  local t = type(v)
  if t == "nil" then return t end
  if t == "boolean" then return tostring(v) end
  if t == "number" then return "the number " .. tostring(v) end
  if v == "" then return "an empty string" end
  if t == "string" then
    return ('the string "%s"'):format(text.line(errors.redact(v, secrets), LONGEST) or "")
  end
  if files.is_file(v) then return "a file" end
  return t == "table" and table_as_text(v) or "a " .. t
end

return shown
