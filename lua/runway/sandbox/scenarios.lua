--- What can go wrong, as data. A scenario is chosen for the whole sandbox (`scenario = "fail"`), or
-- for one task by a word anywhere in its submit request, such as "sandbox:fail" in the prompt. Some
-- take a number, "sandbox:rate_limit=3"; `n` is what it is when none is given. An entry says what
-- it changes:
--
--   about              one line for people
--   submit(n, seen)    before a submit is accepted: the name of a problem, which the API then says
--                      in its own shape, or a whole response; `seen` counts equal requests, from 1,
--                      and starts anew when one was let through
--   accepted(response) a submit was accepted (the task exists): changes its answer
--   poll(n, polls)     before a query is answered: a problem or response; `polls` counts from 1
--   answer(response,n) changes the answer to a submit or a query
--   timeline           the task's stages, each { at = share of `seconds`, status =, progress = }
--   failure, code      why it failed
--   look(view,n,looks) changes what a query shows of a finished task; `looks` counts from 1
--   enlarge(bytes, media, n)  what an output holds instead of its few bytes
--   file(response, n, gets)  changes the answer to the download of an output

local scenarios = {}

local always = math.huge

local LARGEST = 1024               -- megabytes of a `large` output
local PIECES, LONGEST = 100, 3600  -- of a `slow_file`; seconds

local function big_endian(value)
  local bytes = {}
  for i = 4, 1, -1 do
    bytes[i] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(bytes)
end

-- Says `problem` to the first n.
local function first(problem)
  return function(n, count)
    if count <= n then return problem end
  end
end

local function first_page(n, count)
  if count <= n then return require("runway.sandbox.reply").html(200, "Welcome") end
end

-- The task is kept; what is heard of it suffers a fault of the wire (see runway.listener).
local function faulty(fault)
  return function(response)
    response.fault = fault
    return response
  end
end

local function ends(share, status)
  return {
    { at = 0, status = "PENDING" },
    { at = 0.2, status = "RUNNING" },
    { at = share, status = status },
  }
end

scenarios.timeline = ends(1, "SUCCEEDED")

scenarios.list = {
  success = { about = "the task runs and succeeds (the default)" },

  fail = {
    about = "the task fails while it runs",
    timeline = ends(0.6, "FAILED"),
    failure = "The generation failed. Please try again.", code = "INTERNAL.BAD_OUTPUT.CODE01",
  },
  fail_safety = {
    about = "the task is refused by moderation",
    timeline = ends(0.3, "FAILED"),
    failure = "Text prompt did not pass content moderation.", code = "SAFETY.INPUT.TEXT",
  },
  cancelled = {
    about = "the task turns out cancelled, by someone else",
    timeline = ends(0.5, "CANCELLED"),
    failure = "The task was cancelled.", code = "CANCELLED",
  },
  throttle = {
    about = "the task is THROTTLED for one `seconds`, then runs",
    timeline = {
      { at = 0, status = "PENDING" }, { at = 0.1, status = "THROTTLED" },
      { at = 1, status = "RUNNING" }, { at = 2, status = "SUCCEEDED" },
    },
  },
  stall = {
    about = "the task is RUNNING for ever",
    timeline = {
      { at = 0, status = "PENDING" }, { at = 0.2, status = "RUNNING", progress = 0.42 },
    },
  },
  unknown_status = {
    about = "the task shows a status no document names, then succeeds",
    timeline = {
      { at = 0, status = "PENDING" }, { at = 0.2, status = "UNKNOWN_TO_ALL" },
      { at = 1, status = "SUCCEEDED" },
    },
  },

  rate_limit = {
    about = "429 with Retry-After to the first n submits, nothing accepted",
    n = 1, submit = first "rate_limited",
  },
  unavailable = {
    about = "503 with Retry-After to the first n submits, nothing accepted",
    n = 1, submit = first "unavailable",
  },
  server_error = {
    about = "500 to the first n submits (all)",
    n = always, submit = first "server_error",
  },
  refused_key = {
    about = "401 to the first n submits (all): the key is not good",
    n = always, submit = first "refused_key",
  },
  revoked_key = {
    about = "the submit is accepted; 401 to the first n queries (all): the key is good no more",
    n = always, poll = first "refused_key",
  },
  credits = {
    about = "out of credits, to the first n submits (all)",
    n = always, submit = first "credits",
  },
  html = {
    about = "200 with an HTML page to the first n submits (all)",
    n = always, submit = first_page,
  },

  drop = {
    about = "the submit is accepted, its answer lost: the connection closes",
    accepted = faulty "drop",
  },
  hang = { about = "the submit is accepted and never answered", accepted = faulty "stall" },
  truncate = {
    about = "the submit is accepted, half its answer arrives",
    accepted = faulty "truncate",
  },
  garbage = {
    about = "the submit is accepted, the answer is no HTTP at all",
    accepted = faulty "garbage",
  },
  empty = {
    about = "the submit is accepted, the answer 200 and empty",
    accepted = function(response)
      response.body = ""
      return response
    end,
  },

  poll_error = { about = "500 to the first n queries", n = 2, poll = first "server_error" },
  poll_rate_limit = { about = "429 to the first n queries", n = 2, poll = first "rate_limited" },
  poll_html = { about = "200 with an HTML page to the first n queries", n = 2, poll = first_page },
  task_not_exist = {
    about = "\"no such task\" to the first n queries", n = 2, poll = first "no_task",
  },

  no_output = {
    about = "succeeded without output, for the first n looks (all)",
    n = always,
    look = function(view, n, looks)
      if looks <= n then view.output = {} end
    end,
  },
  expire = {
    about = "the output URLs of the first n looks have expired (403); later looks give fresh ones",
    n = 1,
    look = function(view, n, looks)
      view.fresh, view.expired = true, looks <= n
    end,
  },
  cut = {
    about = "the first n downloads of an output break off half-way",
    n = 1,
    file = function(response, n, gets)
      if gets <= n then response.fault = "truncate" end
    end,
  },
  large = {
    about = "the output is n megabytes long (64; at most 1024)",
    n = 64,
    enlarge = function(bytes, media, n)
      local room = math.floor(math.min(n, LARGEST) * 1e6) - #bytes
      if room < 8 then return bytes end
      -- a box of nothing at its end leaves a film a film; readers of the others stop at their own end
      local is_film = media == "video" or media == "movie"
      local head = is_film and big_endian(room) .. "free" or ""
      return bytes .. head .. ("\0"):rep(room - #head)
    end,
  },
  slow_file = {
    about = "the output comes in a hundred pieces, over n seconds",
    n = 10,
    file = function(response, n)
      response.fault = "slow"
      response.chunk = math.max(1, math.ceil(#response.body / PIECES))
      response.every = math.max(0.001, math.min(n, LONGEST) / PIECES)
    end,
  },
  slow = {
    about = "each answer comes n seconds late",
    n = 1,
    answer = function(response, n) response.delay = n end,
  },
}

--- The scenarios' names, sorted.
function scenarios.names()
  local names = {}
  for name in pairs(scenarios.list) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Reads "fail" or "rate_limit=3".
---@param text string|nil
---@return table|nil chosen { name=, n=, entry= }
---@return string|nil message
function scenarios.parse(text)
  text = text or "success"
  local name, number = text:match("^([a-z_]+)$"), nil
  if not name then name, number = text:match("^([a-z_]+)=(%d+%.?%d*)$") end
  local entry = name and scenarios.list[name]
  if not entry then
    return nil, ("unknown sandbox scenario '%s'; known: %s"):format(text,
      table.concat(scenarios.names(), ", "))
  end
  return { name = name, n = tonumber(number) or entry.n or always, entry = entry }
end

--- Finds the scenario of one submit: the word in its body, else the sandbox's own.
---@param own nil|string|fun(request: table): string|nil
---@return table|nil chosen, string|nil message
function scenarios.choose(request, own)
  local word = request.body:match("sandbox:([a-z_]+=?[%d.]*)")
  if not word and type(own) == "function" then
    word = own(request)
  elseif not word then
    word = own
  end
  return scenarios.parse(word and word:gsub("[=.]+$", "") or nil)
end

return scenarios
