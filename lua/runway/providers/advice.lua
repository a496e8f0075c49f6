-- Advice: what a model is known to take, as data, and the check of a request body against it.
--
-- A model's advice is a table of rules by field, in the API's own spelling, beside
--   needs    = { "promptText", … }  the fields that must be there
--   removed  = "2026-07-30"         since when the model is gone from the API
-- A rule says what form a value has and its limits; it is made by one of the functions below.
--
-- What cannot be right is refused: another type, a length or a number outside what is documented, a
-- field that is missing. A word or number that a list does not have may be new: lists age in weeks.
-- It goes through and is told as a warning. A field without a rule, and null, go through untold.

local official = require "runway.providers.official"
local options = require "runway.options"
local text = require "runway.text"
local values = require "runway.values"

local show, show_number = values.show, text.number
local concat = table.concat

local DATA_URI, RELAYED = official.DATA_URI, official.RELAYED_DATA_URI
local SHORTEST, LONGEST_URL, LONGEST_UPLOAD = official.SHORTEST_URI, official.LONGEST_URL, official.LONGEST_UPLOAD

-- How a field is named in "gen4_turbo takes durations 2 to 10".
local PLURAL = {
  duration = "durations", ratio = "ratios", resolution = "resolutions", seed = "seeds",
}

local advice = {}

---------------------------------------------------------------------------------------------------
-- Rules

---A text of `min` (default 1) to `max` (nil: no limit is documented) UTF-16 code units, maybe of a Lua
---pattern.
function advice.text(max, min, pattern)
  return { form = "text", min = min or 1, max = max, pattern = pattern }
end

---A whole number in a range.
function advice.whole(min, max) return { form = "whole", min = min, max = max } end

---Any number in a range.
function advice.number(min, max) return { form = "number", min = min, max = max } end

---A number above 0, of which no limit is documented.
advice.positive = { form = "positive" }

---One of a list of strings or numbers, as far as they are known.
function advice.one_of(allowed) return { form = "one_of", allowed = allowed } end

---One of a list of sizes, or any other WIDTH:HEIGHT of `least` to `most` pixels.
function advice.sizes(allowed, least, most)
  return { form = "sizes", allowed = allowed, least = least, most = most }
end

---What `rule` says, or a word: "auto".
function advice.or_word(rule, word) return { form = "or_word", rule = rule, allowed = { word } } end

---true or false.
advice.flag = { form = "flag" }

---A URL, upload URI, data URI or file of class "image", "video" or "audio"; of the class that the
---`type` beside it names ("type"); or of any class ("any"). `no_upload`: of a provider that has none.
function advice.media(class, no_upload) return { form = "media", class = class, no_upload = no_upload } end

---{ min=, max=, of=rule }
function advice.list(rule) rule.form = "list" return rule end

---Images at a position: { max=, positions={…}, optional=true|nil, first=true|nil }. `optional`: the
---position may be left out; `first`: a last frame needs a first one.
function advice.frames(rule) rule.form = "frames" return rule end

---A table: { needs={…}, either={"a", "b"} (exactly one of them), field=rule, … }
function advice.object(rules)
  local rule = { form = "object", needs = rules.needs or {}, either = rules.either, fields = {} }
  for name, field in pairs(rules) do
    if name ~= "needs" and name ~= "either" then rule.fields[name] = field end
  end
  return rule
end

---------------------------------------------------------------------------------------------------
-- Words

local describe = {}

function describe.text(rule)
  return rule.max and ("%d to %d characters"):format(rule.min, rule.max)
    or ("%d or more characters"):format(rule.min)
end
function describe.whole(rule)
  return ("%s to %s"):format(show_number(rule.min), show_number(rule.max))
end
describe.number = describe.whole
function describe.positive() return "above 0" end
function describe.one_of(rule) return text.either(rule.allowed) end
function describe.sizes(rule)
  return ("%s, or others of %s to %s pixels"):format(concat(rule.allowed, ", "), show_number(rule.least),
    show_number(rule.most))
end
function describe.or_word(rule)
  return ("%s or %s"):format(describe[rule.rule.form](rule.rule), rule.allowed[1])
end
function describe.flag() return "true or false" end
function describe.media(rule)
  local data = DATA_URI[rule.class] and ("a data:%s/ URI"):format(rule.class) or "a data URI"
  return ("an https:// URL, %s%s or runway.file(path)"):format(rule.no_upload and "" or "a runway:// URI, ", data)
end
function describe.frames() return describe.media { class = "image" } end
function describe.object(rule)
  local names = {}
  for i, name in ipairs(rule.needs) do names[i] = name .. " =" end
  if rule.either then names[#names + 1] = concat(rule.either, " = or ") .. " =" end
  return "{ " .. concat(names, ", ") .. " }"
end
function describe.list(rule)
  return ("a list of %s"):format(describe[rule.of.form](rule.of))
end

---What a rule allows, in words.
---@param rule table
---@return string
function advice.describe(rule) return describe[rule.form](rule) end

---------------------------------------------------------------------------------------------------
-- Checks: each returns nil, or why the value is refused as it stands after "MODEL ". `told` gathers
-- what is let through all the same; without it that is refused too.

local check = {}

local function takes(name, rule, v, note)
  return ("takes %s %s%s, not %s"):format(PLURAL[name] or name .. " as", advice.describe(rule),
    note or "", show(v))
end

function check.text(name, v, rule)
  if type(v) ~= "string" then return ("takes %s as a string, not %s"):format(name, show(v)) end
  local length = text.length(v)
  if length < rule.min or rule.max and length > rule.max then
    return ("takes %s of %s (in UTF-16 units), not %d"):format(name, describe.text(rule), length)
  end
  if rule.pattern and not v:find(rule.pattern) then
    return ("takes %s of the form %s, not %s"):format(name, rule.pattern, show(v))
  end
  return nil
end

function check.number(name, v, rule)
  if type(v) ~= "number" or v < rule.min or v > rule.max then return takes(name, rule, v) end
  return nil
end

function check.whole(name, v, rule)
  if type(v) == "number" and v % 1 ~= 0 then return takes(name, rule, v, " in whole numbers") end
  return check.number(name, v, rule)
end

function check.positive(name, v, rule)
  if type(v) ~= "number" or v <= 0 then return takes(name, rule, v) end
  return nil
end

-- Of ratios those that are as wide or as high as this one: whoever wants a landscape means no portrait.
local function oriented(v, allowed)
  local function turn(ratio)
    local wide, high = tostring(ratio):match "^(%d+)[:x](%d+)$"
    wide, high = tonumber(wide), tonumber(high)
    return wide and (wide > high and 1 or wide < high and -1 or 0)
  end
  local wanted, list = turn(v), {}
  if not wanted then return allowed end
  for _, ratio in ipairs(allowed) do
    if turn(ratio) == wanted then list[#list + 1] = ratio end
  end
  return list
end

-- Lets through what may be newer than the list.
local function unlisted(name, v, rule, told)
  if not told then return takes(name, rule, v) end
  local near = type(v) == "string" and options.nearest(v, oriented(v, rule.allowed))
  told[#told + 1] = ("%s %s is not among those known (%s); it goes to the API as it is%s"):format(name, show(v),
    advice.describe(rule), near and (" (did you mean %s?)"):format(near) or "")
  return nil
end

function check.one_of(name, v, rule, _, told)
  local as_listed = false
  for _, allowed in ipairs(rule.allowed) do
    if v == allowed then return nil end
    as_listed = as_listed or type(allowed) == type(v)
  end
  -- No list has a number under 1, and none is empty.
  if not as_listed or type(v) == "number" and v <= 0 or v == "" then return takes(name, rule, v) end
  return unlisted(name, v, rule, told)
end

function check.sizes(name, v, rule, _, told)
  local width, height = tostring(v):match("^(%d+):(%d+)$")
  local pixels = width and #v < 20 and width * height
  if not pixels or pixels >= rule.least and pixels <= rule.most then
    return not pixels and check.one_of(name, v, rule, nil, told) or nil
  end
  return check.one_of(name, v, rule)
end

function check.or_word(name, v, rule, beside, told)
  if type(v) ~= "string" then
    return check[rule.rule.form](name, v, rule.rule, beside, told) and takes(name, rule, v)
  end
  return check.one_of(name, v, rule, beside, told)
end

function check.flag(name, v, rule)
  if type(v) ~= "boolean" then return takes(name, rule, v) end
  return nil
end

local function too_long(name, what, length, limit)
  return ("takes %s of at most %d characters, not %d, for %s"):format(what, limit, length, name)
end

function check.media(name, v, rule, beside)
  local class = rule.class
  if class == "type" then class = DATA_URI[beside.type] and beside.type or "any" end
  if values.is_file(v) then
    -- Its class is known once the file has been looked at.
    if class == "any" or not v.class or v.class == class then return nil end
    return ("takes %s as %s, not %s of type %s"):format(name, class, v.name or "a file",
      v.type or v.class)
  end
  if type(v) ~= "string" then return takes(name, rule, v) end
  local of = v:match("^[Dd][Aa][Tt][Aa]:([A-Za-z]+)/")
  of = of and text.lower(of)
  if of and #v >= SHORTEST and (class == "any" or class == of) then
    local limit = (rule.no_upload and RELAYED or DATA_URI)[of]
    if limit and #v > limit then
      return too_long(name, ("data:%s/ URIs"):format(of), #v, limit)
        .. (rule.no_upload and " (give larger files by https URL)"
          or " (give larger files as runway.file(path), which uploads them)")
    end
    return nil
  end
  local longest = v:find("^https://") and LONGEST_URL or v:find("^runway://") and LONGEST_UPLOAD
  if not longest or #v < SHORTEST then return takes(name, advice.media(class, rule.no_upload), v) end
  if #v > longest then
    return too_long(name, longest == LONGEST_URL and "URLs" or "upload URIs", #v, longest)
  end
  return nil
end

local function check_one(name, v, rule, beside, told)
  if v == nil or values.is_null(v) then return nil end
  return check[rule.form](name, v, rule, beside, told)
end

local function count_of(name, v, rule)
  if rule.max and #v > rule.max then
    return ("takes at most %d %s, not %d"):format(rule.max, name, #v)
  end
  if rule.min and #v < rule.min then
    return ("needs at least %d %s"):format(rule.min, name)
  end
  return nil
end

function check.list(name, v, rule, _, told)
  if type(v) ~= "table" or values.is_file(v) or (next(v) ~= nil and v[1] == nil) then
    return ("takes %s as %s, not %s"):format(name, describe.list(rule), show(v))
  end
  local refusal = count_of(name, v, rule)
  for i = 1, #v do
    refusal = refusal or check_one(("%s[%d]"):format(name, i), v[i], rule.of, nil, told)
  end
  return refusal
end

-- Two images at one position, a last frame without a first, frames mixed with references.
local function check_positions(name, v, rule)
  local at, count = {}, 0
  for _, entry in ipairs(v) do
    local position = entry.position
    if position ~= nil then
      if at[position] and not rule.optional then
        return ("takes one %s at position %s"):format(name, show(position))
      end
      at[position], count = true, count + 1
    end
  end
  if rule.optional and count > 0 and count < #v then
    return ("takes %s all with a position (frames) or all without (references)"):format(name)
  end
  if rule.first and at.last and not at.first then
    return ('needs a "first" %s beside the "last" one'):format(name)
  end
  return nil
end

function check.frames(name, v, rule, _, told)
  local image = { form = "media", class = "image" }
  if type(v) ~= "table" or values.is_file(v) then return check.media(name, v, image) end
  local refusal = count_of(name, v, rule)
  for i, entry in ipairs(v) do
    local one = ("%s[%d]"):format(name, i)
    refusal = refusal or check_one(one .. ".uri", entry.uri, image)
    if entry.position ~= nil and not refusal then
      refusal = check.one_of(one .. ".position", entry.position, advice.one_of(rule.positions), entry, told)
    end
  end
  return refusal or check_positions(name, v, rule)
end

function check.object(name, v, rule, _, told)
  if type(v) ~= "table" or values.is_file(v) then
    return ("takes %s as a table %s, not %s"):format(name, describe.object(rule), show(v))
  end
  for _, field in ipairs(rule.needs) do
    if v[field] == nil then
      return ("needs %s.%s: %s"):format(name, field, advice.describe(rule.fields[field]))
    end
  end
  if rule.either then
    local a, b = rule.either[1], rule.either[2]
    if (v[a] == nil) == (v[b] == nil) then
      return ("takes either %s.%s or %s.%s"):format(name, a, name, b)
    end
  end
  local names = {}
  for field in pairs(rule.fields) do names[#names + 1] = field end
  table.sort(names)
  for field in pairs(v) do
    local near = not rule.fields[field] and type(field) == "string" and options.slip(field, names)
    if near then return ("takes no %s.%s; did you mean %s?"):format(name, text.line(field, 60) or "", near) end
  end
  for _, field in ipairs(names) do
    local refusal = check_one(name .. "." .. field, v[field], rule.fields[field], v, told)
    if refusal then return refusal end
  end
  return nil
end

---------------------------------------------------------------------------------------------------

---What is to be said of a model that is let through though nothing is known of it.
---@param model string
---@param known string[]   those of which something is
---@return string
function advice.unknown_model(model, known)
  local near = options.nearest(model, known)
  return ("the model %s is not known here%s; it goes to the API as it is"):format(
    model:find "^[A-Za-z0-9._-]+$" and text.cut(model, 60) or text.quote(model),
    near and (" (did you mean %s?)"):format(near) or "")
end

---What a value of one field is refused for, or nil. What a list does not have is refused here as well.
---@param name string  the field as the caller spells it
---@param v any
---@param rule table
---@return string|nil  to stand after the model's name
function advice.refusal(name, v, rule) return check_one(name, v, rule) end

-- A field that must be there is not: maybe it is there under a slip of the pen, which passed
-- through as a name no one knows.
local function missing(model, rules, body, lacks, spell)
  local name, unknown, wanted = spell(lacks[1]), {}, {}
  for other in pairs(body) do
    if not rules[other] and other ~= "model" then unknown[#unknown + 1] = spell(other) end
  end
  table.sort(unknown)
  local slip = options.nearest(name, unknown)
  for i, field in ipairs(lacks) do
    wanted[i] = ("%s: %s%s"):format(spell(field), advice.describe(rules[field]),
      i == 1 and slip and (" (is %s a slip of it?)"):format(slip) or "")
  end
  return values.refused(name, "%s needs %s", model, table.concat(wanted, "; and "))
end

-- Is there anything to be said of a body's fields?
local function check_all(rules, body, spell)
  local told = {}
  for field, v in next, body do
    local rule = rules[field]
    if type(rule) == "table" and field ~= "needs" and check_one(spell(field), v, rule, nil, told) then return true end
  end
  return told[1] ~= nil
end

---The first thing that a model is known to refuse in a body.
---@param model string
---@param rules table   the model's advice
---@param body table    in the API's spelling
---@param spell fun(field: string): string  the caller's name of a field
---@param warnings string[]  gets what goes through though no list has it
---@return table|nil problem  nil when nothing is refused
function advice.check(model, rules, body, spell, warnings)
  local lacks
  for _, field in ipairs(rules.needs) do
    if body[field] == nil then
      lacks = lacks or {}
      lacks[#lacks + 1] = field
    end
  end
  if lacks then return missing(model, rules, body, lacks, spell) end
  if not check_all(rules, body, spell) then return nil end -- as a rule
  local names, told = {}, {}
  for field in pairs(body) do
    if type(rules[field]) == "table" and field ~= "needs" then names[#names + 1] = field end
  end
  table.sort(names)                           -- of several things always the same one first
  for _, field in ipairs(names) do
    local name = spell(field)
    local refusal = check_one(name, body[field], rules[field], nil, told)
    if refusal then return values.refused(name, "%s %s", model, refusal) end
  end
  for _, warning in ipairs(told) do warnings[#warnings + 1] = model .. ": " .. warning end
  return nil
end

return advice
