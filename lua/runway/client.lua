-- client.lua: what the user holds: one account at one provider.

local core = require "runway.core"
local errors = require "runway.errors"
local fields = require "runway.fields"
local http = require "runway.http"
local json = require "runway.json"
local media = require "runway.media"
local params = require "runway.params"
local scheduler = require "runway.scheduler"
local task = require "runway.task"

---@class runway.Client
---@field provider string    the adapter's name
---@field base_url string
local Client = {}
Client.__index = Client
Client.__name = "runway.client"

function Client.__tostring(client)
  return ("client of %s at %s"):format(client.provider, client.base_url)
end

local client = {}

local sessions = setmetatable({}, { __mode = "k" })
local lanes = 0

local function positive(v)
  return type(v) == "number" and v > 0 and v < math.huge, "a positive number"
end
local function not_negative(v)
  return type(v) == "number" and v >= 0 and v < math.huge, "a number, 0 or more"
end
local function whole(v)
  return type(v) == "number" and v >= 0 and v % 1 == 0 and v < 2 ^ 31, "a whole number, 0 or more"
end
local function count(v)
  return type(v) == "number" and v >= 1 and v % 1 == 0 and v < 2 ^ 31, "a whole number, 1 or more"
end

local function pins(v)
  local expected = 'a table such as { ["host:443"] = "127.0.0.1" }'
  if type(v) ~= "table" then return false, expected end
  for name, address in pairs(v) do
    if type(name) ~= "string" or type(address) ~= "string" then return false, expected end
  end
  return true
end

local OPTIONS = {
  provider = "string|table", api_key = "string", base_url = "string", journal = "string",
  timeout = positive, connect_timeout = positive, max_retries = whole, poll_interval = not_negative,
  max_in_flight = count, callback_url = "string", proxy = "string", ca_file = "string", resolve = pins,
  allow_http = "boolean", allow_private = "boolean", max_body_bytes = count, user_agent = "string",
  logger = "function", transport = "table",
}

local function config(name, message)
  return nil, errors.new { kind = "config", message = message, provider = name, sent = "no" }
end

-- An environment variable that is set to something.
local function environment(name)
  local value = name and os.getenv(name)
  return value and value ~= "" and value or nil
end

--------------------------------------------------------------------- making one

local function adapter_of(provider)
  if type(provider) == "table" then
    if type(provider.name) ~= "string" or type(provider.submit) ~= "function" then
      return config(nil, "the adapter table has no name or no submit function")
    end
    return provider
  end
  local providers = require "runway.providers"
  local name = provider or environment "RUNWAY_PROVIDER" or "runwayml"
  if providers[name] then return providers[name] end
  local known = {}
  for each in pairs(providers) do known[#known + 1] = each end
  table.sort(known)
  local near = params.nearest(name, known)
  return config(nil, ("unknown provider %q%s; known: %s"):format(fields.line(name, 60) or "",
    near and (" (did you mean " .. near .. "?)") or "", table.concat(known, ", ")))
end

local function key_of(adapter, given)
  local variable = adapter.env and adapter.env.api_key
  local key = given or environment(variable)
  if not key or key == "" then
    return config(adapter.name, ("no API key: set %sor give api_key = …")
      :format(variable and ("the environment variable " .. variable .. " ") or ""))
  end
  if key:find("%s") or key:find("%c") then
    return config(adapter.name, "the API key holds a space or a line break (was it read from a file "
      .. "with the newline at its end?)")
  end
  if key:find("[\128-\255]") then
    return config(adapter.name, "the API key holds characters that no key has")
  end
  return key
end

local function base_of(adapter, given, allow_http)
  local variable = adapter.env and adapter.env.base_url
  local base = given or environment(variable) or adapter.base_url
  if not base then
    return config(adapter.name, ("%s has no base URL of its own: give base_url = …%s")
      :format(adapter.name, variable and (" or set " .. variable) or ""))
  end
  local url, refused = core.url(base)
  if not url then return config(adapter.name, "base_url: " .. refused) end
  if base:find("[?#]") then return config(adapter.name, "base_url: a query or fragment has no place in it") end
  if url.scheme == "http" and not url.loopback and not allow_http then
    return config(adapter.name, "base_url: http (without TLS) would show the key to the network; "
      .. "use https, or set allow_http = true")
  end
  return (base:gsub("/+$", "")), url
end

-- A log call that can neither raise nor show what must stay hidden.
local function logger(fn, key)
  return function(level, message, more)
    if not fn then return end
    scheduler.guard(fn, level, fields.cut(errors.redact(message, key), 2000), more or {})
  end
end

--- Opens an account. Makes no request.
---@param options? table   see the README: provider, api_key, base_url, timeout (60 s), connect_timeout (10 s),
---   max_retries (4), poll_interval (s), max_in_flight (32), callback_url, proxy, ca_file, resolve, allow_http,
---   allow_private, max_body_bytes (4 MiB), user_agent, logger(level, message, fields), transport
---@return runway.Client|nil
---@return runway.Error|nil err  kind "config"
function client.new(options)
  options = params.check(options, OPTIONS, "client", 2)
  local adapter, err = adapter_of(options.provider)
  if not adapter then return nil, err end
  if options.journal then
    return config(adapter.name, "this version has no journal yet; leave journal out")
  end
  local key, base, url
  key, err = key_of(adapter, options.api_key)
  if not key then return nil, err end
  base, url = base_of(adapter, options.base_url, options.allow_http)
  if not base then return nil, url end
  local usable, why = core.proxy(options.proxy or "")
  if not usable then return config(adapter.name, "proxy cannot be a proxy: " .. why) end
  lanes = lanes + 1
  local session = {
    transport = options.transport or require "runway.transport",
    adapter = adapter, base = base, loopback = url.loopback, key = key, live = {}, lane = lanes - 1,
    sign = function() return adapter.sign and adapter.sign(key) or { Authorization = "Bearer " .. key } end,
    log = logger(options.logger, key),
    callback_url = options.callback_url,
    limits = {
      timeout = options.timeout or 60, connect_timeout = options.connect_timeout or 10,
      max_retries = options.max_retries or 4, poll_interval = options.poll_interval,
      max_in_flight = options.max_in_flight or 32, max_body_bytes = options.max_body_bytes or 4 * 1024 * 1024,
      proxy = options.proxy, ca_file = options.ca_file, resolve = options.resolve,
      allow_http = options.allow_http, allow_private = options.allow_private,
      user_agent = options.user_agent or ("runway-lua/" .. core.version),
    },
  }
  local self = setmetatable({ provider = adapter.name, base_url = base }, Client)
  sessions[self] = session
  return self
end

local function session_of(self)
  local session = sessions[self]
  if not session then error("a method of a client was called without it: use client:method(…)", 3) end
  return session
end

--------------------------------------------------------------------- submitting

--- Does the provider offer this kind of task?
---@param kind string
---@return boolean
function Client:supports(kind)
  for _, offered in ipairs(session_of(self).adapter.kinds or {}) do
    if offered == kind then return true end
  end
  return false
end

local function unsupported(self, session, kind)
  local kinds = session.adapter.kinds or {}
  local near = params.nearest(kind, kinds)
  return http.refuse(session, ("%s has no %s%s; it has %s"):format(self.provider, fields.line(kind, 60) or "",
    near and (" (did you mean " .. near .. "?)") or "", table.concat(kinds, ", ")))
end

-- The adapter's request. The client's own callback_url goes along where the provider takes one.
-- The caller's misuse comes back as the adapter's problem, to be raised where his line is known.
local function ask(session, kind, given)
  local request, problem
  if given.callback_url == nil and session.callback_url then
    given.callback_url = session.callback_url
    request, problem = http.ask(session, "submit", kind, given)
    given.callback_url = nil
  end
  if not request and (not problem or problem.field == "callback_url") then
    request, problem = http.ask(session, "submit", kind, given)
  end
  if request then return request end
  if problem.misuse then return nil, problem end
  return http.refuse(session, problem)
end

-- Puts the adapter's request together; uploads what is too large to be sent inside it.
local function build(self, session, kind, given)
  local adapter = session.adapter
  local looked, err = media.look(given)
  if not looked then
    err.provider = adapter.name
    return nil, err
  end
  for _, entry in ipairs(looked.prompt_image or {}) do
    if media.is_file(entry.uri) and entry.uri.class ~= "image" then
      return http.refuse(session, ("prompt_image: %s is no picture but %s"):format(entry.uri.path, entry.uri.type))
    end
  end
  if media.is_file(looked.prompt_video) and looked.prompt_video.class == "image" then
    return http.refuse(session, ("prompt_video: %s is a picture (%s)")
      :format(looked.prompt_video.path, looked.prompt_video.type))
  end
  local request
  request, err = ask(session, kind, looked)
  if not request then return nil, err end
  local limits = adapter.media
  if type(limits) == "function" then limits = limits(kind, looked) end
  local uploaded = false
  local settled
  settled, err = media.settle(looked, adapter, limits, function(file)
    uploaded = true
    return self:upload(file.path)
  end)
  if not settled then return nil, err end
  if uploaded then return ask(session, kind, settled) end
  return request
end

-- The adapter's reader of a submit's answer; what it reads without an id is not read at all.
local function accepted_by(adapter)
  return function(answer, kind)
    local made, problem = adapter.accepted(answer, kind)
    if type(made) ~= "table" or not fields.id(made.id) then return nil, problem end
    return made, problem
  end
end

local function submit(self, session, kind, given)
  local request, err = build(self, session, kind, given)
  if not request then return nil, err end
  local ref = { kind = kind, format = request.format }
  local made, failure, answer = http.call(session, request, {
    reader = accepted_by(session.adapter), ref = kind, paid = true,
  })
  ref.id = made and fields.id(made.id) or failure and failure.task_id
  if not ref.id then return nil, failure end
  local t = task.new(session, ref, true)
  scheduler.note(t)
  if not made then
    failure.task = t
    return nil, failure
  end
  task.apply(t, made, answer.json)
  task.plan(t, made.next_poll)
  return t
end

-- Checks the params, then submits. Misuse is raised at the line that called the public method,
-- which therefore must not call this as its tail.
local function generate(self, session, raw, kind)
  local given, problem = params.normalise(raw)
  if not given then
    if problem.misuse then error(problem.message, 3) end
    return http.refuse(session, problem)
  end
  if kind and given.kind and given.kind ~= kind then
    error(("%s was called with kind = %q"):format(kind, given.kind), 3)
  end
  kind = kind or params.kind_of(given, session.adapter)
  if not self:supports(kind) then return unsupported(self, session, kind) end
  local made, err = submit(self, session, kind, given)
  if err and err.misuse then error(err.message, 3) end
  return made, err
end

--- Submits a task; the kind is `params.kind`, or follows from the params.
--- Submitted at most once: an answer that is lost gives `unknown_submit`.
---@param raw table    prompt_text, prompt_image, prompt_video, model, ratio, duration (s), seed, callback_url, …
---@return runway.Task|nil
---@return runway.Error|nil err
function Client:generate(raw)
  local made, err = generate(self, session_of(self), raw)
  return made, err
end

-- One method per kind that any adapter may offer; a user's adapter may bring
-- others, reached by `generate { kind = … }`.
for _, kind in ipairs {
  "character_performance", "extend", "image_to_video", "image_upscale", "sound_effect", "speech_to_speech",
  "text_to_image", "text_to_speech", "text_to_video", "video_to_video", "video_upscale",
  "voice_dubbing", "voice_isolation",
} do
  Client[kind] = function(self, raw)
    local made, err = generate(self, session_of(self), raw, kind)
    return made, err
  end
end

--------------------------------------------------------------------- tasks by id

local function check_id(id, what)
  local clean = fields.id(id)
  if not clean then error(what .. " takes a task id: a string that is not empty", 3) end
  return clean
end

--- Attaches to a task by its id. Makes no request.
---@param id string
---@param kind? string   what it makes, where the provider asks by kind
---@return runway.Task
function Client:task(id, kind)
  local session = session_of(self)
  return task.new(session, { id = check_id(id, "task"), kind = kind }, false)
end

--- Attaches to a task and asks how it stands.
---@param id string
---@param kind? string
---@return runway.Task|nil
---@return runway.Error|nil err
function Client:get(id, kind)
  local session = session_of(self)
  return task.new(session, { id = check_id(id, "get"), kind = kind }, false):refresh()
end

--- Asks the provider to stop a task; one that is gone already counts as stopped.
--- At some providers this deletes a task that has finished.
---@param id string
---@param kind? string
---@return true|nil
---@return runway.Error|nil err
function Client:cancel(id, kind)
  local session = session_of(self)
  return task.cancel(session, { id = check_id(id, "cancel"), kind = kind })
end

--------------------------------------------------------------------- the rest of the API

-- The longest upload known takes three requests.
local MAX_UPLOAD_STEPS = 10

--- Uploads a local file for later use in a task.
---@param path string
---@return string|nil uri   to be given wherever a URL is taken
---@return runway.Error|nil err
function Client:upload(path)
  local session = session_of(self)
  if type(path) ~= "string" or path == "" or path:find("%z") then error("upload takes the path of a file", 2) end
  local adapter = session.adapter
  if not adapter.upload then
    return http.refuse(session, adapter.name .. " has no uploads; give it https URLs")
  end
  local info, failure = media.probe(path)
  if not info then
    return http.refuse(session, { kind = failure.kind, code = failure.code, message = failure.message })
  end
  local file = { path = path, name = path:match("[^/\\]+$") or path, size = info.size, type = info.type }
  local answers = {}
  while #answers < MAX_UPLOAD_STEPS do
    local step, problem = http.ask(session, "upload", file, answers)
    if not step then return http.refuse(session, problem) end
    if step.uri then return step.uri end
    local answer, err = http.call(session, step.request, { raw = true })
    if not answer then return nil, err end
    answers[#answers + 1] = answer
  end
  return http.refuse(session, "the adapter's upload comes to no end")
end

--- What is left on the account.
---@return number|nil credits
---@return table|runway.Error detail   the provider's own table, or err
function Client:credits()
  local session = session_of(self)
  local adapter = session.adapter
  if not adapter.credits then return http.refuse(session, adapter.name .. " does not tell what credits are left") end
  local detail
  local balance, err = http.call(session, adapter.credits(), {
    reader = function(answer)
      detail = answer.json
      return adapter.balance(answer)
    end,
  })
  if not balance then return nil, err end
  return balance, detail
end

-- A callback larger than this is no callback.
local MAX_CALLBACK = 1024 * 1024

--- Reads what a provider posted to a callback URL: which task it speaks of, and
--- what it says of it. A hint, never a fact: anyone can post, so ask with
--- `client:get(id)` before believing it. Makes no request.
---@param body string            the raw body
---@param headers? table         the request's headers
---@return { id: string, status: string|nil }|nil hint
---@return runway.Error|nil err
function Client:read_callback(body, headers)
  local session = session_of(self)
  local adapter = session.adapter
  if type(body) ~= "string" then error("read_callback takes the body as a string", 2) end
  if headers ~= nil and type(headers) ~= "table" then error("read_callback takes the headers as a table", 2) end
  if not adapter.callback then return http.refuse(session, adapter.name .. " has no callbacks") end
  if #body > MAX_CALLBACK then
    return http.refuse(session, { kind = "limit", message = "the callback is larger than 1 MiB" })
  end
  local payload, message = json.decode(body)
  if type(payload) ~= "table" then
    return http.refuse(session, { kind = "protocol", message = "the callback is not a JSON object"
      .. (message and ": " .. message or "") })
  end
  local hint, problem = http.read(session, adapter.callback, payload, headers or {})
  local id = type(hint) == "table" and hint.id
  if type(id) ~= "string" or not fields.id(id) then
    return http.refuse(session, { kind = "protocol", message = problem and problem.message
      or "the callback names no task" })
  end
  return hint
end

local WORDS = { string = true, number = true, boolean = true }

local function words(v)
  local expected = "a table of names and values"
  if type(v) ~= "table" then return false, expected end
  for name, value in pairs(v) do
    if type(name) ~= "string" or not WORDS[type(value)] then return false, expected end
  end
  return true
end

local REQUEST = {
  method = "string", path = "string", query = words, json = "any", headers = words,
}

--- Any other endpoint of the provider, signed and retried like the known ones;
--- a POST or PATCH is sent at most once.
---@param options table   { method = "GET", path = "/v1/…", query = {}, json = {}, headers = {} }
---@return { status: integer, headers: table, body: string, json: any }|nil answer
---@return runway.Error|nil err    also for an answer that is not 2xx
function Client:request(options)
  local session = session_of(self)
  options = params.check(options, REQUEST, "request", 2)
  if not options.path or options.path:sub(1, 1) ~= "/" then
    error("request: path begins with / (it is taken under base_url)", 2)
  end
  local answer, err = http.call(session, {
    method = options.method, path = options.path, query = options.query, json = options.json,
    headers = options.headers,
  }, { raw = true })
  if not answer then return nil, err end
  return { status = answer.status, headers = answer.headers, body = answer.body, json = answer.json }
end

--- Ends what this client has under way; paid requests in flight are awaited by
--- those who made them. Tasks go on at the provider, a transport that was given stays open.
function Client:close()
  local session = session_of(self)
  if session.closed then return end
  session.closed = true
  local giving_up = {}
  for _, give_up in pairs(session.live) do giving_up[#giving_up + 1] = give_up end
  for _, give_up in ipairs(giving_up) do give_up("cancelled", "the client was closed") end
end

Client.__close = Client.close

return client
