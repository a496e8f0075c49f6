-- cells.lua: what is written in a cell, as the parameter that its column names. Pure.

local files = require "runway.files"
local json = require "runway.json"
local text = require "runway.text"
local values = require "runway.values"

local cells = {}

-- These are what is written, to the last space.
local TEXTS = { prompt_text = true, prompt = true, promptText = true }

-- These are words, whatever they look like.
local WORDS = {
  model = true, ratio = true, kind = true, format = true, key = true, output = true, provider = true, fit = true,
  callback_url = true, callbackUrl = true,
}

-- These are numbers, or one of few words.
local NUMBERS = { duration = { auto = true }, seed = {}, deadline = {} }

-- These are pictures, films and sounds: URLs, or files beside the list.
local MEDIA = {
  prompt_image = true, image = true, promptImage = true, prompt_video = true, video = true, promptVideo = true,
  reference_audios = true, referenceAudios = true,
}

-- Those that spreadsheets write in other languages. No one knows whether such a word is meant as one, or as a text.
local FOREIGN = {
  WAHR = "true", FALSCH = "false", VRAI = "true", FAUX = "false", VERDADERO = "true", FALSO = "false", VERO = "true",
  VERDADEIRO = "true", WAAR = "true", ONWAAR = "false", SANT = "true", FALSKT = "false", SAND = "true", FALSK = "false",
  TOSI = "true", ["EPÄTOSI"] = "false", PRAWDA = "true", ["FAŁSZ"] = "false", PRAVDA = "true", NEPRAVDA = "false",
  IGAZ = "true", HAMIS = "false", ["DOĞRU"] = "true", ["YANLIŞ"] = "false", ["ИСТИНА"] = "true", ["ЛОЖЬ"] = "false",
}

local BOOLEANS = { ["true"] = true, ["TRUE"] = true, ["True"] = true,
  ["false"] = false, ["FALSE"] = false, ["False"] = false }

-- The last name of a column: uri of character.uri.
local function last_of(column) return column:match "[^.]+$" or column end

local function is_media(column)
  if MEDIA[(column:gsub("%.%d+$", ""))] then return true end
  local last = text.lower(last_of(column))
  return last == "uri" or last:find "_uri$" ~= nil or last_of(column):find "Uri$" ~= nil
end

-- A number as JSON has it. "007" is a name, and none.
local function number(said)
  if not said:find "^-?%d+%.?%d*[eE]?[+-]?%d*$" or said:find "^-?0%d" then return nil end
  return tonumber((said:gsub("%.$", ".0")))
end

-- An address, or else a file: as it is where its path begins at the top, else beside the list.
local function media(said, directory)
  said = text.trim(said)
  if said:find "^[A-Za-z][A-Za-z0-9+.-]+:" or said:find "%z" then return said end
  if directory and not said:find "^[/\\]" and not said:find "^[A-Za-z]:" then said = directory .. "/" .. said end
  return files.make(said)
end

local function number_of(column, said, comma)
  local n = number(comma and said:gsub("^(-?%d+),(%d+)$", "%1.%2") or said)
  if n or NUMBERS[column][said] then return n or said end
  return nil, ("%s must be a number, not %s%s"):format(column, text.quote(said),
    said:find "^%-?%d+,%d+$" and " (its decimal mark is a point)" or "")
end

--- The value of a cell that is not empty.
---@param column string
---@param said string
---@param opts { directory?: string, comma?: boolean }  where files lie; a comma is a decimal mark
---@return any value
---@return string|nil fault
function cells.read(column, said, opts)
  if TEXTS[column] then return said end
  local word = text.trim(said)
  if WORDS[column] then return word end
  if NUMBERS[column] then return number_of(column, word, opts.comma) end
  if word:find "^[%[{]" then
    local value, why = json.decode(word)
    if value == nil then return nil, ("%s begins as JSON, and is none: %s"):format(column, why) end
    return cells.given(column, value, opts)
  end
  if is_media(column) then return media(word, opts.directory) end
  if BOOLEANS[word] ~= nil then return BOOLEANS[word] end
  if FOREIGN[word] then
    return nil, ("%s is %s, as a spreadsheet writes it in another language: here that is %s (format the cell as text)")
      :format(column, text.quote(word), FOREIGN[word])
  end
  return number(word) or opts.comma and number((word:gsub("^(-?%d+),(%d+)$", "%1.%2"))) or said
end

--- A value that has a type already, with file names in the places of media as files.
---@param column string
---@param value any
---@param opts { directory?: string }
---@return any
function cells.given(column, value, opts)
  if type(value) == "string" then return is_media(column) and value ~= "" and media(value, opts.directory) or value end
  if type(value) ~= "table" or values.is_null(value) or files.is_file(value) then return value end
  local copy, changed = {}, false
  for name, v in next, value do
    local inner = type(name) == "string" and column .. "." .. name or column
    copy[name] = cells.given(inner, v, opts)
    changed = changed or not rawequal(copy[name], v)
  end
  return changed and copy or value
end

return cells
