-- contract.lua: what an adapter must be made of, and what its functions may give. Pure, and calls none of them:
-- `adapter` holds by it what it is given, and `conformance`, which asks for more, knows the same names by it.

local fields = require "runway.fields"
local options = require "runway.options"
local shown = require "runway.shown"
local text = require "runway.text"

local huge = math.huge

local contract = {}

--------------------------------------------------------------------- values

local function is_function(v) return type(v) == "function" end
local function is_string(v) return type(v) == "string" end
local function is_boolean(v) return type(v) == "boolean" end

-- The tests of tables say, behind false, which place in them does not fit, and what stands there.
local function is_list_of_words(v)
  if type(v) ~= "table" then return false end
  for i, word in next, v do
    if type(i) ~= "number" or type(word) ~= "string" then return false, tostring(i), word end
  end
  return true
end

---@param v any
---@return boolean
function contract.is_word(v) return type(v) == "string" and v:find("[^ \t-\r]") ~= nil end
local is_word = contract.is_word

---@param v any
---@return boolean
function contract.is_number(v) return type(v) == "number" and v == v and v < huge and v > -huge end
local is_number = contract.is_number

--- Of seconds, or of credits.
---@param v any
---@return boolean
function contract.is_amount(v) return is_number(v) and v >= 0 end
local is_amount = contract.is_amount

--- What something is at most, by name: of `media` the data URIs of a class.
---@param v any
---@return boolean
---@return string|nil name   of the first that is none
---@return any most          what it is instead
function contract.is_limits(v)
  if type(v) ~= "table" then return false end
  for name, most in next, v do
    if type(most) ~= "number" then return false, tostring(name), most end
  end
  return true
end
local is_limits = contract.is_limits

--------------------------------------------------------------------- the table itself

local VARIABLES = { api_key = true, base_url = true }
local CLASSES = { image = true, video = true, audio = true }

local function is_env(v)
  if type(v) ~= "table" then return false end
  for name, variable in next, v do
    if not VARIABLES[name] or type(variable) ~= "string" then return false, tostring(name), variable end
  end
  return true
end

local function is_set(v)
  if type(v) ~= "table" then return false end
  for name, is in next, v do
    if type(name) ~= "string" or is ~= true then return false, tostring(name), is end
  end
  return true
end

local function is_formats(v)
  if type(v) ~= "table" then return false end
  for class, list in next, v do
    if not CLASSES[class] or not is_list_of_words(list) or #list == 0 then return false, tostring(class), list end
  end
  return true
end

local PER = { "second", "item", "input_second", "character" }

-- One of these, or a unit of its own that is not nearly one of them.
local function is_per(v)
  local near = type(v) == "string" and options.nearest(v, PER)
  return type(v) == "string" and (near == nil or near == v)
end

local function is_count(v) return is_number(v) and v > 0 end

-- The first field of these that is there, or must be, and is another: its name, and what it must be.
local function odd_one(v, list)
  for _, field in ipairs(list) do
    local name, is, due, may_lack = field[1], field[2], field[3], field[4]
    if not (v[name] == nil and may_lack) and not is(v[name]) then return name, due end
  end
  return nil
end

local AMOUNT = "credits, 0 or more"
local BOUNDS = { { "low", is_amount, AMOUNT }, { "credits", is_amount, AMOUNT } }

-- `low` and `credits`, and what else there is.
local function odd_price(v, list)
  if type(v) ~= "table" then return "", "a table { low =, credits =, … }" end
  local name, due = odd_one(v, BOUNDS)
  if not name and v.low > v.credits then name, due = "low", "no more than credits" end
  if not name and list then name, due = odd_one(v, list) end
  return name, due
end

local function is_bounds(v) return odd_price(v) == nil end

-- What a list says that a model costs. False: which field is another, what it is, and what it must be.
local PRICE = {
  { "per", is_per, '"second", "item", "input_second", "character" or a unit unlike these' },
  { "basis", is_string, "a text" },
  { "count", is_count, "a number above 0", true }, { "least", is_amount, AMOUNT, true },
  { "image", is_amount, AMOUNT, true }, { "input", is_bounds, "a table { low =, credits = }", true },
  { "by", is_limits, "a table of names and numbers", true },
}

local function is_listed_price(v)
  local name, due = odd_price(v, PRICE)
  if not name then return true end
  if name == "" then return false, "", v, due end
  return false, "." .. name, v[name], due
end

local FACTS = { ratios = is_list_of_words, duration_min = is_number, duration_max = is_number,
  durations = function(v)
    for _, one in pairs(type(v) == "table" and v or { v }) do
      if type(one) ~= "number" then return false end
    end
    return type(v) == "table"
  end,
  duration_auto = is_boolean, removed = is_string, price = is_listed_price,
}

-- kind -> model -> what it takes.
local function is_catalogue(v)
  if type(v) ~= "table" then return false end
  for kind, models in next, v do
    if type(kind) ~= "string" or type(models) ~= "table" then return false, tostring(kind), models end
    for model, facts in next, models do
      local place = kind .. "." .. tostring(model)
      if type(model) ~= "string" or type(facts) ~= "table" then return false, place, facts end
      for name, fact in next, facts do
        local fits, inside, there, due = true, nil, nil, nil
        if FACTS[name] then fits, inside, there, due = FACTS[name](fact) end
        local where = place .. "." .. tostring(name)
        if due then return false, where .. inside, there, due elseif not fits then return false, where, fact end
      end
    end
  end
  return true
end

local function is_media(v)
  if type(v) == "function" then return true end
  for class, most in next, type(v) == "table" and v or {} do
    if not CLASSES[class] then return false, tostring(class), most end
  end
  return is_limits(v)
end

--- What an adapter is made of, in the order in which faults are told: name, test, what it must be, and whether it must
--- be there.
contract.PARTS = {
  { "name", is_word, "a word", true },
  { "kinds", is_list_of_words, "a list of the kinds it offers", true },
  { "submit", is_function, "a function", true },
  { "accepted", is_function, "a function", true },
  { "query", is_function, "a function", true },
  { "task", is_function, "a function", true },
  { "attached", is_list_of_words, "a list of kinds that no submit makes" },
  { "base_url", is_string, "a string" },
  { "env", is_env, "a table of names of environment variables (api_key, base_url)" },
  { "poll_interval", is_amount, "a number of seconds" },
  { "missing_grace", is_amount, "a number of seconds" },
  { "media", is_media, "a table of class (image, video, audio) and longest data URI, a number of characters, or a "
    .. "function that returns one" },
  { "formats", is_formats, "a table of class (image, video, audio) and list of media types" },
  { "names", is_set, "a table of names, each with the value true" },
  { "models", is_catalogue, "a table of kind, model and what it takes (ratios, durations, price)" },
  { "sign", is_function, "a function" }, { "kind_of", is_function, "a function" },
  { "cancel", is_function, "a function" }, { "upload", is_function, "a function" },
  { "credits", is_function, "a function" }, { "balance", is_function, "a function" },
  { "limits", is_function, "a function" },
  { "problem", is_function, "a function" }, { "callback", is_function, "a function" },
  { "retryable_failure", is_function, "a function" }, { "price", is_function, "a function" },
}

--- The names of its functions, of those without which it is none, and of all its parts.
contract.FUNCTIONS, contract.NEEDED, contract.TABLE = {}, {}, {}
for _, part in ipairs(contract.PARTS) do
  contract.TABLE[part[1]] = true
  if part[2] == is_function then
    contract.FUNCTIONS[#contract.FUNCTIONS + 1] = part[1]
    contract.NEEDED[part[1]] = part[4]
  end
end

-- What is wrong with one of its fields, when anything is.
local function unfit(part, v)
  local fits, place, there, due = part[2](v)
  if fits then return nil end
  if due then
    return ("%s.%s is %s; it must be %s"):format(part[1], text.line(place, 60) or "", shown.value(there), due)
  end
  return ("%s is %s%s; it must be %s"):format(part[1], shown.value(v),
    place and (", where %s is %s"):format(text.line(place, 60) or "", shown.value(there)) or "", part[3])
end

--- The same for the field of a name; nil where it fits, or is not there.
---@param given table
---@param name string
---@return string|nil fault
function contract.unfit(given, name)
  for _, part in ipairs(contract.PARTS) do
    if part[1] == name then return given[name] ~= nil and unfit(part, given[name]) or nil end
  end
  return nil
end

--- A field that is no part of an adapter, and whose name is nearly that of one which is not there, or but for a letter
--- that of one which is.
---@param given table
---@return string|nil fault
function contract.misspelt(given)
  local absent, present, names = {}, {}, {}
  for _, part in ipairs(contract.PARTS) do
    local list = given[part[1]] == nil and absent or present
    list[#list + 1] = part[1]
  end
  for name in next, given do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local near = contract.TABLE[name] == nil and (options.nearest(name, absent) or options.nearest(name, present, 1))
    if near then return ("%q is no part of an adapter (did you mean %s?)"):format(text.line(name, 60) or "", near) end
  end
  return nil
end

--- What is wrong with an adapter's fields.
---@param given table
---@return string|nil fault   which field, what it is and what it must be
function contract.fault(given)
  local who = is_word(given.name) and "the adapter " .. text.line(given.name, 60) or "the adapter table"
  for _, part in ipairs(contract.PARTS) do
    local v = given[part[1]]
    if v == nil and part[4] then return ("%s has no %s; it must be %s"):format(who, part[1], part[3]) end
    local fault = v ~= nil and unfit(part, v)
    if fault then return who .. ": " .. fault end
  end
  if next(given.kinds) == nil then
    return who .. ": kinds is an empty table; it must be a list of the kinds it offers"
  end
  if given.credits and not given.balance then
    return who .. " has credits but no balance; it must have both or neither"
  end
  if given.limits and not given.credits then
    return who .. " has limits but no credits; they are read in the same answer as the balance"
  end
  return nil
end

--------------------------------------------------------------------- a request

local function is_path(v) return type(v) == "string" and not v:find("\0", 1, true) end
local function is_path_or_nil(v) return v == nil or is_path(v) end

local SCALARS = { string = true, number = true, boolean = true }

-- Names and what can be written beside them.
local function is_pairs(v)
  if type(v) ~= "table" then return false end
  for name, value in next, v do
    if type(name) ~= "string" or not SCALARS[type(value)] then return false end
  end
  return true
end

-- { { name, value } | { name, file =, filename =, type = }, … }
local function is_form(v)
  if type(v) ~= "table" then return false end
  for i, field in next, v do
    if type(i) ~= "number" or type(field) ~= "table" or type(field[1]) ~= "string" then return false end
    if not is_path_or_nil(field.file) or not is_path_or_nil(field.filename) or not is_path_or_nil(field.type) then
      return false
    end
    if field.file == nil and type(field[2]) ~= "string" then return false end
  end
  return true
end

--- The fields of a request, and a test of each.
contract.REQUEST = {
  method = is_string, path = is_string, url = is_string, body = is_string, file = is_path, format = is_string,
  query = is_pairs, headers = is_pairs, form = is_form, warnings = is_list_of_words,
  json = function(v) return type(v) ~= "string" and type(v) ~= "function" end, -- a text is a `body`
  safe = is_boolean,
}

--- What those must be.
contract.EXPECTED_OF_A_REQUEST = {
  method = "a string, like POST", path = "a string that begins with /", url = "a string", format = "a string",
  file = "the path of a file", json = "a table (a text is a body)", body = "a string", safe = "true or false",
  query = "a table of names and strings, numbers or booleans",
  headers = "a table of names and strings", warnings = "a list of strings",
  form = "a list of { \"name\", \"value\" } and { \"name\", file = path }",
}

--- Of these a request has one at most.
contract.BODIES = { "json", "body", "form", "file" }

--- What a request as a whole must be.
contract.A_REQUEST = "a table (method, path, and one of " .. table.concat(contract.BODIES, ", ") .. ")"

--- What a step of an upload has, one of them.
contract.STEP = { request = true, uri = true }

--- Can it stand in a request where the URL of a file does?
---@param v any
---@return boolean
function contract.is_uri(v) return is_word(v) and not v:find("[%z\1-\31\127]") end

--- What that is.
contract.URI = "a string that is not empty and has no control characters: what the API takes in place of a file's URL"

--------------------------------------------------------------------- what is read in an answer

contract.STATUSES = {
  PENDING = true, THROTTLED = true, RUNNING = true, SUCCEEDED = true, FAILED = true, CANCELLED = true,
}

local function is_share(v) return is_number(v) and v >= 0 and v <= 1 end
local function is_urls(v) return is_list_of_words(v) and #v > 0 end

--- What a reader may say of a task, and how to tell that it did.
contract.TASK = {
  id = function(v) return is_string(v) and fields.id(v) ~= nil end,
  status = function(v) return contract.STATUSES[v] ~= nil end,
  word = is_string, progress = is_share, output = is_urls, failure = is_string, failure_code = is_string,
  created_at = is_number, cost = is_amount, estimated_cost = is_amount, next_poll = is_number,
  flagged = is_string, reason = is_string, missing = is_boolean,
}

--- What those must be.
contract.EXPECTED = {
  id = "a clean string (fields.id makes one of a number, too)",
  status = "PENDING, THROTTLED, RUNNING, SUCCEEDED, FAILED or CANCELLED, and nil for a word not known",
  output = "a list of URLs, or nil", progress = "from 0 to 1 (of a number to 100 fields.progress(v, 100) makes it)",
  word = "a string", reason = "a string", flagged = "a string", missing = "true or false",
  failure = "a string (fields.text makes one)", failure_code = "a string (fields.text makes one of a number, too)",
  created_at = "a number of Unix seconds (fields.time makes it)", next_poll = "a number of seconds",
  cost = "a number of credits, 0 or more (fields.credits makes it)",
  estimated_cost = "a number of credits, 0 or more (fields.credits makes it)",
}

--- What the fields of a task as a whole must be.
contract.A_TASK = "a table of fields, like { id = …, status = … }, or nil"

--- The kinds of errors, each of which a problem may have.
contract.KINDS = {
  invalid_request = true, authentication = true, permission = true, insufficient_credits = true, not_found = true,
  rate_limited = true, server = true, network = true, timeout = true, protocol = true, unknown_submit = true,
  task_failed = true, task_cancelled = true, cancelled = true, io = true, limit = true, config = true,
}

local OF_A_MODEL = { concurrent = true, daily = true, used_today = true }

--- What an account allows of each model: how many tasks at once, how many within a day, and how many were made in this
--- one. What is not known is left out.
---@param v any
---@return boolean
function contract.is_allowance(v)
  if type(v) ~= "table" then return false end
  for model, limits in next, v do
    if not is_word(model) or type(limits) ~= "table" then return false end
    for name, n in next, limits do
      if not OF_A_MODEL[name] or not is_amount(n) or n % 1 ~= 0 then return false end
    end
  end
  return true
end

--- What those must be that an adapter tells.
contract.ALLOWANCE = "a table of models, each { concurrent =, daily =, used_today = } as far as they are known, whole "
  .. "numbers"

local KINDS = {}
for kind in next, contract.KINDS do KINDS[#KINDS + 1] = kind end
table.sort(KINDS)

--- What may be said of what is wrong, and how to tell that it was.
contract.PROBLEM = {
  message = is_string, kind = function(v) return contract.KINDS[v] ~= nil end, code = is_string, field = is_string,
  refused = is_boolean, misuse = is_boolean, id = contract.TASK.id, retry_after = is_amount,
}

contract.EXPECTED_OF_A_PROBLEM = {
  kind = "one of " .. table.concat(KINDS, ", "), retry_after = "a number of seconds, 0 or more", message = "a string",
  id = contract.EXPECTED.id, refused = "true or false", misuse = "true or false",
  code = "a string (fields.text makes one of a number, too)",
  field = "the name of a parameter",
}

--- What a problem as a whole must be.
contract.A_PROBLEM = "a string, or a table with a message"

--- What a submit costs; `low` may be left out.
---@param v any
---@return boolean
function contract.is_price(v)
  return type(v) == "table" and is_amount(v.credits) and (v.low == nil or is_amount(v.low) and v.low <= v.credits)
    and (v.basis == nil or is_word(v.basis))
end

--- What that must be.
contract.PRICE = "{ credits =, low =, basis = }: credits 0 or more, low no more than credits, and a word"

return contract
