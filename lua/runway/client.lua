-- client.lua: what the user holds: one account at one provider.

local adapter = require "runway.adapter"
local allowance = require "runway.allowance"
local api_key = require "runway.api_key"
local budget = require "runway.budget"
local callbacks = require "runway.callbacks"
local contract = require "runway.contract"
local errors = require "runway.errors"
local fields = require "runway.fields"
local guard = require "runway.guard"
local http = require "runway.http"
local journal = require "runway.journal"
local keyed = require "runway.keyed"
local media = require "runway.media"
local names = require "runway.names"
local options = require "runway.options"
local places = require "runway.places"
local prices = require "runway.prices"
local providers = require "runway.provider"
local order = require "runway.order"
local scheduler = require "runway.scheduler"
local session = require "runway.session"
local submit = require "runway.submit"
local task = require "runway.task"
require "runway.films"                        -- the methods of a task that fetch
local values = require "runway.values"

---@class runway.Client
---@field provider string    the adapter's name
---@field base_url string
---@field journal? runway.Journal   where its paid tasks are remembered
local Client = {}
Client.__index = Client
Client.__name = "runway.client"

function Client.__tostring(client)
  return ("client of %s at %s"):format(client.provider, client.base_url)
end

local client = {}

local sessions = setmetatable({}, { __mode = "k" })

local count, positive = options.count, options.positive

local function not_negative(v)
  return type(v) == "number" and v >= 0 and v < math.huge, "a number, 0 or more"
end
local function whole(v)
  return type(v) == "number" and v >= 0 and v % 1 == 0 and v < 2 ^ 31, "a whole number, 0 or more"
end

local function pins(v)
  local expected = 'a table such as { ["host:443"] = "127.0.0.1" }'
  if type(v) ~= "table" then return false, expected end
  for name, address in pairs(v) do
    -- a name without its port would pin nothing, and say nothing
    if type(name) ~= "string" or not name:find("^[^ ]+:%d+$") then return false, expected end
    if type(address) ~= "string" or not address:find("^[^%z\1-\32\127]+$") then return false, expected end
  end
  return true
end

local function is_journal(v)
  return type(v) == "string" and v ~= "" and not v:find("%z") or journal.is(v),
    "the path of a file, a postgresql:// URL, or what runway.journal gave"
end

-- What goes into a header, and into a path as C knows one.
local function header(v)
  return type(v) == "string" and not v:find("[%z\1-\31\127]"), "a text without line breaks"
end
local function file_name(v)
  return type(v) == "string" and v ~= "" and not v:find("%z"), "the path of a file"
end
local function web_address(v)
  return type(v) == "string" and v:find("^[Hh][Tt][Tt][Pp][Ss]?://[^%z\1-\32\127]+$") ~= nil, "an http(s) URL"
end

local function listener(v) return callbacks.is_listener(v), "what runway.listener gave" end

-- What a transport is made of; without the first it is none.
local PARTS = { "start", "cancel", "drop", "progress", "awaits", "probe", "digest", "read", "try", "write" }

local function is_transport(v)
  local fits = type(v) == "table" and v.start ~= nil
  for _, name in ipairs(fits and PARTS or {}) do
    fits = fits and (v[name] == nil or type(v[name]) == "function")
  end
  return fits, "a transport: runway.mock { … }, or a table with a function start and the like"
end

local function provider(v)
  return type(v) == "string" or type(v) == "table", "string or table"
    .. (type(v) == "boolean" and " (does the adapter's module return it?)" or "")
end

local OPTIONS = {
  provider = provider, api_key = "string|function", base_url = "string",
  journal = is_journal, budget = not_negative, prices = prices.fit, max_tasks = count,
  timeout = positive, deadline = positive, connect_timeout = positive, max_retries = whole,
  poll_interval = not_negative,
  max_in_flight = count, proxy = "string", ca_file = file_name, resolve = pins,
  callback = listener, callback_url = web_address, callback_secret = "string|table",
  allow_http = "boolean", allow_private = "boolean", max_body_bytes = count, user_agent = header,
  logger = "function", transport = is_transport,
}

-- The session, as its user holds it.
local function held(mine)
  local self = setmetatable({ provider = mine.adapter.name, base_url = mine.base, journal = mine.journal }, Client)
  sessions[self] = mine
  return self
end

local function open(given)
  local chosen, err, name = providers.of(given.provider)
  if not chosen then return nil, err end
  local made
  made, err = session.new(chosen, given, adapter.asks_at(chosen), name)
  if not made then return nil, err end
  local joined, fault = callbacks.join(made, given.callback, given.callback_secret)
  if not joined then return session.config(chosen.name, fault) end
  local slip = contract.misspelt(chosen)
  if slip then
    slip = ("the adapter %s: %s"):format(chosen.name, slip)
    made:complain("warning", slip)
    made:blame(slip)
  end
  if given.journal then
    local j
    j, err, made.own_journal = journal.of(given.journal)
    if not j then return nil, err end
    made:remember(j)
  end
  made.purse = not made.journal and budget.new() or nil
  made.places = given.max_tasks and places.new(given.max_tasks, not made.journal, task.attend)
  return held(made)
end

--- Opens an account. Makes no request.
---@param given? runway.Options   in types/runway.lua, and in the README
---@return runway.Client|nil
---@return runway.Error|nil err  kind "config"
function client.new(given)
  given = options.check(given, OPTIONS, "client", 2)
  return errors.told("runway.client", open(given))
end

--- Does now what the first client and its first request would do: loads all rooms, and starts the engine with its
--- thread and libcurl. For a host to call while it loads, so that no frame has to; as often as it likes.
---@return true|nil
---@return runway.Error|nil err   when the engine cannot start
function client.preload()
  for _ in pairs(require "runway.providers") do end
  require "runway.transport"
  local fd, err = scheduler.pollfd()
  return errors.told("runway.preload", fd and true, err)
end

--------------------------------------------------------------------- for rooms above

--- Is it a client?
---@param v any
---@return boolean
function client.is(v) return type(v) == "table" and sessions[v] ~= nil end

--- What it hands down, for those who do on its account what none of its methods does.
---@param self runway.Client
---@return runway.Session
function client.session_of(self)
  local mine = sessions[self]
  if not mine then options.without_self "client" end
  return mine
end
local session_of = client.session_of

--- The same account with another journal; what is under way, limits and lines are one. It is closed with the first.
---@param self runway.Client
---@param j runway.Journal
---@return runway.Client
function client.remembering(self, j)
  local mine = session_of(self)
  local most = mine.places and mine.places.most
  local other = mine:remembering(j, most and places.new(most, false, task.attend))
  callbacks.serve(other)
  return held(other)
end

--- An account at another provider, with the key from the environment, beside one that is open: what that may spend,
--- how it reaches the world and whom it tells holds of both. Beside one at this machine (a sandbox) it is there, too.
---@param self runway.Client
---@param name string
---@param sends_nothing? boolean   so that no key is needed
---@return runway.Client|nil
---@return runway.Error|nil err
function client.beside(self, name, sends_nothing)
  local mine, given = session_of(self), { provider = name }
  for option, v in pairs(mine.limits) do given[option] = v end
  given.budget, given.prices, given.logger, given.transport = mine.budget, mine.prices, mine.logger, mine.transport
  given.max_tasks = mine.places and mine.places.most
  given.base_url = mine.loopback and mine.base or nil
  if mine.callbacks.listener then
    given.callback, given.callback_url = mine.callbacks.listener, mine.callback_url
    given.callback_secret = mine.callbacks.secret
  end
  local chosen = sends_nothing and providers.of(name)
  given.api_key = chosen and api_key.later(chosen.name, chosen.env and chosen.env.api_key) or nil
  local made, err = open(given)
  if made then session_of(made).purse = mine.purse end -- one budget, whoever is paid out of it
  return made, err
end

--------------------------------------------------------------------- submitting

--- Does the provider offer this kind of task?
---@param kind runway.Kind
---@return boolean
function Client:supports(kind)
  local mine = session_of(self)
  if type(kind) ~= "string" then error("supports takes the name of a kind, not " .. values.show(kind), 2) end
  return submit.offers(mine, kind)
end

-- Checks the params, then submits. Misuse is raised at the line that called the public method,
-- which therefore must not call this as its tail.
local function generate(mine, raw, kind, more)
  local wanted, problem = order.read(mine, raw)
  if not wanted then
    if problem.misuse then error(problem.message, 3) end
    return mine:refuse(problem)
  end
  for name, v in pairs(more or {}) do wanted[name] = v end
  local named = wanted.params.kind
  if kind and named and named ~= kind then error(("%s was called with kind = %q"):format(kind, named), 3) end
  local made, err = submit.make(mine, wanted, kind)
  if err and err.misuse then error(err.message, 3) end
  return made, err
end

--- Submits a task; the kind is `params.kind`, or follows from the params.
--- Submitted at most once: an answer that is lost gives `unknown_submit`.
---@param raw runway.Submit   any other name goes to the API as well
---@return runway.Task|nil
---@return runway.Error|nil err   beside a task: code "broken_answer", since the answer was no clean JSON
function Client:generate(raw)
  local made, err = generate(session_of(self), raw)
  return errors.told("client:generate", made, err)
end

--- The same for who makes many, of a client with a journal, each with its receipt.
---@param self runway.Client
---@param raw runway.Submit
---@param of_model integer|nil   how many of its model may be under way
---@return runway.Task|nil
---@return runway.Error|nil err  code "concurrency": there are as many, and nothing was submitted
function client.generate(self, raw, of_model)
  local made, err = generate(session_of(self), raw, nil, { of_model = of_model, receipt = true })
  return errors.told("client:generate", made, err)
end

-- One method per kind that any adapter may offer; a user's adapter may bring
-- others, reached by `generate { kind = … }`.
for _, kind in ipairs {
  "character_performance", "extend", "image_to_video", "image_upscale", "sound_effect", "speech_to_speech",
  "text_to_image", "text_to_speech", "text_to_video", "video_to_hdr", "video_to_video", "video_upscale",
  "voice_dubbing", "voice_isolation",
} do
  Client[kind] = function(self, raw)
    local made, err = generate(session_of(self), raw, kind)
    return errors.told("client:" .. kind, made, err)
  end
end

local function enqueue(mine, wanted)
  if not mine.journal then return session.config(mine.adapter.name, "enqueue needs a client with a journal") end
  local key, output = wanted.params.key, wanted.output
  local fault = output and names.fault(output)
  if fault or wanted.overwrite then
    return mine:refuse { field = "output",
      message = fault or "output is written over by no worker: give the name of a new file alone" }
  end
  if key and #key > names.LONGEST_KEY then
    return mine:refuse { field = "key", message = ("key is longer than %d bytes"):format(names.LONGEST_KEY) }
  end
  return submit.enqueue(mine, wanted)
end

--- Puts a task in the journal for workers to make (`runway.work`): nothing is sent. A key that is there already is left
--- as it is. Files are named by their paths, and their sums held; a worker submits the same bytes or none.
---@param raw runway.Submit   `output` is the name of a file, without a directory
---@return runway.Entry|nil   as it stands in the journal
---@return runway.Error|nil err  what `generate` would refuse; code "not_kept": of a data URI or a URL with a query
function Client:enqueue(raw)
  local mine = session_of(self)
  local wanted, problem = order.read(mine, raw)
  local row
  if wanted then row, problem = enqueue(mine, wanted) end
  if problem and problem.misuse then error(problem.message, 2) end
  if not wanted then return errors.told("client:enqueue", mine:refuse(problem)) end
  return errors.told("client:enqueue", row and journal.entry(row), problem)
end

--- What a task with these parameters will cost. Makes no request.
---@param raw runway.Submit   as `generate` takes them
---@return runway.Estimate|nil   { credits =, low =, basis = }: at most, at least, and where that is known from
---@return runway.Error|nil err  kind "config", code "no_price": it is not known; or what `generate` would refuse
function Client:estimate(raw)
  local mine = session_of(self)
  local wanted, problem = order.read(mine, raw)
  local estimate
  if wanted then estimate, problem = submit.estimate(mine, wanted) end
  if problem and problem.misuse then error(problem.message, 2) end
  if not wanted then return errors.told("client:estimate", mine:refuse(problem)) end
  return errors.told("client:estimate", estimate, problem)
end

--------------------------------------------------------------------- tasks by id

local function check_id(id, what)
  local clean = fields.id(id)
  if not clean then error(what .. " takes a task id: a string that is not empty", 3) end
  return clean
end

-- A kind that no task has would be asked for where none is found.
local function check_kind(mine, kind)
  local fault = kind ~= nil and submit.kind_fault(mine, kind)
  if fault then error("kind: " .. fault, 3) end
  return kind
end

-- A task by its id. What becomes of one that the journal knows is written down there.
local function attach(mine, ref)
  ref.by_id = true
  return keyed.attach(mine, ref) or task.new(mine, ref, false)
end

--- Attaches to a task by its id. Makes no request; a client with a journal looks whether that knows it.
---@param id string
---@param kind? runway.Kind   what it makes, where the provider asks by kind
---@return runway.Task
function Client:task(id, kind)
  local mine = session_of(self)
  return attach(mine, { id = check_id(id, "task"), kind = check_kind(mine, kind) })
end

--- Attaches to a task and asks how it stands.
---@param id string
---@param kind? runway.Kind
---@return runway.Task|nil
---@return runway.Error|nil err
function Client:get(id, kind)
  local mine = session_of(self)
  local ref = { id = check_id(id, "get"), kind = check_kind(mine, kind) }
  return errors.told("client:get", attach(mine, ref):refresh())
end

--- Asks the provider to stop a task; one that is gone already counts as stopped.
--- At some providers this deletes a task that has finished.
---@param id string
---@param kind? runway.Kind
---@return true|nil
---@return runway.Error|nil err
function Client:cancel(id, kind)
  local mine = session_of(self)
  local ref = { id = check_id(id, "cancel"), kind = check_kind(mine, kind) }
  local done, err, confirmed = task.cancel(mine, ref)
  if done and not task.cancelled_by_id(mine, ref.id, confirmed) then
    local known = confirmed and keyed.attach(mine, ref)
    if known then task.was_cancelled(known) end
  end
  return errors.told("client:cancel", done, err)
end

--------------------------------------------------------------------- the rest of the API

--- Uploads a local file for later use in a task.
---@param path string
---@return string|nil uri   to be given wherever a URL is taken
---@return runway.Error|nil err
function Client:upload(path)
  local mine = session_of(self)
  if type(path) ~= "string" or path == "" or path:find("%z") then error("upload takes the path of a file", 2) end
  return errors.told("client:upload", media.upload(mine, path))
end

--- What is left on the account, and what it may run.
---@return number|nil credits
---@return table|runway.Error detail   the provider's own table, or err
---@return table<string, runway.ModelLimits>|nil limits   by model; nil: the provider does not tell
function Client:credits()
  return errors.told("client:credits", allowance.read(session_of(self)))
end

---@class runway.Spent        in credits
---@field spent number
---@field reserved number     held back for what may still cost
---@field budget? number      the client's own

local function spent(mine)
  local sum, reserved
  if mine.journal then
    sum, reserved = journal.spent(mine.journal)
    if not sum then return nil, reserved end
  else
    sum, reserved = mine.purse:sums()
  end
  return { spent = sum, reserved = reserved, budget = mine.budget }
end

--- What is spent, and held back for what may still cost: of this client's own submits, or with a journal of all that
--- is in it.
---@return runway.Spent|nil
---@return runway.Error|nil err   the journal cannot be read
function Client:spent()
  return errors.told("client:spent", spent(session_of(self)))
end

--- Reads what a provider posted to a callback URL: which task it speaks of, and
--- what it says of it. A hint, never a fact: anyone can post, so ask with
--- `client:get(id)` before believing it. Makes no request.
---@param body string            the raw body
---@param headers? table         the request's headers
---@param target? string         the URL it was posted to, or its path and query: with a journal and a client's
---  `callback_url`, a submit whose answer was lost gets its id by it, and the hint has its `key`; who waits for the
---  task asks at once
---@return { id: string, status: string|nil, key: string|nil }|nil hint
---@return runway.Error|nil err
function Client:read_callback(body, headers, target)
  local mine = session_of(self)
  if type(body) ~= "string" then error("read_callback takes the body as a string", 2) end
  if headers ~= nil and type(headers) ~= "table" then error("read_callback takes the headers as a table", 2) end
  if target ~= nil and type(target) ~= "string" then error("read_callback takes the URL as a string", 2) end
  return errors.told("client:read_callback", callbacks.read(mine, body, headers or {}, target))
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

-- What the caller sees of an answer.
local function shown(answer)
  return { status = answer.status, headers = answer.headers, body = answer.body, json = answer.json }
end

local REQUEST = {
  method = "string", path = "string", query = words, json = "any", headers = words, deadline = positive,
}

--- Any other endpoint of the provider, signed and retried like the known ones;
--- a POST or PATCH is sent at most once.
---@param given runway.RequestOptions
---@return runway.Answer|nil answer
---@return runway.Error|nil err    also for an answer that is not 2xx
function Client:request(given)
  local mine = session_of(self)
  given = options.check(given, REQUEST, "request", 2)
  if not given.path or given.path:sub(1, 1) ~= "/" then
    error("request: path begins with / (it is taken under base_url)", 2)
  end
  local answer, err = http.call(mine, {
    method = given.method, path = given.path, query = given.query, json = given.json, headers = given.headers,
  }, { raw = true, deadline = mine:deadline(given.deadline) })
  if not answer then return errors.told("client:request", nil, err) end
  return guard.persist(shown, answer)
end

--- Ends what this client has under way; paid requests in flight are awaited by
--- those who made them. Tasks go on at the provider, a transport that was given stays open.
function Client:close()
  local mine = session_of(self)
  mine:close()
  if mine.own_journal then journal.release(mine.journal) end
end

Client.__close = Client.close

return client
