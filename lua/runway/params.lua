-- The caller's vocabulary: what a script may write, brought to one form before an adapter sees it.
--
-- `normalise` checks types (a wrong type is the caller's bug: `misuse`, raised at his line),
-- resolves the short forms and copies, so that the caller's own tables are never changed. Which
-- values an API takes is not its business; that is each adapter's advice.

local files = require "runway.files"
local options = require "runway.options"
local text = require "runway.text"
local values = require "runway.values"

local huge = math.huge
local misuse, refused = values.misuse, values.refused

local EXACT = 2^53  -- up to here every JSON reader holds an integer exactly

local SHORT_FORMS = {
  prompt = "prompt_text", image = "prompt_image", video = "prompt_video",
  -- Runway's own spelling of the neutral names, as copied from its documents.
  promptText = "prompt_text", promptImage = "prompt_image", callbackUrl = "callback_url",
}

local WORDS = { ["1280:720"] = "16:9", ["720:1280"] = "9:16" }
local PIXELS = { ["16:9"] = "1280:720", ["9:16"] = "720:1280" }

local params = {}

-- For adapters, which know these by this room's name.
params.is_file, params.is_null, params.length = files.is_file, values.is_null, text.length
params.check, params.nearest = options.check, options.nearest

local function wrong_type(field, expected, v)
  local got = files.is_file(v) and "a file" or values.is_null(v) and "null" or type(v)
  return misuse(field, "%s must be %s, got %s", field, expected, got)
end

---------------------------------------------------------------------------------------------------
-- Names that lead into tables

-- "references.1.uri" -> { "references", 1, "uri" }. A name with nothing behind its last point is one word.
local function steps_of(name)
  local steps = {}
  for step in (name:find "[^.]$" and name or ""):gmatch "[^.]+" do
    local index = #steps > 0 and step:find "^[1-9]%d?%d?%d?$" and math.floor(tonumber(step))
    steps[#steps + 1] = index or step
  end
  return #steps > 0 and steps or { name }
end

--- Puts a value where its name leads: "options.seconds" into options, "references.1.uri" into the first of a list.
---@param into table
---@param name string
---@param value any
---@return string|nil taken   how much of the name has another value already: all of it, or what is no table
function params.put(into, name, value)
  local steps = steps_of(name)
  for i = 1, #steps - 1 do
    local inner = into[steps[i]]
    if inner == nil then
      inner = {}
      into[steps[i]] = inner
    elseif type(inner) ~= "table" or files.is_file(inner) then
      return table.concat(steps, ".", 1, i)
    end
    into = inner
  end
  if into[steps[#steps]] ~= nil then return name end
  into[steps[#steps]] = value
  return nil
end

---------------------------------------------------------------------------------------------------
-- The neutral names

local check = {}

-- A URL, an upload URI or a data URI. A bare file name is the usual slip, and every API would
-- answer it with a riddle, so it is told here.
local function media(field, v)
  if files.is_file(v) or values.is_null(v) then return v end
  if type(v) ~= "string" then
    return nil, wrong_type(field, "a URL, a data URI or runway.file(path)", v)
  end
  v = text.trim(v)                            -- as it comes out of a file
  local problem = values.check_address(field, v)
  if problem then return nil, problem end
  local scheme = v:match("^[A-Za-z][A-Za-z0-9+.-]+:")
  if not scheme then
    local refusal = refused(field, "%s is neither a URL nor a data URI: %s", field,
      v == "" and "it is empty" or values.show(v))
    refusal.without_files = refusal.message   -- what is true where none is taken
    refusal.message = refusal.message .. " (a file on disk is given as runway.file(path))"
    return nil, refusal
  end
  return scheme:find("[A-Z]") and text.lower(scheme) .. v:sub(#scheme + 1) or v
end

function check.prompt_text(field, v)
  if type(v) ~= "string" then return nil, wrong_type(field, "a string", v) end
  local problem = values.check_text(field, v)
  if problem then return nil, problem end
  if v ~= "" and text.trim(v) == "" then      -- made all the same, and paid for
    return nil, refused(field, "%s is empty but for spaces", field)
  end
  return v
end

-- One entry of prompt_image: whatever form it was given in, it becomes { uri =, position =, … }.
local ENTRY = { "position", "uri" }

local function image_entry(field, v)
  if type(v) == "string" or files.is_file(v) then
    local uri, problem = media(field, v)
    if problem then return nil, problem end
    return { uri = uri }
  end
  if type(v) ~= "table" or values.is_null(v) then
    return nil, wrong_type(field,
      "a URL, a data URI, runway.file(path) or { uri =, position = }", v)
  end
  local entry, problem = values.copy(field, v)
  if problem then return nil, problem end
  if entry.uri == nil then return nil, misuse(field, "%s has no uri", field) end
  for name in next, entry do
    local near = name ~= "position" and name ~= "uri" and options.slip(name, ENTRY)
    if near then return nil, refused(field, "%s has no %s; did you mean %s?", field, values.show(name), near) end
  end
  entry.uri, problem = media(field .. ".uri", entry.uri)
  if problem then return nil, problem end
  if entry.position ~= nil and type(entry.position) ~= "string" then
    return nil, wrong_type(field .. ".position", '"first" or "last"', entry.position)
  end
  return entry
end

function check.prompt_image(field, v)
  if type(v) ~= "table" or files.is_file(v) or v.uri ~= nil then
    local entry, problem = image_entry(field, v)
    if problem then return nil, problem end
    return { entry }
  end
  local form, problem = values.shape(field, v)
  if problem then return nil, problem end
  if form ~= "list" then
    if next(v) ~= nil then return nil, misuse(field, "%s has no uri", field) end
    return nil, refused(field, "%s is an empty list", field)
  end
  local list = {}
  for i = 1, #v do
    list[i], problem = image_entry(("%s[%d]"):format(field, i), v[i])
    if problem then return nil, problem end
  end
  return list
end

check.prompt_video = media

---@return string|nil
---@return table|nil problem
local function word(field, v)
  if type(v) ~= "string" then return nil, wrong_type(field, "a string", v) end
  local problem = values.check_address(field, v)
  if problem then return nil, problem end
  if text.trim(v) == "" then return nil, refused(field, "%s is empty", field) end
  return v
end

check.model, check.ratio, check.kind, check.format, check.key = word, word, word, word, word

function check.duration(field, v)
  if v == "auto" then return v end              -- some models decide themselves
  if type(v) ~= "number" then return nil, wrong_type(field, "a number of seconds", v) end
  if v ~= v or v == huge or v == -huge then
    return nil, misuse(field, "%s must be a finite number of seconds", field)
  end
  return values.whole(v)
end

function check.seed(field, v)
  if type(v) ~= "number" then return nil, wrong_type(field, "an integer", v) end
  if v ~= v or v == huge or v == -huge then
    return nil, misuse(field, "%s must be an integer", field)
  end
  if v % 1 ~= 0 or v < 0 or v > EXACT then
    return nil, refused(field, "%s must be an integer from 0 to 2^53, not %s", field,
      text.number(v))
  end
  return values.whole(v)
end

function check.callback_url(field, v)
  local url, problem = word(field, v)
  if problem then return nil, problem end
  if not url:find("^[Hh][Tt][Tt][Pp][Ss]?://[^%z\1-\32\127]+$") then
    return nil, refused(field, "%s is no http(s) URL: %s", field, values.show(url))
  end
  return url
end

-- These name things to this module, so null means nothing for them.
local OURS = { kind = true, key = true, format = true, model = true }

-- What is wrong with a name; nil as a rule.
local function fault_of(name)
  if check[name] then return nil end
  if type(name) ~= "string" then
    return misuse(nil, "parameter names are strings, got the key %s", tostring(name))
  end
  if name:find("^[ -~]+$") then return nil end
  local is_text = not text.bad_byte(name)
  if is_text and name:find("^[ -~\128-\255]+$") then return nil end
  return (is_text and misuse or refused)(nil, "%s is no parameter name", values.show(name:gsub("[^ -~]", "?")))
end

-- Takes in one of them; the problem with it, if there is any.
local function take(raw, name, clean, given_as)
  local v, neutral, problem = raw[name], SHORT_FORMS[name] or name, nil
  local camel = params.camel(neutral)
  local twin = given_as[camel]
  if twin then return misuse(neutral, "%s and %s are the same parameter: give one of them", twin, name) end
  given_as[camel] = name
  if not values.is_null(v) or OURS[neutral] then
    v, problem = (check[neutral] or values.copy)(name, v)
  end
  clean[neutral] = v
  return problem
end

-- Of several problems always the same one: by the order of the names.
local function first_problem(raw)
  local names, clean, given_as = {}, {}, {}
  for name in next, raw do
    local problem = fault_of(name)
    if problem then return problem end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local problem = take(raw, name, clean, given_as)
    if problem then return problem end
  end
  return nil
end

---The caller's parameters in the one form that adapters take. The table given is not changed.
---@param raw table
---@return table|nil params
---@return table|nil problem  { message=, field=, misuse=true|nil }; misuse: the client raises it
function params.normalise(raw)
  if type(raw) ~= "table" or files.is_file(raw) then
    return nil, wrong_type("the parameters", "a table", raw)
  end
  -- with places for what most have: a table is made anew each time that it grows
  local clean = { model = nil, prompt_text = nil, prompt_image = nil, ratio = nil, duration = nil }
  local given_as = { model = nil, promptText = nil, promptImage = nil, ratio = nil, duration = nil }
  for name in next, raw do
    if fault_of(name) or take(raw, name, clean, given_as) then return nil, first_problem(raw) end
  end
  return clean
end

---The kind of task that the parameters ask for, where no adapter knows better: `kind` when given,
---else by the inputs.
---@param given table    normalised parameters
---@return string
function params.kind_of(given)
  if given.kind then return given.kind end
  if given.character then return "character_performance" end
  if given.prompt_video or given.promptVideo or given.video_uri or given.videoUri then
    return "video_to_video"
  end
  if given.prompt_image then return "image_to_video" end
  return "text_to_video"
end

---------------------------------------------------------------------------------------------------
-- Spelling

local camels, count, MOST_CAMELS = {}, 0, 1000 -- names that were turned before: each task has the same few

---snake_case to camelCase; a name already in camelCase stays as it is.
---@param name string
---@return string
function params.camel(name)
  local camel = camels[name]
  if camel then return camel end
  camel = name
  if name:find("_", 1, true) then
    camel = name:gsub("([A-Za-z0-9])_+([A-Za-z0-9])", function(before, after) return before .. text.upper(after) end)
  end
  if count < MOST_CAMELS then camels[name], count = camel, count + 1 end
  return camel
end

---camelCase to snake_case; a name already in snake_case stays as it is.
---@param name string
---@return string
function params.snake(name)
  return (name:gsub("[A-Z]", function(c) return "_" .. text.lower(c) end))
end

---"1280:720" -> "16:9" and "720:1280" -> "9:16"; any other ratio unchanged.
---@param ratio string
---@return string
function params.ratio_words(ratio) return WORDS[ratio] or ratio end

---"16:9" -> "1280:720" and "9:16" -> "720:1280"; any other ratio unchanged.
---@param ratio string
---@return string
function params.ratio_pixels(ratio) return PIXELS[ratio] or ratio end

return params
