-- What the tables that adapters are made of, and those they give back, must look like. Each check
-- returns nil when all is well, else what is wrong, in words.

local contract = require "runway.contract"
local json = require "runway.json"
local options = require "runway.options"
local shown = require "runway.shown"
local text = require "runway.text"
local values = require "runway.values"

local shape = {}

---Statuses after which a task is never asked about again.
shape.ENDS = { SUCCEEDED = true, FAILED = true, CANCELLED = true }

-- Statuses of a task that has no output to show.
local BARREN = { PENDING = true, THROTTLED = true, FAILED = true, CANCELLED = true }

local MAX_ID, MAX_TEXT, MAX_OUTPUTS = 4096, 4096, 64

local CONTROL = "[%z\1-\31\127]"
local TOKEN = "^[A-Za-z0-9!#$%%&'*+.^_`|~-]+$"       -- what a header's name is made of

local function names_of(t)
  local names = {}
  for name in next, t do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

local function has(list, v)
  for _, one in ipairs(list) do
    if one == v then return true end
  end
  return false
end

local is_finite = contract.is_number

local function is_list(t)
  local count = 0
  for _ in next, t do count = count + 1 end
  return count == #t
end

-- A name that is not known, and which one was probably meant.
local function unknown_name(t, known, what)
  local near_names = names_of(known)
  for _, name in ipairs(names_of(t)) do
    if not known[name] then
      local near = options.nearest(name, near_names)
      return ("%s has no place for %q%s"):format(what, name,
        near and " (did you mean " .. near .. "?)" or "")
    end
  end
  return nil
end

-- The first field whose type is wrong, by a table of name -> type.
local function wrong_type(t, types, what)
  for _, name in ipairs(names_of(types)) do
    local v = t[name]
    if v ~= nil and type(v) ~= types[name] then
      return ("%s.%s must be a %s, not a %s"):format(what, name, types[name], type(v))
    end
  end
  return nil
end

---------------------------------------------------------------------------------------------------
-- The adapter

-- `what` it is a list of: `kinds` or `attached`.
local function check_kinds(kinds, what)
  if type(kinds) ~= "table" or #kinds == 0 or not is_list(kinds) then
    return what .. " must be a list of kinds, like { \"image_to_video\" }"
  end
  for i, kind in ipairs(kinds) do
    if type(kind) ~= "string" or not kind:find("^[a-z][a-z0-9_]*$") then
      return ("%s[%d] must be a name in snake_case, not %s"):format(what, i, values.show(kind))
    elseif i > 1 and kind == kinds[i - 1] then
      return ("%s names %s twice"):format(what, kind)
    elseif i > 1 and text.before(kind, kinds[i - 1]) then
      return ("%s must be sorted: %s stands after %s"):format(what, kind, kinds[i - 1])
    end
  end
  return nil
end

local function are_words(list)
  if type(list) ~= "table" then return false end
  for _, word in next, list do
    if type(word) ~= "string" then return false end
  end
  return true
end

---What `media` holds, or what the function there returned.
function shape.media(media)
  if type(media) ~= "table" then return "media must be a table or a function that returns one" end
  for class, most in next, media do
    if not has({ "audio", "image", "video" }, class) then
      return ("media has no class %s; there are image, video and audio"):format(values.show(class))
    elseif not is_finite(most) or most <= 0 then
      return ("media.%s must be the longest data URI in characters"):format(class)
    end
  end
  return nil
end

local function check_env(env)
  if type(env) ~= "table" then return "env must be a table" end
  for name, variable in next, env do
    if name ~= "api_key" and name ~= "base_url" then
      return ("env has no place for %s; there are api_key and base_url"):format(values.show(name))
    elseif type(variable) ~= "string" or not variable:find("^[A-Za-z_][A-Za-z0-9_]*$") then
      return ("env.%s must be the name of an environment variable"):format(name)
    end
  end
  return nil
end

local function check_base(base)
  if type(base) ~= "string" or not base:find("^https?://[^%z\1-\32\127/?#]+[^%z\1-\32\127?#]*$") then
    return "base_url must be an http(s) URL without a query, like \"https://api.example.com\""
  end
  return nil
end

-- Parts of which nothing more is asked here than to be what they must.
local AS_THEY_ARE = { "formats", "names", "models" }

local MODEL = { ratios = true, durations = true, duration_min = true, duration_max = true, duration_auto = true,
  removed = true, price = true }

-- What models are of a kind that the adapter has not, or told by a name that is nearly a known one.
local function check_models(adapter)
  local facts_known = names_of(MODEL)
  for _, kind in ipairs(names_of(adapter.models)) do
    if not has(adapter.kinds, kind) and not has(adapter.attached or {}, kind) then
      local near = options.nearest(kind, adapter.kinds)
      return ("models.%s: there is no such kind in kinds%s"):format(kind,
        near and " (did you mean " .. near .. "?)" or "")
    end
    for _, model in ipairs(names_of(adapter.models[kind])) do
      for _, fact in ipairs(names_of(adapter.models[kind][model])) do
        local near = not MODEL[fact] and options.nearest(fact, facts_known)
        if near then
          return ("models.%s.%s has no place for %q (did you mean %s?)"):format(kind, model, fact, near)
        end
      end
    end
  end
  return nil
end

---Everything about an adapter that can be said without calling it.
---@param adapter any
---@param say fun(complaint: string)
---@return boolean usable  whether its functions can be tried at all
function shape.adapter(adapter, say)
  if type(adapter) ~= "table" then
    say("the adapter must be a table, not a " .. type(adapter))
    return false
  end
  local function tell(complaint) if complaint then say(complaint) end end
  local usable = true
  if type(adapter.name) ~= "string" or not adapter.name:find("^[A-Za-z0-9][A-Za-z0-9_.-]*$") then
    say("name must be a word, like \"myhost\"")
  end
  if adapter.base_url ~= nil then tell(check_base(adapter.base_url)) end
  if adapter.env ~= nil then tell(check_env(adapter.env)) end
  tell(check_kinds(adapter.kinds, "kinds"))
  if not are_words(adapter.kinds) then usable = false end
  if adapter.attached ~= nil then
    local wrong = check_kinds(adapter.attached, "attached")
    tell(wrong)
    for _, kind in ipairs(wrong and {} or adapter.attached) do
      if type(adapter.kinds) == "table" and has(adapter.kinds, kind) then
        say(("attached names %s, which is among the kinds that a submit makes"):format(kind))
      end
    end
  end
  if adapter.poll_interval ~= nil and not (is_finite(adapter.poll_interval) and adapter.poll_interval > 0) then
    say("poll_interval must be a number of seconds above 0")
  end
  if adapter.missing_grace ~= nil and not contract.is_amount(adapter.missing_grace) then
    say("missing_grace must be a number of seconds, 0 or more")
  end
  if adapter.media ~= nil and type(adapter.media) ~= "function" then
    tell(shape.media(adapter.media))
  end
  for _, name in ipairs(contract.FUNCTIONS) do
    if adapter[name] ~= nil and type(adapter[name]) ~= "function" then
      say(("%s must be a function, not a %s"):format(name, type(adapter[name])))
      usable = false
    elseif adapter[name] == nil and contract.NEEDED[name] then
      say("the function " .. name .. " is missing")
      usable = false
    end
  end
  if (adapter.credits == nil) ~= (adapter.balance == nil) then
    say("credits and balance go together: one asks, the other reads the answer")
  end
  if adapter.limits ~= nil and adapter.credits == nil then
    say("limits needs credits: it reads the same answer as balance")
  end
  for _, name in ipairs(AS_THEY_ARE) do
    local fault = contract.unfit(adapter, name)
    tell(fault)
    if name == "models" and not fault and adapter.models and type(adapter.kinds) == "table" then
      tell(check_models(adapter))
    end
  end
  tell(contract.misspelt(adapter))
  return usable
end

---------------------------------------------------------------------------------------------------
-- Requests

---Headers, of `sign` or of a request.
---@param headers any
---@return string|nil
function shape.headers(headers)
  if type(headers) ~= "table" then return "the headers must be a table" end
  for name, value in next, headers do
    if type(name) ~= "string" or not name:find(TOKEN) then
      return ("%s is no name of a header"):format(values.show(name))
    elseif type(value) ~= "string" then
      return ("the header %s must be a string, not a %s"):format(name, type(value))
    elseif value:find(CONTROL) then
      return ("the header %s holds a control character"):format(name)
    end
  end
  return nil
end

local REQUEST = {
  method = "string", path = "string", url = "string", query = "table", headers = "table",
  json = "table", form = "table", body = "string", file = "string", safe = "boolean",
  format = "string", warnings = "table",
}

local function check_address(request)
  if (request.path == nil) == (request.url == nil) then
    return "a request has either a path (under base_url) or a url (another origin, never signed)"
  elseif request.path and not request.path:find("^/[^%z\1-\32\127#]*$") then
    return "request.path must begin with / and hold no space, control character or #; "
      .. "fields.escape makes an id fit"
  elseif request.url and not request.url:find("^https?://[^%z\1-\32\127]+$") then
    return "request.url must be an http(s) URL"
  end
  return nil
end

local function check_query(query)
  for name, v in next, query or {} do
    local t = type(v)
    if type(name) ~= "string" or not (t == "string" or t == "number" or t == "boolean") then
      return ("request.query.%s must be a string, a number or a boolean"):format(tostring(name))
    end
  end
  return nil
end

local function check_form(form)
  for i, part in ipairs(form or {}) do
    if type(part) ~= "table" or type(part[1]) ~= "string"
      or type(part[2] or part.file) ~= "string" then
      return ("request.form[%d] must be { name, value } or { name, file = path }"):format(i)
    end
  end
  return nil
end

local function check_warnings(warnings, use)
  if warnings and use ~= "submit" then return "only a submit has warnings" end
  for i, warning in next, warnings or {} do
    if type(i) ~= "number" or type(warning) ~= "string" then return "request.warnings must be a list of strings" end
  end
  return nil
end

-- Which requests cost money decides how often they may be sent, so the two must agree.
local function check_price(request, use)
  local method = request.method or "GET"
  local asks = method == "POST" or method == "PATCH"
  if use == "submit" then
    if request.safe then
      return "a submit must not say safe = true: it costs money, and what is safe may be repeated"
    elseif not asks then
      return ("a submit must be a POST or PATCH: a %s may be repeated on its way, and paid for again"):format(method)
    end
  elseif asks and not request.safe then
    return ("a %s that costs nothing must say safe = true, or a lost answer is never asked for "
      .. "again"):format(method)
  end
  return nil
end

---@param request any
---@param use "submit"|"query"|"cancel"|"credits"|"upload"
---@return string|nil
function shape.request(request, use)
  if type(request) ~= "table" then return "the request must be a table, not a " .. type(request) end
  local complaint = unknown_name(request, REQUEST, "a request")
    or wrong_type(request, REQUEST, "request") or check_address(request)
    or check_query(request.query) or check_form(request.form) or check_warnings(request.warnings, use)
    or request.headers and shape.headers(request.headers)
  if complaint then return complaint end
  if request.method and not request.method:find("^[A-Z]+$") then
    return "request.method must be in capitals, like \"POST\""
  end
  local bodies = 0
  for _, name in ipairs { "json", "form", "body", "file" } do
    if request[name] ~= nil then bodies = bodies + 1 end
  end
  if bodies > 1 then return "a request has one of json, form, body and file" end
  if request.json then
    local encoded, message = json.encode(request.json)
    if encoded == nil then return "request.json cannot be sent: " .. tostring(message) end
  end
  return check_price(request, use)
end

---A step of an upload.
---@param step any   not nil
---@return string|nil
function shape.step(step)
  if type(step) ~= "table" then
    return ("a step must be { request = … } or { uri = … }, not %s"):format(shown.value(step))
  end
  if step.method or step.path then return "a request is no step: it stands in { request = … }" end
  local complaint = unknown_name(step, contract.STEP, "a step of an upload")
  if complaint then return complaint end
  if step.uri ~= nil and step.request ~= nil then return "a step has uri or request, and this one both" end
  if step.uri ~= nil then return not contract.is_uri(step.uri) and "step.uri must be " .. contract.URI or nil end
  if step.request == nil then return "a step must be { request = … } or { uri = … }, and this one is neither" end
  return shape.request(step.request, "upload")
end

---What a submit costs.
---@param price any
---@return string|nil
function shape.price(price)
  if type(price) ~= "table" then
    return "the price must be a table { credits =, low =, basis = }, not a " .. type(price)
  end
  for _, name in ipairs { "credits", "low" } do
    local v = price[name]
    if not (v == nil and name == "low") and not contract.is_amount(v) then
      return ("price.%s must be credits, 0 or more"):format(name)
    end
  end
  if price.low and price.low > price.credits then return "price.low, the least, is more than price.credits" end
  if price.basis ~= nil and type(price.basis) ~= "string" then return "price.basis must be a word" end
  return nil
end

---------------------------------------------------------------------------------------------------
-- What was read

---@param id any
---@return string|nil
function shape.id(id)
  if type(id) ~= "string" then return "an id must be a string, not a " .. type(id) end
  if #id > MAX_ID or id:find(CONTROL) or text.trim(id) == "" or id == "." or id == ".." then
    return "an id must be a clean, short, not empty string (fields.id gives one or nil)"
  end
  return nil
end

local FIELDS = {
  id = "string", status = "string", word = "string", progress = "number", output = "table",
  failure = "string", failure_code = "string", created_at = "number", cost = "number",
  estimated_cost = "number", missing = "boolean", next_poll = "number", flagged = "string", reason = "string",
}

local function check_output(out)
  local output = out.output
  if #output == 0 or not is_list(output) then return "fields.output is a list of URLs, or nil" end
  if #output > MAX_OUTPUTS then return ("fields.output holds more than %d"):format(MAX_OUTPUTS) end
  for _, url in ipairs(output) do
    if type(url) ~= "string" or not url:find("^[Hh][Tt][Tt][Pp][Ss]?://.") or url:find(CONTROL) then
      return "fields.output holds what is no http(s) URL (fields.urls leaves such out)"
    end
  end
  if BARREN[out.status] then return "fields.output of a task that is " .. out.status end
  return nil
end

---What `accepted`, `task` and `callback` return.
---@param out any
---@return string|nil
function shape.fields(out)
  if type(out) ~= "table" then return "what was read must be a table of fields or nil" end
  local complaint = unknown_name(out, FIELDS, "a table of fields")
    or out.id ~= nil and shape.id(out.id) or wrong_type(out, FIELDS, "fields")
  if complaint then return complaint end
  if out.status and not contract.STATUSES[out.status] then
    return "fields.status must be one of the six words, or nil for a word not known"
  end
  if out.progress and not (out.progress >= 0 and out.progress <= 1) then
    return "fields.progress must be " .. contract.EXPECTED.progress
  end
  for _, name in ipairs { "created_at", "cost", "estimated_cost", "next_poll" } do
    if out[name] and not is_finite(out[name]) then return "fields." .. name .. " is not finite" end
  end
  for _, name in ipairs { "cost", "estimated_cost" } do
    if out[name] and out[name] < 0 then return "fields." .. name .. " is below 0: a refund is a cost of 0" end
  end
  for _, name in ipairs { "failure", "failure_code", "word" } do
    if out[name] and #out[name] > MAX_TEXT then
      return ("fields.%s is longer than %d bytes (fields.text cuts)"):format(name, MAX_TEXT)
    end
  end
  return out.output and check_output(out) or nil
end

local PROBLEM = {
  message = "string", kind = "string", code = "string", field = "string", refused = "boolean",
  misuse = "boolean", id = "string", retry_after = "number",
}

-- Kinds that a problem may have which says when to come back.
local PASSING = { rate_limited = true, server = true, network = true, timeout = true }

---@param problem any
---@return string|nil
function shape.problem(problem)
  if type(problem) == "string" then problem = { message = problem } end
  if type(problem) ~= "table" then return "a problem must be a table or a string" end
  if type(problem.message) ~= "string" or problem.message == "" then
    return "a problem must have a message"
  end
  local complaint = unknown_name(problem, PROBLEM, "a problem")
    or wrong_type(problem, PROBLEM, "problem") or problem.id and shape.id(problem.id)
  if complaint then return complaint end
  if problem.kind and not contract.KINDS[problem.kind] then
    return ("problem.kind %q is no kind of error; it must be %s"):format(problem.kind,
      contract.EXPECTED_OF_A_PROBLEM.kind)
  end
  if problem.retry_after then
    if not is_finite(problem.retry_after) or problem.retry_after < 0 then
      return "problem.retry_after must be a number of seconds, 0 or more"
    elseif problem.kind and not PASSING[problem.kind] then
      return ("problem.retry_after says to come back, and problem.kind %q that it is of no use"):format(problem.kind)
    elseif problem.id then
      return "problem.retry_after says that nothing was taken, and problem.id names a task"
    end
  end
  return nil
end

-- Names and types, for those who look at what a case holds.
shape.FIELDS, shape.REQUEST, shape.PROBLEM = FIELDS, REQUEST, PROBLEM
shape.names_of, shape.unknown_name, shape.wrong_type = names_of, unknown_name, wrong_type

return shape
