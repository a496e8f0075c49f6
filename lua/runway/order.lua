-- order.lua: what a caller asks for when he asks for a task: the parameters of the API, and beside
-- them what is meant for us.
--
-- A misspelt parameter would go through to the API, which as a rule passes over what it does not
-- know, and charges. So a name close to a known one is refused; inside `extra` nothing is looked at.

local files = require "runway.files"
local options = require "runway.options"
local params = require "runway.params"
local text = require "runway.text"
local values = require "runway.values"

local unpack = table.unpack or unpack -- luacheck: std max

local order = {}

---@class runway.Order
---@field params runway.Params   normalised
---@field extra? table           goes into the request as it stands
---@field output? string         where the first output is to be written
---@field overwrite? boolean
---@field receipt? boolean       one is to be written beside that
---@field deadline? number       seconds
---@field fit? "crop"|"pad"      how pictures are brought to the ratio before they are sent
---@field fitted? string[]       the files that these became, while it is submitted
---@field warnings? string[]     names that go through though no one knows them
---@field hold? runway.Hold       of a worker that submits it
---@field of_model? integer      how many of its model its account may run at once

-- Names that this module gives a meaning, in all their spellings.
local KNOWN = {
  "callbackUrl", "callback_url", "deadline", "duration", "extra", "fit", "format", "image", "key", "kind", "model",
  "output", "prompt", "promptImage", "promptText", "promptVideo", "prompt_image", "prompt_text", "prompt_video",
  "ratio", "seed", "video",
}
order.KNOWN = KNOWN
local IS_KNOWN = {}
for _, name in ipairs(KNOWN) do IS_KNOWN[name] = true end

-- Real parameters of some APIs that only look like slips.
local NO_SLIP = { mode = true, speed = true, images = true, videos = true, prompts = true, models = true, seeds = true }

-- What is written elsewhere, and where.
local ELSEWHERE = { overwrite = "output = { path =, overwrite = true }", out = "output", file = "output",
  filename = "output", outfile = "output", output_path = "output", path = "output" }

-- What is given elsewhere, and to whom.
local OPTIONS = {
  { "on_progress", "task:wait and task:download" }, { "poll_interval", "runway.client" },
  { "timeout", "runway.client and task:wait" },
}

-- What is ours: name -> a check that gives what was expected, or nil.
local OURS = {}

local OUTPUT = { "overwrite", "path" }

function OURS.output(v)
  local path = type(v) == "table" and v.path or v
  for name in next, type(v) == "table" and v or {} do
    if name ~= "path" and name ~= "overwrite" then
      local near = options.nearest(name, OUTPUT)
      return ("a path, or { path =, overwrite = }, without %s in it%s"):format(values.show(name),
        near and (" (did you mean %s?)"):format(near) or "")
    end
  end
  if type(path) ~= "string" or path == "" or path:find("%z") then
    return "the path of the file to write, or { path =, overwrite = }"
  end
  if type(v) == "table" and v.overwrite ~= nil and type(v.overwrite) ~= "boolean" then
    return "a path, or { path =, overwrite = true or false }"
  end
  return nil
end

function OURS.extra(v)
  local fits = type(v) == "table" and not values.is_null(v) and not files.is_file(v)
  for name in next, fits and v or {} do fits = fits and type(name) == "string" end
  return not fits and "a table of names and values for the API" or nil
end

function OURS.fit(v) return v ~= "crop" and v ~= "pad" and '"crop" or "pad"' or nil end

function OURS.deadline(v)
  local fits = type(v) == "number" and v > 0 and v < math.huge
  return not fits and "a positive number of seconds" or nil
end

local function not_fit(name, expected, v)
  local _, problem = values.copy(name, v)     -- a function, say, is told as what it is
  return problem or values.misuse(name, "%s must be %s, got %s", name, expected, values.show(v))
end

-- All that a name may be a slip of: the API's own names in both spellings.
local function candidates(knows)
  local list = { unpack(KNOWN) }
  for name in next, knows do
    list[#list + 1] = name
    local snake = params.snake(name)
    if snake ~= name then list[#list + 1] = snake end
  end
  return list
end

local function slip(name, near)
  local shown = text.line(name, 60) or ""
  local problem = values.refused(name, "%s is no parameter; did you mean %s? (extra = { %s = … } sends it all the "
    .. "same)", shown, near, shown)
  problem.meant = near                        -- for who has another word for parameters
  return problem
end

-- What names of an account's orders are slips of: a list has the same in each of its rows. Adapter -> name -> the
-- name that was meant, or false.
local spelled = setmetatable({}, { __mode = "k" })
local MOST_SPELLED = 1000

local function meant(session, name)
  local cache = spelled[session.adapter]
  if not cache or cache.count >= MOST_SPELLED then
    cache = { count = 0, names = {}, known = candidates(session.adapter.names or {}) }
    spelled[session.adapter] = cache
  end
  if cache.names[name] == nil then
    cache.names[name] = ELSEWHERE[name] or not NO_SLIP[name] and options.slip(name, cache.known) or false
    cache.count = cache.count + 1
  end
  return cache.names[name]
end

-- Does the API know it, in either spelling?
local function is_known(session, name)
  local knows = session.adapter.names or {}
  return knows[name] or knows[params.camel(name)]
end

local function misplaced(session, given)
  for _, option in ipairs(OPTIONS) do
    local name, whose = option[1], option[2]
    if given[name] ~= nil and not is_known(session, name) then
      return values.refused(name, "%s is no parameter, but an option of %s (extra = { %s = … } sends it all the same)",
        name, whose, name)
    end
  end
  return nil
end

-- What is wrong with a name; else what is to be known of those that no one knows.
local function check_spelling(session, given, is_quiet)
  local names
  for name in next, given do
    if not IS_KNOWN[name] and type(name) == "string" and not is_known(session, name) then
      names = names or {}
      names[#names + 1] = name
    end
  end
  if not names then return nil end
  table.sort(names)
  for _, name in ipairs(names) do
    local near = meant(session, name)
    if near then return slip(name, near) end
  end
  for i, name in ipairs(names) do
    names[i] = ("the parameter %s is not known here; it goes to the API as it is"):format(name)
    if not is_quiet then session:complain("warning", names[i]) end
  end
  return nil, names
end

-- Can a file on disk get there, inside the body or by upload?
local function takes_files(session)
  local media = session.adapter.media
  return session.adapter.upload ~= nil or type(media) == "function" or next(media or {}) ~= nil
end

--- Reads an order. The table given is not changed.
---@param session runway.Session
---@param raw table
---@param is_quiet? boolean   whoever calls tells the `warnings` of the order
---@return runway.Order|nil
---@return runway.Problem|nil problem   with `misuse`: to be raised at the caller's line
function order.read(session, raw, is_quiet)
  local read, given = {}, raw
  if type(raw) == "table" then
    for name, check in next, OURS do
      local v = raw[name]
      if v ~= nil then
        local expected = check(v)
        if expected then return nil, not_fit(name, expected, v) end
        read[name] = v
      end
    end
    if next(read) ~= nil then
      given = {}
      for name, v in next, raw do
        if read[name] == nil then given[name] = v end
      end
    end
  end
  local problem = type(given) == "table" and misplaced(session, given)
  if problem then return nil, problem end
  read.params, problem = params.normalise(given)
  if not read.params then
    if problem.without_files and not takes_files(session) then problem.message = problem.without_files end
    return nil, problem
  end
  problem, read.warnings = check_spelling(session, given, is_quiet)
  if problem then return nil, problem end
  if read.extra then
    read.extra, problem = values.copy("extra", read.extra)
    if problem then return nil, problem end
  end
  if type(read.output) == "table" then read.output, read.overwrite = read.output.path, read.output.overwrite end
  return read
end

return order
