-- adapter.lua: the one room that calls an adapter.
--
-- An adapter may be a stranger's table. It is checked when a client is made; after that each of its
-- functions is called here and nowhere else, so that none of them can end a call by raising, and
-- nothing that it returns is taken for what it is not (see contract.lua). What was wrong is a `fault`: a
-- text that names the adapter and the function, for the error that the user reads.

local contract = require "runway.contract"
local fields = require "runway.fields"
local files = require "runway.files"
local options = require "runway.options"
local scheduler = require "runway.scheduler"
local shown = require "runway.shown"
local text = require "runway.text"

local adapter = {}

--------------------------------------------------------------------- calling one of its functions

local REQUEST, TASK = contract.REQUEST, contract.TASK

local IS_BODY = {}
for _, field in ipairs(contract.BODIES) do IS_BODY[field] = 1 end

local LEVELS = 3                              -- a request's form holds tables of fields

-- Is there no metatable in it, as deep as we look into it? The json of a request is read raw.
local function is_plain(v, depth)
  if getmetatable(v) ~= nil then return false end
  if depth == LEVELS then return true end
  for key, inner in next, v do
    if type(inner) == "table" and key ~= "json" and not is_plain(inner, depth + 1) then return false end
  end
  return true
end

-- A copy without metatables: nothing of the adapter's runs when it is read. Files stay what they are.
local function bare(v, depth)
  if type(v) ~= "table" or depth > LEVELS or files.is_file(v) then return v end
  local copy = {}
  for key, inner in next, v do copy[key] = key == "json" and inner or bare(inner, depth + 1) end
  return copy
end

local function plain(v)
  if type(v) ~= "table" or is_plain(v, 1) then return v end
  return bare(v, 1)
end

-- The same for a request, whose fields are known.
local function plain_request(v)
  if type(v) ~= "table" then return v end
  if getmetatable(v) == nil and v.form == nil and v.headers == nil and v.query == nil and v.warnings == nil then
    return v                                  -- as a rule
  end
  return plain(v)
end

-- The adapter's values after `true`, or false and what it raised, as text. They may have metatables.
local function attempt(s, name, a, b)
  local ok, value, more = scheduler.try(s.adapter[name], a, b)
  if ok then return true, value, more end
  return false, scheduler.text_of(value)
end

-- What was wrong with a value that an adapter's function gave, and what it must be.
local function odd(s, name, v, where, expected)
  return ("the adapter %s gave %s %s in %s%s"):format(s.adapter.name, shown.value(plain(v), s.secrets), where, name,
    expected and "; it must be " .. expected or "")
end

-- What is the adapter's own fault, before anything was sent: whoever counts refusals is to count this as none.
local function broken(form, ...) return { kind = "config", message = form:format(...) } end

-- A field that has no place in a request, a task or a problem, and which one was probably meant.
local function unknown(s, name, field, known, what)
  local names = {}
  for each in next, known do names[#names + 1] = each end
  local near = options.nearest(field, names)
  return ("the adapter %s gave %sa field %q, which no %s has%s, in %s"):format(s.adapter.name,
    what == "task" and "" or "a " .. what .. " with ", text.line(tostring(field), 60) or "", what,
    near and " (did you mean " .. near .. "?)" or "", name)
end

-- What a problem keeps of a value that is of another type.
local SAVED = { id = fields.id, message = fields.text, code = fields.text }

-- An adapter's problem in its full form, and what was wrong with it. nil when it is none.
local function problem_of(s, name, given)
  if given == nil then return nil end
  if type(given) == "string" then return { message = given } end
  given = plain(given)
  if type(given) ~= "table" then return nil, odd(s, name, given, "as a problem", contract.A_PROBLEM) end
  local faults, problem = {}, {}
  if given.message == nil then faults[1] = odd(s, name, nil, "as the message of a problem", "a string") end
  for field, v in next, given do
    local fits = contract.PROBLEM[field]
    if not fits then
      faults[#faults + 1] = unknown(s, name, field, contract.PROBLEM, "problem")
    elseif fits(v) then
      problem[field] = v
    else
      faults[#faults + 1] = odd(s, name, v, "as the " .. field .. " of a problem",
        contract.EXPECTED_OF_A_PROBLEM[field])
      problem[field] = SAVED[field] and SAVED[field](v)
    end
  end
  table.sort(faults)
  return problem, faults[1] and table.concat(faults, "; ")
end

--------------------------------------------------------------------- those that make something

-- What is wrong with a request; nil when it can be sent.
local function request_fault(s, name, request)
  if type(request) ~= "table" then return odd(s, name, request, "as a request", contract.A_REQUEST) end
  local bodies = 0
  for field, v in next, request do
    local fits = REQUEST[field]
    if not fits then return unknown(s, name, field, REQUEST, "request") end -- its body may be missing
    if not fits(v) then
      return odd(s, name, v, "as the " .. field .. " of a request", contract.EXPECTED_OF_A_REQUEST[field])
    end
    bodies = bodies + (IS_BODY[field] or 0)
  end
  if bodies > 1 then
    local named = {}
    for _, field in ipairs(contract.BODIES) do
      if request[field] ~= nil then named[#named + 1] = field end
    end
    return ("the adapter %s gave a request with two bodies, %s and %s, in %s"):format(s.adapter.name, named[1],
      named[2], name)
  end
  if name == "submit" and request.method == nil then -- a GET makes nothing, and no one means it
    return ("the adapter %s gave a request without a method in submit; it must be a POST (or PATCH)")
      :format(s.adapter.name)
  end
  if request.url == nil and (request.path == nil or request.path:sub(1, 1) ~= "/") then
    return ("the adapter %s gave a request without a path that begins with / (or a url) in %s")
      :format(s.adapter.name, name)
  end
  return nil
end

local STEP = "{ request = … } or { uri = … }"

-- A step of an upload is what it leads to, or the next request.
local function step_fault(s, name, step)
  if type(step) ~= "table" then return odd(s, name, step, "as a step", STEP) end
  if step.method or step.path then
    return ("the adapter %s gave a request as a step in %s; it must be { request = … }"):format(s.adapter.name, name)
  end
  for field in next, step do
    if not contract.STEP[field] then return unknown(s, name, field, contract.STEP, "step") end
  end
  if step.uri ~= nil and step.request ~= nil then
    return ("the adapter %s gave a step with uri and request in %s; it must be one of them: the uri comes last")
      :format(s.adapter.name, name)
  end
  if step.uri ~= nil then
    return not contract.is_uri(step.uri) and odd(s, name, step.uri, "as the uri of a step", contract.URI) or nil
  end
  if step.request == nil then return odd(s, name, step, "as a step", STEP) end
  return request_fault(s, name, step.request)
end

--- Lets the adapter make a request (for "upload": a step).
---@param s runway.Session
---@param name "submit"|"query"|"cancel"|"credits"|"upload"
---@param a? any                        its arguments
---@param b? any
---@return table|nil request
---@return runway.Problem|nil problem   the adapter's, or that it broke, has no such function, or made nothing
function adapter.ask(s, name, a, b)
  local who = s.adapter.name
  if not s.adapter[name] then return nil, broken("the adapter %s has no %s", who, name) end
  local ok, request, problem = attempt(s, name, a, b)
  if not ok then return nil, broken("the adapter %s failed in %s: %s", who, name, request) end
  if request ~= nil and request ~= false then
    request = name == "upload" and plain(request) or plain_request(request)
    local fault = (name == "upload" and step_fault or request_fault)(s, name, request)
    if fault then return nil, broken("%s", fault) end
    return request
  end
  local fault
  problem, fault = problem_of(s, name, problem)
  if fault then
    problem = problem or {}
    problem.message = problem.message and fault .. ": " .. problem.message or fault
  end
  return nil, problem or broken("the adapter %s made nothing in %s; it must return a %s, or nil and a problem", who,
    name, name == "upload" and "step (" .. STEP .. ")" or "request")
end

local HEADERS = "a table of names and strings, like { Authorization = \"Bearer \" .. api_key }"

--- Headers for requests to the base URL's origin.
---@param s runway.Session
---@return table<string, string>|nil
---@return runway.Problem|nil problem
function adapter.sign(s)
  if not s.adapter.sign then return { Authorization = "Bearer " .. s.key } end
  local ok, headers = attempt(s, "sign", s.key)
  if not ok then return nil, broken("the adapter %s failed in sign: %s", s.adapter.name, headers) end
  headers = plain(headers)
  if type(headers) ~= "table" then return nil, broken("%s", odd(s, "sign", headers, "as headers", HEADERS)) end
  for name, value in pairs(headers) do
    local fault
    if type(name) ~= "string" or name == "" or name:find "[^A-Za-z0-9!#$%%&'*+.^_`|~-]" then
      fault = odd(s, "sign", name, "as the name of a header", "one or more letters, digits and -")
    elseif type(value) ~= "string" then
      fault = odd(s, "sign", value, ("as the header %q"):format(text.line(name, 60) or ""), "a string")
    elseif value:find "[%z\1-\8\10-\31\127]" then
      fault = odd(s, "sign", value, ("as the header %q"):format(text.line(name, 60) or ""),
        "a string on one line, without control characters")
    end
    if fault then return nil, broken("%s", fault) end
  end
  return headers
end

--------------------------------------------------------------------- those that read an answer

-- Are they what the fields of a task must be, each of them?
local function is_clean(value)
  if getmetatable(value) ~= nil then return false end
  for field, v in next, value do
    local fits = TASK[field]
    if not fits or field == "output" and not (type(v) == "table" and is_plain(v, 1)) then return false end
    if not fits(v) then return false end
  end
  return true
end

-- The fields without those of another type than they must have; and what was wrong, as a fault. Of a number that is an
-- id both: what was paid for keeps it.
local function clean(s, name, value)
  if is_clean(value) then return value end    -- as a rule
  local faults, kept = nil, {}
  for field, v in next, value do
    local fits = TASK[field]
    if field == "output" or not fits then v = plain(v) end -- else no table will do
    if fits and fits(v) then
      kept[field] = v
    else
      local fault
      if not fits then
        fault = unknown(s, name, field, TASK, "task")
      else
        fault = odd(s, name, v, "as " .. field, contract.EXPECTED[field])
      end
      faults = faults or {}
      faults[#faults + 1] = fault
      if not fits or field == "id" and fields.id(v) then kept[field] = v end
    end
  end
  if not faults then return kept end
  table.sort(faults)                          -- the same answer, the same text
  return kept, table.concat(faults, "; ")
end

-- A reader's value: fields of a task, what the balance is, or what an account allows.
local function value_of(s, name, value)
  if value == nil or value == false then return nil end
  if name == "task" or name == "accepted" then
    if type(value) == "table" then return clean(s, name, value) end -- as a rule
  else
    value = plain(value)
  end
  if name == "balance" then
    if contract.is_number(value) then return value end
    return nil, odd(s, name, value, "as a balance", "a number of credits")
  end
  if name == "limits" then
    if contract.is_allowance(value) then return value end
    return nil, odd(s, name, value, "as limits", contract.ALLOWANCE)
  end
  if type(value) ~= "table" then return nil, odd(s, name, value, "as the fields of a task", contract.A_TASK) end
  return clean(s, name, value)
end

--- Lets the adapter read an answer (for "callback": a payload).
---@param s runway.Session
---@param name "accepted"|"task"|"balance"|"limits"|"callback"|"problem"
---@param answer runway.AdapterAnswer|table
---@param more? any                     its second argument
---@return any value                    fields of a task, a number ("balance"), a table ("limits"); nil: it could not be
---  read
---@return runway.Problem|nil problem   what the adapter says is wrong; from "problem", its one value
---@return string|nil fault             what the adapter did wrong
function adapter.read(s, name, answer, more)
  if not s.adapter[name] then return nil end
  if name ~= "callback" then                    -- what it does to it is its own affair
    answer = { status = answer.status, headers = answer.headers, json = answer.json, body = answer.body }
  end
  local ok, value, problem = attempt(s, name, answer, more)
  if not ok then
    local fault = ("the adapter %s failed to read an answer: %s raised %s"):format(s.adapter.name, name, value)
    s:fault("error", fault)
    return nil, nil, fault
  end
  if name == "problem" then value, problem = nil, value or nil end
  local odd_value, odd_problem
  value, odd_value = value_of(s, name, value)
  problem, odd_problem = problem_of(s, name, problem)
  local fault = odd_value or odd_problem
  if fault then s:fault("warning", fault) end
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
    request = plain(request)
    if ok and type(request) == "table" and type(request.path) == "string" then paths[#paths + 1] = request.path end
  end
  return paths
end

-- What a function that may be missing answers; nil, problem when it breaks or answers with another type.
local function opinion(s, name, fits, what, expected, ...)
  if not s.adapter[name] then return nil end
  local ok, value = attempt(s, name, ...)
  if not ok then return nil, broken("the adapter %s failed in %s: %s", s.adapter.name, name, value) end
  value = plain(value)
  if value ~= nil and not fits(value) then return nil, broken("%s", odd(s, name, value, what, expected)) end
  return value
end

--- The kind that the model alone decides; nil alone: the adapter has no opinion.
---@param s runway.Session
---@param given runway.Params
---@return string|nil
---@return runway.Problem|nil problem
function adapter.kind_of(s, given)
  return opinion(s, "kind_of", contract.is_word, "as a kind", "the name of one, or nil", given)
end

--- Longest data URIs of a kind of task, in characters by class.
---@param s runway.Session
---@return table|nil limits
---@return runway.Problem|nil problem
function adapter.media(s, kind, given)
  if type(s.adapter.media) ~= "function" then return s.adapter.media or {} end
  local limits, problem = opinion(s, "media", contract.is_limits, "as limits",
    "a table of class (image, video, audio) and longest data URI, or nil", kind, given)
  return limits or not problem and {} or nil, problem
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
  price = plain(price)
  if not contract.is_price(price) then return nil, odd(s, "price", price, "as a price", contract.PRICE) end
  return { credits = price.credits, low = price.low or price.credits, basis = price.basis or "provider" }
end

local function is_anything() return true end

--- Would the same request, submitted anew, have a chance?
---@param s runway.Session
---@param code string|nil   the failure's
---@return boolean
function adapter.may_retry(s, code)
  local again, problem = opinion(s, "retryable_failure", is_anything, "", nil, code)
  if problem then s:log("error", problem.message) end
  return again == true
end

return adapter
