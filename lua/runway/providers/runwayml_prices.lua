-- What Runway's own API asks for a task, in credits (1 credit = $0.01), as its pricing page stood from September
-- 2026 to 2026-10-04.
--
-- A table like this ages, so it bears its date, and what the API itself says of a task always counts more. What the
-- page leaves open is not here: a model without a row has no price, and so has a task whose length no one can tell
-- before it is made.
--
-- The fields of a row:
--   second   credits a second of output; where they differ by size, a table of the sizes; { audio =, silent = }
--            where they differ by sound
--   seconds  the shortest and the longest film where no duration is asked for, or "auto" is
--   item     credits a file; where they differ by size, a table of the sizes
--   range    { low, high } a file
--   least    credits a task at least
--   image    credits for each picture that is given beside the prompt
--   input    credits a second of input beside those of output; or, alone, of input instead of output: it cannot be
--            told before
--   formats  `outputFormat` costs extra
--   text     one credit for so many characters of the prompt

local text = require "runway.text"

local prices = {}

prices.DATE = "2026-10"

prices.MODELS = {
  ["gen4.5"] = { second = 12, seconds = { 2, 10 }, formats = true },
  gen4_turbo = { second = 5, seconds = { 2, 10 } },
  aleph2 = { second = 28, least = 56, formats = true },
  act_two = { second = 5 },
  seedance2_5 = { second = { ["480p"] = 20, ["720p"] = 30, ["1080p"] = 68 }, seconds = { 4, 30 }, least = 80,
    input = { ["480p"] = 10, ["720p"] = 15, ["1080p"] = 34 } },
  seedance2 = { second = { ["480p"] = 36, ["720p"] = 36, ["1080p"] = 40, ["4k"] = 150 }, seconds = { 4, 15 } },
  seedance2_fast = { second = 29, seconds = { 4, 15 } },
  seedance2_mini = { second = 16, seconds = { 4, 15 }, least = 64 },
  ["veo3.1"] = { second = { audio = 40, silent = 20 }, seconds = { 4, 8 } },
  ["veo3.1_fast"] = { second = { audio = 15, silent = 10 }, seconds = { 4, 8 } },
  gemini_omni_flash = { second = 10, seconds = { 3, 10 }, image = 1 },
  ["gemini_omni_flash_1.1"] = { second = { lowest = 3.4, highest = 30 }, seconds = { 3, 10 } },
  grok_imagine_1_5 = { second = { ["480p"] = 10, ["720p"] = 16, ["1080p"] = 29 }, image = 1 },
  wan3 = { second = { ["480p"] = 5, ["720p"] = 10, ["1080p"] = 20 } },
  wan3_prime = { second = { ["480p"] = 6.8, ["720p"] = 14, ["1080p"] = 28 } },
  hailuo3 = { second = { ["768p"] = 10, ["2k"] = 15 }, seconds = { 5, 15 }, image = 2 },
  h3_max = { second = { ["480p"] = 5, ["768p"] = 8 } },
  happyhorse_1_0 = { second = { ["720p"] = 15, ["1080p"] = 30 }, seconds = { 3, 15 } },
  ruby = { second = { lowest = 20, highest = 40 } },
  enhance_frame_rate = { second = 0.5 },
  gen4_image = { item = { ["720p"] = 5, ["1080p"] = 8 } },
  gen4_image_turbo = { item = 2 },
  ["gemini_2.5_flash"] = { item = 5 },
  gemini_image3_pro = { item = 20 },
  ["gemini_image3.1_flash"] = { item = 11 },
  eleven_multilingual_v2 = { text = 50 },
  eleven_v3 = { text = 50 },
  eleven_text_to_sound_v2 = { range = { 1, 2 } },
  eleven_voice_isolation = { input = 1 / 6 },
  eleven_voice_dubbing = { input = 1 / 2 },
  eleven_multilingual_sts_v2 = { input = 1 / 3 },
}

-- What an outputFormat costs beside, a second: the least and the most. Over 4 megapixels HDR is 40, but none of the
-- models that have it makes films so large of what has no length of its own.
local FORMATS = {
  mp4 = { 0, 0 }, prores = { 5, 5 }, png_sequence = { 5, 5 }, hdr10 = { 20, 20 }, hlg = { 20, 20 },
  sdr_rec709_10bit = { 20, 20 }, hdr_pq_12bit_master = { 20, 20 }, hdr_prores = { 20, 25 },
  hdr_png_sequence = { 20, 25 }, hdr_exr_sequence = { 20, 20 }, hdr_exr_acescg_sequence_1_3 = { 20, 20 },
  hdr_exr_acescg_sequence_2_0 = { 20, 20 },
}

---------------------------------------------------------------------------------------------------
-- What a body asks for

-- Its size, as the page names sizes; nil where it names none. Of pictures the shorter side tells, of films the area.
local function size_of(json, is_picture)
  if type(json.resolution) == "string" then return text.lower(json.resolution) end
  local ratio = type(json.ratio) == "string" and json.ratio or ""
  local word = ratio:match("^auto_(%d+[pk])$")
  local wide, high = ratio:match("^(%d+):(%d+)$")
  wide, high = tonumber(wide), tonumber(high)
  if word or not wide or wide < 100 or high < 100 then return word end
  if is_picture then
    local side = math.min(wide, high)
    return side <= 720 and "720p" or side >= 1080 and "1080p" or nil
  end
  local area = wide * high
  return area < 6e5 and "480p" or area < 1.2e6 and "720p" or area < 3e6 and "1080p" or "4k"
end

-- What a price by the second or item depends on, where those are names that the API has; the least and the most.
local function spread(price)
  if type(price) == "number" then return nil, price, price end
  local by, low, high = {}, math.huge, 0
  for name, each in pairs(price) do
    low, high = math.min(low, each), math.max(high, each)
    by[name] = each
  end
  return not price.lowest and by or nil, low, high
end

-- The least and the most of a price that may differ: what is not told may be any of them.
local function bounds(price, json, is_picture)
  if type(price) == "number" then return price, price end
  if price.audio then
    local one = json.audio == false and price.silent or price.audio
    return one, one
  end
  local one = price[size_of(json, is_picture)]
  if one then return one, one end
  local _, low, high = spread(price)
  return low, high
end

local function has_film(json)
  return json.videoUri ~= nil or json.promptVideo ~= nil or json.referenceVideos ~= nil or json.reference ~= nil
end

-- The least and the most seconds of a film; nil where no one can tell.
local function length(row, json)
  local duration = json.duration
  if type(duration) == "number" then
    if duration > 0 then return duration, duration end
    return nil
  end
  if not row.seconds or has_film(json) then return nil end
  return row.seconds[1], row.seconds[2]
end

local function count(list)
  return type(list) == "table" and #list or list ~= nil and 1 or 0
end

-- Pictures that surely cost, and that may: those of which the page does not say whether they are meant.
local function pictures(json)
  local sure = count(json.references)
  return sure, sure + count(json.promptImage)
end

---------------------------------------------------------------------------------------------------
-- The price

local NO_LENGTH = "%s is paid for by the second, and how long it will be cannot be told before"

local function of_film(row, json)
  local low, high = bounds(row.second, json)
  local shortest, longest = length(row, json)
  if not shortest then return nil, NO_LENGTH end
  if row.input and has_film(json) then return nil, "%s costs by the second of its input, whose length is not known" end
  if row.formats and json.outputFormat ~= nil then
    local extra = FORMATS[json.outputFormat]
    if not extra then return nil, "what its outputFormat costs with %s is not known" end
    low, high = low + extra[1], high + extra[2]
  end
  low, high = low * shortest, high * longest
  if row.image then
    local sure, most = pictures(json)
    low, high = low + sure * row.image, high + most * row.image
  end
  return math.max(low, row.least or 0), math.max(high, row.least or 0)
end

local function of_items(row, json)
  local low, high = bounds(row.item, json, true)
  local items = type(json.outputCount) == "number" and math.max(1, json.outputCount) or 1
  return low * items, high * items
end

---------------------------------------------------------------------------------------------------
-- The table, for people

local UNITS = { "second", "item", "text", "range", "input" } -- what a row is by, the first that it has

--- What the table says of a model, as a catalogue has it; nil: nothing.
---@param model string
---@return runway.ModelPrice|nil
function prices.fact(model)
  local row = prices.MODELS[model]
  if not row then return nil end
  local fact = { basis = "table " .. prices.DATE, per = "second", count = 1, least = row.least, image = row.image,
    formats = row.formats }
  local unit
  for _, name in ipairs(UNITS) do unit = unit or row[name] and name end
  if unit == "second" or unit == "item" then
    fact.per = unit
    fact.by, fact.low, fact.credits = spread(row[unit])
    if row.input then
      local _, low, high = spread(row.input)
      fact.input = { low = low, credits = high }
    end
  elseif unit == "range" then
    fact.per, fact.low, fact.credits = "item", row.range[1], row.range[2]
  else
    fact.per, fact.low, fact.credits = unit == "text" and "character" or "input_second", 1, 1
    fact.count = unit == "text" and row.text or math.floor(1 / row.input + 0.5)
  end
  return fact
end

---------------------------------------------------------------------------------------------------

--- What a submit of this body costs at Runway's own API: the most, and the least, that the table leaves open.
---@param json table     the body, in the API's spelling
---@return { credits: number, low: number, basis: string }|nil
---@return string|nil why   there is no price
function prices.of(json)
  local row = prices.MODELS[json.model]
  local low, high
  if not row then
    high = "%s has no price in the table of " .. prices.DATE
  elseif row.text then
    if type(json.promptText) ~= "string" then return nil, "there is no text" end
    low = math.ceil(text.length(json.promptText) / row.text)
    high = low
  elseif row.range then
    low, high = row.range[1], row.range[2]
  elseif row.item then
    low, high = of_items(row, json)
  elseif row.second then
    low, high = of_film(row, json)
  else
    high = "%s costs by the second of its input, whose length is not known"
  end
  if not low then return nil, high:format(text.line(tostring(json.model), 60) or "it") end
  return { credits = high, low = low, basis = "table " .. prices.DATE }
end

return prices
