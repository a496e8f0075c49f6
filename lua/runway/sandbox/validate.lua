--- A small validator of decoded JSON: schemas are plain tables, made with the constructors below,
-- and what does not fit is told as the official API tells it (zod's issues: code, path, message).
-- Meant for requests; the schema tables themselves are in runwayml_schema.lua and beside each API.

local json = require "runway.json"
local tools = require "runway.sandbox.tools"

local validate = {}

-- Constructors --------------------------------------------------------------------------------

--- A string of `min`..`max` UTF-16 units; `pattern` is a Lua pattern.
function validate.text(min, max, pattern)
  return { check = "text", min = min, max = max, pattern = pattern }
end

function validate.int(min, max) return { check = "int", min = min, max = max } end

function validate.number(min, max) return { check = "number", min = min, max = max } end

function validate.flag() return { check = "flag" } end

--- One of a few values: a string of words, or a list (of strings or of numbers).
function validate.one_of(words)
  local values = words
  if type(words) == "string" then
    values = {}
    for word in words:gmatch("[^ \t-\r]+") do values[#values + 1] = word end
  end
  return { check = "one_of", values = values }
end

--- A word that fits `named`, or any WIDTH:HEIGHT of `min`..`max` pixels.
function validate.sizes(min, max, named)
  return { check = "sizes", min = min, max = max, named = named }
end

--- An array of `min`..`max` items (nil: no limit).
function validate.list(item, min, max)
  return { check = "list", item = item, min = min, max = max }
end

--- An image, video or audio: https URL, runway:// URI, or data URI of at most `max` characters.
function validate.asset(media, max) return { check = "asset", media = media, max = max } end

--- Anything at all (the document says no more).
function validate.any() return { check = "any" } end

local function object(required, fields, closed)
  local need = {}
  for name in required:gmatch("[^ \t-\r]+") do need[#need + 1] = name end
  return { check = "object", required = need, fields = fields, closed = closed }
end

--- An object; names not listed pass.
---@param required string  the names that must be there, separated by blanks
function validate.open(required, fields) return object(required, fields, false) end

--- An object; names not listed are refused (additionalProperties false).
function validate.closed(required, fields) return object(required, fields, true) end

--- An object used as a map: every key fits `key` (a Lua pattern or nil), every value fits `item`.
function validate.map(item, key) return { check = "map", item = item, key = key } end

--- Any one of several schemas.
function validate.either(...) return { check = "either", branches = { ... } } end

--- One of several objects, told apart by the value of one field, which branches need not list.
function validate.by(field, branches)
  for _, branch in pairs(branches) do branch.told_by = field end
  return { check = "by", field = field, branches = branches }
end

-- Checks --------------------------------------------------------------------------------------

local checks = {}

local function type_name(value)
  if value == nil then return "undefined" end
  if value == json.null then return "null" end
  if type(value) == "table" then return json.is_array(value) and "array" or "object" end
  return type(value)
end

local function report(run, code, message, extra)
  local path = {}
  for i = 1, #run.path do path[i] = run.path[i] end
  if extra ~= nil then path[#path + 1] = extra end
  run.issues[#run.issues + 1] = { code = code, path = json.array(path), message = message }
end

local function wrong_type(run, expected, value)
  report(run, "invalid_type",
    ("Invalid input: expected %s, received %s"):format(expected, type_name(value)))
end

local function visit(run, schema, value, key)
  if key ~= nil then run.path[#run.path + 1] = key end
  checks[schema.check](run, schema, value)
  if key ~= nil then run.path[#run.path] = nil end
end

-- unit: what a length counts (" characters"), nil when the value itself is compared
local function in_range(run, kind, unit, size, schema)
  local verb = unit and "have" or "be"
  if schema.min and size < schema.min then
    report(run, "too_small", ("Too small: expected %s to %s >=%s%s"):format(kind, verb,
      tostring(schema.min), unit or ""))
  elseif schema.max and size > schema.max then
    report(run, "too_big", ("Too big: expected %s to %s <=%s%s"):format(kind, verb,
      tostring(schema.max), unit or ""))
  end
end

function checks.any() end

function checks.text(run, schema, value)
  if type(value) ~= "string" then return wrong_type(run, "string", value) end
  in_range(run, "string", " characters", tools.utf16_length(value), schema)
  if schema.pattern and not value:find(schema.pattern) then
    report(run, "invalid_format", "Invalid string: it does not have the documented form")
  end
end

function checks.number(run, schema, value)
  if type(value) ~= "number" then return wrong_type(run, "number", value) end
  in_range(run, "number", nil, value, schema)
end

function checks.int(run, schema, value)
  if type(value) ~= "number" or value ~= math.floor(value) then
    return wrong_type(run, "int", value)
  end
  in_range(run, "number", nil, value, schema)
end

function checks.flag(run, _, value)
  if type(value) ~= "boolean" then wrong_type(run, "boolean", value) end
end

function checks.one_of(run, schema, value)
  local shown = {}
  for i, known in ipairs(schema.values) do
    if known == value then return end
    shown[i] = type(known) == "string" and '"' .. known .. '"' or tostring(known)
  end
  report(run, "invalid_value", "Invalid option: expected one of " .. table.concat(shown, "|"))
end

function checks.sizes(run, schema, value)
  local width, height = tostring(value):match("^(%d%d?%d?%d?%d?):(%d%d?%d?%d?%d?)$")
  local pixels = width and width * height
  if pixels and pixels >= schema.min and pixels <= schema.max then return end
  checks.one_of(run, schema.named, value)
end

function checks.list(run, schema, value)
  if type_name(value) ~= "array" then return wrong_type(run, "array", value) end
  in_range(run, "array", " items", #value, schema)
  for i = 1, #value do visit(run, schema.item, value[i], i - 1) end
end

-- `run.assets(media, uri)` knows which URIs lead to something usable: it gives a complaint or nil.
function checks.asset(run, schema, value)
  if type(value) ~= "string" then return wrong_type(run, "string", value) end
  local scheme = value:match("^([A-Za-z]+):") or ""
  local data = "data:" .. schema.media .. "/"
  if scheme == "https" or scheme == "http" then
    in_range(run, "string", " characters", #value, { min = 13, max = 2048 })
  elseif scheme == "runway" then
    in_range(run, "string", " characters", #value, { min = 13, max = 5000 })
  elseif value:sub(1, #data) == data then
    in_range(run, "string", " characters", #value, { min = 13, max = schema.max })
  else
    return report(run, "invalid_format", ("Invalid input: expected an https:// URL, a runway:// " ..
      "URI or a %s...;base64 data URI"):format(data))
  end
  local complaint = run.assets and run.assets(schema.media, value)
  if complaint then report(run, "custom", complaint) end
end

function checks.object(run, schema, value)
  if type_name(value) ~= "object" then return wrong_type(run, "object", value) end
  for _, name in ipairs(schema.required) do
    if value[name] == nil then visit(run, schema.fields[name], nil, name) end
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local field = schema.fields[name]
    if field then
      visit(run, field, value[name], name)
    elseif schema.closed and name ~= schema.told_by then
      report(run, "unrecognized_keys", ('Unrecognized key: "%s"'):format(name))
    end
  end
end

function checks.map(run, schema, value)
  -- an empty JSON object and an empty array may look alike to the reader; both hold nothing wrong
  if type(value) ~= "table" or #value > 0 then return wrong_type(run, "object", value) end
  for name, item in pairs(value) do
    if schema.key and not name:find(schema.key) then
      report(run, "invalid_key", "Invalid key in record", name)
    else
      visit(run, schema.item, item, name)
    end
  end
end

-- Of branches that all fail, the one meant is told: that whose own type fits, then that with the
-- fewest faults.
function checks.either(run, schema, value)
  local meant
  for _, branch in ipairs(schema.branches) do
    local try = { path = run.path, issues = {}, assets = run.assets }
    visit(try, branch, value)
    local first = try.issues[1]
    if not first then return end
    local other_type = first.code == "invalid_type" and #first.path == #run.path
    local faults = #try.issues + (other_type and 1000 or 0)
    if not meant or faults < meant.faults then meant = { issues = try.issues, faults = faults } end
  end
  for _, issue in ipairs(meant.issues) do run.issues[#run.issues + 1] = issue end
end

function checks.by(run, schema, value)
  if type_name(value) ~= "object" then return wrong_type(run, "object", value) end
  local choice = value[schema.field]
  local branch = type(choice) == "string" and schema.branches[choice]
  if branch then return visit(run, branch, value) end
  run.path[#run.path + 1] = schema.field
  if type(choice) ~= "string" then
    wrong_type(run, "string", choice)
  else
    local known = {}
    for name in pairs(schema.branches) do known[#known + 1] = name end
    table.sort(known)
    report(run, "invalid_union", "Invalid input: no matching discriminator; known: " ..
      table.concat(known, ", "))
  end
  run.path[#run.path] = nil
end

--- Checks `value` against `schema`.
---@param schema table
---@param value any      decoded JSON
---@param assets nil|fun(media: string, uri: string): string|nil  complaint about an asset URI
---@return table[]  issues { code=, path=, message= }; empty when all is well
function validate.check(schema, value, assets)
  local run = { path = {}, issues = {}, assets = assets }
  visit(run, schema, value)
  return run.issues
end

--- Where an issue lies, for people: "images.0.image".
function validate.where(issue)
  local parts = {}
  for i, part in ipairs(issue.path) do parts[i] = tostring(part) end
  return table.concat(parts, ".")
end

return validate
