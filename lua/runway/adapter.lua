-- adapter.lua: the one room that calls an adapter.
--
-- An adapter may be a stranger's table. It is checked when a client is made; after that each of its
-- functions is called here and nowhere else, so that none of them can end a call by raising, and
-- nothing that it returns is taken for what it is not. What was wrong is a `fault`: a text that
-- names the adapter and the function, for the error that the user reads.

local fields = require "runway.fields"
local files = require "runway.files"
local options = require "runway.options"
local scheduler = require "runway.scheduler"
local session = require "runway.session"
local shown = require "runway.shown"
local text = require "runway.text"

local adapter = {}

--------------------------------------------------------------------- the table itself

local function is_list_of_words(v)
  if type(v) ~= "table" then return false end
  for i, word in pairs(v) do
    if type(i) ~= "number" or type(word) ~= "string" then return false end
  end
  return true
end

local function is_env(v)
  return type(v) == "table" and (v.api_key == nil or type(v.api_key) == "string")
    and (v.base_url == nil or type(v.base_url) == "string")
end

local function is_table_of_limits(v)
  if type(v) ~= "table" then return false end
  for _, most in pairs(v) do
    if type(most) ~= "number" then return false end
  end
  return true
end

local function is_set(v)
  if type(v) ~= "table" then return false end
  for name, is in pairs(v) do
    if type(name) ~= "string" or is ~= true then return false end
  end
  return true
end

local function is_formats(v)
  if type(v) ~= "table" then return false end
  for class, list in next, v do
    if type(class) ~= "string" or not is_list_of_words(list) or #list == 0 then return false end
  end
  return true
end

local function is_number(v) return type(v) == "number" and v == v and v < math.huge and v > -math.huge end

local function is_amount(v) return is_number(v) and v >= 0 end

local function is_bounds(v)
  return type(v) == "table" and is_amount(v.credits) and is_amount(v.low) and v.low <= v.credits
end

-- What a list says that a model costs.
local function is_listed_price(v)
  return is_bounds(v) and type(v.per) == "string" and type(v.basis) == "string"
    and (v.count == nil or is_number(v.count) and v.count > 0) and (v.least == nil or is_amount(v.least))
    and (v.image == nil or is_amount(v.image)) and (v.input == nil or is_bounds(v.input))
    and (v.by == nil or is_table_of_limits(v.by))
end

local FACTS = { ratios = is_list_of_words, duration_min = is_number, duration_max = is_number,
  durations = function(v)
    for _, one in pairs(type(v) == "table" and v or { v }) do
      if type(one) ~= "number" then return false end
    end
    return type(v) == "table"
  end,
  duration_auto = function(v) return type(v) == "boolean" end, removed = function(v) return type(v) == "string" end,
  price = is_listed_price,
}

-- kind -> model -> what it takes.
local function is_catalogue(v)
  if type(v) ~= "table" then return false end
  for kind, models in next, v do
    if type(kind) ~= "string" or type(models) ~= "table" then return false end
    for model, facts in next, models do
      if type(model) ~= "string" or type(facts) ~= "table" then return false end
      for name, fact in next, facts do
        if FACTS[name] and not FACTS[name](fact) then return false end
      end
    end
  end
  return true
end

local function is_limits(v) return type(v) == "function" or is_table_of_limits(v) end
local function is_function(v) return type(v) == "function" end
local function is_string(v) return type(v) == "string" end
local LEVELS = 3                              -- a request's form holds tables of fields

local function is_word(v) return type(v) == "string" and v:find("[^ \t-\r]") ~= nil end
local function is_seconds(v) return type(v) == "number" and v >= 0 and v < math.huge end
local SECONDS = "a number of seconds, 0 or more"

-- What an adapter is made of, in the order in which faults are told: name, test, what it must be,
-- and whether it must be there.
local SHAPE = {
  { "name", is_word, "a word", true },
  { "kinds", is_list_of_words, "a list of the kinds it offers", true },
  { "submit", is_function, "a function", true },
  { "accepted", is_function, "a function", true },
  { "query", is_function, "a function", true },
  { "task", is_function, "a function", true },
  { "attached", is_list_of_words, "a list of kinds that no submit makes" },
  { "base_url", is_string, "a string" },
  { "env", is_env, "a table of names of environment variables (api_key, base_url)" },
  { "poll_interval", is_seconds, "a number of seconds" },
  { "missing_grace", is_seconds, "a number of seconds" },
  { "media", is_limits, "a table of class and longest data URI, or a function that returns one" },
  { "formats", is_formats, "a table of class and list of media types" },
  { "names", is_set, "a table of names, each with the value true" },
  { "models", is_catalogue, "a table of kind, model and what it takes (ratios, durations, price)" },
  { "sign", is_function, "a function" }, { "kind_of", is_function, "a function" },
  { "cancel", is_function, "a function" }, { "upload", is_function, "a function" },
  { "credits", is_function, "a function" }, { "balance", is_function, "a function" },
  { "problem", is_function, "a function" }, { "callback", is_function, "a function" },
  { "retryable_failure", is_function, "a function" }, { "price", is_function, "a function" },
}

--- Looks at an adapter's fields; calls none of its functions.
---@param given table
---@return string|nil fault   which field, what it is and what it must be
function adapter.check(given)
  local who = is_word(given.name) and "the adapter " .. text.line(given.name, 60) or "the adapter table"
  for _, rule in ipairs(SHAPE) do
    local field, fits, expected, needed = rule[1], rule[2], rule[3], rule[4]
    local v = given[field]
    if v == nil and needed then
      return ("%s has no %s; it must be %s"):format(who, field, expected)
    elseif v ~= nil and not fits(v) then
      return ("%s: %s is %s; it must be %s"):format(who, field, shown.value(v), expected)
    end
  end
  if given.credits and not given.balance then
    return who .. " has credits but no balance; it must have both or neither"
  end
  return nil
end

--- The adapter that a client is to use.
---@param provider string|table|nil   a name, or an adapter; nil: by the environment
---@return runway.Adapter|nil
---@return runway.Error|nil err       kind "config"
function adapter.of(provider)
  if type(provider) == "table" then
    local fault = adapter.check(provider)
    if fault then return session.config(is_word(provider.name) and provider.name or nil, fault) end
    return provider
  end
  local providers = require "runway.providers"
  local name = provider or session.environment "RUNWAY_PROVIDER" or "runwayml"
  if providers[name] then return providers[name] end
  local known = {}
  for each in pairs(providers) do known[#known + 1] = each end
  table.sort(known)
  local near = options.nearest(name, known)
  return session.config(nil, ("unknown provider %q%s; known: %s"):format(text.line(name, 60) or "",
    near and (" (did you mean " .. near .. "?)") or "", table.concat(known, ", ")))
end

--------------------------------------------------------------------- calling one of its functions

-- The same value without metatables, as deep as we look into it: nothing of the adapter's runs when it is
-- read. The json of a request stays: it is read raw.
local function plain(v, depth)
  if type(v) ~= "table" or depth > LEVELS or files.is_file(v) then return v end
  local copy = getmetatable(v) ~= nil and {} or nil
  for key, inner in next, v do
    local bare = inner
    if type(inner) == "table" and key ~= "json" then bare = plain(inner, depth + 1) end
    if copy then
      copy[key] = bare
    elseif not rawequal(bare, inner) then
      copy = { [key] = bare }
      for other, had in next, v do
        if copy[other] == nil then copy[other] = type(had) == "table" and plain(had, depth + 1) or had end
      end
      return copy
    end
  end
  return copy or v
end

-- The adapter's values after `true`, or false and what it raised, as text.
local function attempt(s, name, ...)
  local ok, value, more = scheduler.try(s.adapter[name], ...)
  if ok then return true, plain(value, 1), plain(more, 1) end
  return false, scheduler.text_of(value)
end

-- What was wrong with a value that an adapter's function gave, and what it must be.
local function odd(s, name, v, where, expected)
  return ("the adapter %s gave %s %s in %s%s"):format(s.adapter.name, shown.value(v, s.secrets), where, name,
    expected and "; it must be " .. expected or "")
end

-- Kinds that an adapter may give its problems.
local KINDS = {
  invalid_request = true, authentication = true, permission = true, insufficient_credits = true, not_found = true,
  rate_limited = true, server = true, network = true, timeout = true, protocol = true, unknown_submit = true,
  task_failed = true, task_cancelled = true, cancelled = true, io = true, limit = true, config = true,
}

-- An adapter's problem in its full form, and what was wrong with it. nil when it is none.
local function problem_of(s, name, given)
  if given == nil then return nil end
  if type(given) == "string" then return { message = given } end
  if type(given) ~= "table" then return nil, odd(s, name, given, "as a problem") end
  local id = given.id
  local message_ok, kind_ok = type(given.message) == "string", given.kind == nil or KINDS[given.kind]
  local later_ok = given.retry_after == nil or is_seconds(given.retry_after)
  if message_ok and kind_ok and later_ok and (id == nil or type(id) == "string") then return given end
  local fault
  local problem = { code = given.code, field = given.field, refused = given.refused, misuse = given.misuse,
    message = given.message, kind = given.kind, retry_after = given.retry_after, id = fields.id(id) }
  if id ~= nil and not problem.id then fault = odd(s, name, id, "as the id of a problem") end
  if not kind_ok then problem.kind, fault = nil, odd(s, name, given.kind, "as the kind of a problem") end
  if not later_ok then
    problem.retry_after, fault = nil, odd(s, name, given.retry_after, "as the retry_after of a problem", SECONDS)
  end
  if not message_ok then
    fault = odd(s, name, given.message, "as the message of a problem")
    problem.message = fields.text(given.message)
  end
  return problem, fault
end

--------------------------------------------------------------------- those that make something

local function is_path(v) return type(v) == "string" and not v:find("%z") end
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

local REQUEST = {
  method = is_string, path = is_string, url = is_string, body = is_string, file = is_path, format = is_string,
  query = is_pairs, headers = is_pairs, form = is_form, warnings = is_list_of_words,
  json = function(v) return type(v) ~= "string" and type(v) ~= "function" end, -- a text is a `body`
  safe = function(v) return type(v) == "boolean" end,
}

local BODIES = { "json", "body", "form", "file" }

-- What is wrong with a request; nil when it can be sent.
local function request_fault(s, name, request)
  if type(request) ~= "table" then return odd(s, name, request, "as a request") end
  for field, v in next, request do
    local fits = REQUEST[field]
    if not fits then                          -- a slip would leave the body out, and be paid for
      return ("the adapter %s gave a request with a field %q, which no request has, in %s"):format(s.adapter.name,
        tostring(field), name)
    end
    if not fits(v) then return odd(s, name, v, "as the " .. field .. " of a request") end
  end
  local body
  for _, field in ipairs(BODIES) do
    if request[field] ~= nil and body then
      return ("the adapter %s gave a request with two bodies, %s and %s, in %s"):format(s.adapter.name, body, field,
        name)
    end
    body = request[field] ~= nil and field or body
  end
  if request.url == nil and (request.path == nil or request.path:sub(1, 1) ~= "/") then
    return ("the adapter %s gave a request without a path that begins with / (or a url) in %s")
      :format(s.adapter.name, name)
  end
  return nil
end

local URI = "a string that is not empty: what the API takes in place of a file's URL"

-- A step of an upload is what it leads to, or the next request.
local function step_fault(s, name, step)
  if type(step) ~= "table" then return odd(s, name, step, "as a step") end
  if step.uri == nil then return request_fault(s, name, step.request) end
  return not is_word(step.uri) and odd(s, name, step.uri, "as the uri of a step", URI) or nil
end

--- Lets the adapter make a request (for "upload": a step).
---@param s runway.Session
---@param name "submit"|"query"|"cancel"|"credits"|"upload"
---@return table|nil request
---@return runway.Problem|nil problem   the adapter's, or that it broke, has no such function, or made nothing
function adapter.ask(s, name, ...)
  local who = s.adapter.name
  if not s.adapter[name] then return nil, { message = ("the adapter %s has no %s"):format(who, name) } end
  local ok, request, problem = attempt(s, name, ...)
  if not ok then return nil, { message = ("the adapter %s failed in %s: %s"):format(who, name, request) } end
  if request ~= nil and request ~= false then
    local fault = (name == "upload" and step_fault or request_fault)(s, name, request)
    if fault then return nil, { message = fault } end
    return request
  end
  local fault
  problem, fault = problem_of(s, name, problem)
  if fault then
    problem = problem or {}
    problem.message = problem.message and fault .. ": " .. problem.message or fault
  end
  return nil, problem or { message = ("the adapter %s made nothing in %s"):format(who, name) }
end

--- Headers for requests to the base URL's origin.
---@param s runway.Session
---@return table<string, string>|nil
---@return runway.Problem|nil problem
function adapter.sign(s)
  if not s.adapter.sign then return { Authorization = "Bearer " .. s.key } end
  local ok, headers = attempt(s, "sign", s.key)
  if not ok then return nil, { message = ("the adapter %s failed in sign: %s"):format(s.adapter.name, headers) } end
  if type(headers) ~= "table" then return nil, { message = odd(s, "sign", headers, "as headers") } end
  for name, value in pairs(headers) do
    if type(name) ~= "string" or type(value) ~= "string" and type(value) ~= "number" then
      return nil, { message = odd(s, "sign", value, "as a header") }
    end
  end
  return headers
end

--------------------------------------------------------------------- those that read an answer

local STATUSES = {
  PENDING = true, THROTTLED = true, RUNNING = true, SUCCEEDED = true, FAILED = true, CANCELLED = true,
}

local function is_urls(v) return is_list_of_words(v) and #v > 0 end

-- What a reader may say of a task, and how to tell that it did.
local TASK = {
  id = function(v) return is_string(v) and fields.id(v) ~= nil end, status = function(v) return STATUSES[v] ~= nil end,
  word = is_string, progress = is_number, output = is_urls, failure = is_string, failure_code = is_string,
  created_at = is_number, cost = is_amount, estimated_cost = is_amount, next_poll = is_number,
  flagged = is_string, reason = is_string, missing = function(v) return type(v) == "boolean" end,
}

-- What those must be without which a task is not found, or comes to no end.
local EXPECTED = {
  id = "a clean string (fields.id makes one of a number, too)",
  status = "PENDING, THROTTLED, RUNNING, SUCCEEDED, FAILED or CANCELLED, and nil for a word not known",
  output = "a list of URLs, or nil",
}

-- A field that no task has.
local function unknown(s, name, field)
  local known = {}
  for each in next, TASK do known[#known + 1] = each end
  local near = options.nearest(field, known)
  return ("the adapter %s gave a field %q, which no task has%s, in %s"):format(s.adapter.name,
    text.line(tostring(field), 60) or "", near and " (did you mean " .. near .. "?)" or "", name)
end

-- The fields without those of another type than they must have; and what was wrong, as a fault. Of a number that is an
-- id both: what was paid for keeps it.
local function clean(s, name, value)
  local faults, kept = {}, {}
  for field, v in next, value do
    local fits = TASK[field]
    local good = not fits or fits(v)
    if not fits then
      faults[#faults + 1] = unknown(s, name, field)
    elseif not good then
      faults[#faults + 1] = odd(s, name, v, "as " .. field, EXPECTED[field])
    end
    if good or field == "id" and fields.id(v) then kept[field] = v end
  end
  table.sort(faults)                          -- the same answer, the same text
  return kept, faults[1] and table.concat(faults, "; ")
end

-- A reader's value: fields of a task, or what the balance is.
local function value_of(s, name, value)
  if value == nil or value == false then return nil end
  if name == "balance" then
    if is_number(value) then return value end
    return nil, odd(s, name, value, "as a balance")
  end
  if type(value) ~= "table" then return nil, odd(s, name, value, "as the fields of a task") end
  return clean(s, name, value)
end

--- Lets the adapter read an answer (for "callback": a payload).
---@param s runway.Session
---@param name "accepted"|"task"|"balance"|"callback"|"problem"
---@return any value                    fields of a task, a number ("balance"); nil: it could not be read
---@return runway.Problem|nil problem   what the adapter says is wrong; from "problem", its one value
---@return string|nil fault             what the adapter did wrong
function adapter.read(s, name, ...)
  if not s.adapter[name] then return nil end
  local answer, more = ...
  if name ~= "callback" then                    -- what it does to it is its own affair
    answer = { status = answer.status, headers = answer.headers, json = answer.json, body = answer.body }
  end
  local ok, value, problem = attempt(s, name, answer, more)
  if not ok then
    local fault = ("the adapter %s failed to read an answer: %s raised %s"):format(s.adapter.name, name, value)
    s:complain("error", fault)
    return nil, nil, fault
  end
  if name == "problem" then value, problem = nil, value or nil end
  local odd_value, odd_problem
  value, odd_value = value_of(s, name, value)
  problem, odd_problem = problem_of(s, name, problem)
  local fault = odd_value or odd_problem
  if fault then s:complain("warning", fault) end
  return value, problem, fault
end

--------------------------------------------------------------------- small questions

--- The paths at which it asks for a task: providers may tell their address with the beginning of one.
---@param given runway.Adapter   checked
---@return string[] paths        one for each family of routes
function adapter.asks_at(given)
  local paths = {}
  for _, ref in ipairs { { id = "x" }, { id = "x", format = "official" } } do
    local ok, request = attempt({ adapter = given }, "query", ref)
    if ok and type(request) == "table" and is_string(request.path) then paths[#paths + 1] = request.path end
  end
  return paths
end

-- What a function that may be missing answers; nil, problem when it breaks or answers with another type.
local function opinion(s, name, fits, what, ...)
  if not s.adapter[name] then return nil end
  local ok, value = attempt(s, name, ...)
  if not ok then return nil, { message = ("the adapter %s failed in %s: %s"):format(s.adapter.name, name, value) } end
  if value ~= nil and not fits(value) then return nil, { message = odd(s, name, value, what) } end
  return value
end

--- The kind that the model alone decides; nil alone: the adapter has no opinion.
---@param s runway.Session
---@param given runway.Params
---@return string|nil
---@return runway.Problem|nil problem
function adapter.kind_of(s, given)
  return opinion(s, "kind_of", is_word, "as a kind", given)
end

--- Longest data URIs of a kind of task, in characters by class.
---@param s runway.Session
---@return table|nil limits
---@return runway.Problem|nil problem
function adapter.media(s, kind, given)
  if type(s.adapter.media) ~= "function" then return s.adapter.media or {} end
  local limits, problem = opinion(s, "media", is_table_of_limits, "as limits", kind, given)
  return limits or not problem and {} or nil, problem
end

local function is_price(v)
  return type(v) == "table" and is_amount(v.credits) and (v.low == nil or is_amount(v.low) and v.low <= v.credits)
    and (v.basis == nil or is_word(v.basis))
end

--- What a submit costs, as far as the adapter knows.
---@param s runway.Session
---@param kind string
---@param request table      as its own submit made it, with what the caller wants in it beside
---@return runway.Estimate|nil
---@return string|nil why    there is none
function adapter.price(s, kind, request)
  if not s.adapter.price then return nil end
  local ok, price, why = attempt(s, "price", kind, request)
  if not ok then return nil, ("the adapter %s failed in price: %s"):format(s.adapter.name, price) end
  if price == nil then return nil, type(why) == "string" and why or nil end
  if not is_price(price) then return nil, odd(s, "price", price, "as a price") end
  return { credits = price.credits, low = price.low or price.credits, basis = price.basis or "provider" }
end

local function is_anything() return true end

--- Would the same request, submitted anew, have a chance?
---@param s runway.Session
---@param code string|nil   the failure's
---@return boolean
function adapter.may_retry(s, code)
  local again, problem = opinion(s, "retryable_failure", is_anything, "", code)
  if problem then s:log("error", problem.message) end
  return again == true
end

return adapter
