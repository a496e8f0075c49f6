-- A provider over a mock that does with each shot as its prompt is to fare, for specs of lists of shots.

local mocked = require "spec.support.mocked"

local prompted = {}

-- What becomes of a submit: the way of its prompt, for the first, second, … one; nil: all goes well.
local function way_of(ways, prompt, nth)
  local way = ways[prompt]
  if type(way) == "function" then return way() end
  if way and not way.status and not way.fault and not way.code and not way.task and not way.film then
    return way[nth]
  end
  return way
end

-- What is told of a task that was asked for so often.
local function told(way, id)
  local json
  if way.code then
    json = { status = "FAILED", failure = "it failed", failureCode = way.code, cost = { credits = way.cost or 0 } }
  else
    json = { status = "SUCCEEDED", output = { "https://cdn.example/" .. id .. ".mp4" }, cost = { credits = 20 } }
  end
  json.id = id
  return { json = json }
end

--- A client whose shots fare as `ways` say, by their prompts: { status =, json = } or { fault = } answers the submit,
--- { code =, cost = } fails the task, { task = } answers its queries and { film = } its download (or a function that
--- gives that answer, or none); a list of such is for the first, second, … submit; a function gives one. A task that
--- was not submitted here fares as its id says. What is changed in `ways` later holds from then on. Whatever costs
--- something is said to cost 25, and costs 20.
---@param ways? table
---@param options? table   of runway.client
---@param another? runway.MockEntry   what else is answered
---@return runway.Client client
---@return runway.Mock mock
---@return { posts: table<string, integer>, most: integer } seen   submits by prompt; tasks that were open at once
function prompted.client(ways, options, another)
  local seen, tasks, open = { posts = {}, most = 0 }, {}, 0
  local function submit(request)
    local prompt = request.json.promptText
    seen.posts[prompt] = (seen.posts[prompt] or 0) + 1
    local way = way_of(ways or {}, prompt, seen.posts[prompt]) or {}
    if way.status or way.fault then return way end
    local id = ("task-%s-%d"):format(prompt:gsub("[^%w]", "-"), seen.posts[prompt])
    tasks[id], open = { prompt = prompt, nth = seen.posts[prompt], looks = 0 }, open + 1
    seen.most = math.max(seen.most, open)
    return { json = { id = id, estimatedCost = { credits = 25 } } }
  end
  -- As its way is by now.
  local function way_now(id)
    local t = tasks[id]
    return t and way_of(ways or {}, t.prompt, t.nth) or (ways or {})[id] or {}
  end
  local function query(request)
    local id = request.path:match "[^/]+$"
    local t, way = tasks[id] or { looks = 2 }, way_now(id)
    t.looks = t.looks + 1
    if t.looks == 1 then return { json = { id = id, status = "RUNNING", progress = 0.5 } } end
    if t.looks == 2 then open = open - 1 end
    return way.task or told(way, id)
  end
  local function fetch(request)
    local film = way_now(request.url:match "(task%-.*)%.mp4").film
    if type(film) == "function" then film = film() end
    return film or { body = "\0\0\0\24ftypmp42" .. request.url }
  end
  local client, mock = mocked.client({ any_order = true,
    { method = "POST", path = "^/v1/.*_to_video$", times = math.huge, answer = submit },
    { method = "GET", path = "^/v1/tasks/", times = math.huge, answer = query },
    { method = "GET", path = function(_, request) return request.url:find "^https://cdn" ~= nil end,
      times = math.huge, answer = fetch },
    another,
  }, options)
  return client, mock, seen
end

return prompted
