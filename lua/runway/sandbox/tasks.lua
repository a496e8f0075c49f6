--- The tasks of a sandbox and what time does to them. A task never changes by itself: what a query
-- shows is worked out from the time that has passed, so there is nothing to tick.

local files = require "runway.sandbox.files"
local scenarios = require "runway.sandbox.scenarios"

local tasks = {}

-- What a kind puts out; a kind not listed makes a video.
tasks.MEDIA = {
  text_to_image = "image", image_upscale = "image", sound_effect = "audio",
  speech_to_speech = "audio",
  text_to_speech = "audio", voice_dubbing = "audio", voice_isolation = "audio",
  ad_localization = "image", marketing_stock_image = "image", product_campaign_image = "image",
  image = "image", audio = "audio",
}

--- What the account of the official API may run of each model: at once, and a day.
tasks.AT_ONCE, tasks.A_DAY = 50, 30000

local LONGEST = 4096 -- bytes kept of a text in a request: data URIs would fill the memory

local function shorten(value)
  for key, item in pairs(value) do
    if type(item) == "table" then
      shorten(item)
    elseif type(item) == "string" and #item > LONGEST then
      value[key] = item:sub(1, LONGEST)
    end
  end
end

-- The stage a task is in after `elapsed` seconds, and the one that follows.
local function stage_at(timeline, elapsed, seconds)
  local current = 1
  for i = 2, #timeline do
    if elapsed >= timeline[i].at * seconds then current = i end
  end
  return timeline[current], timeline[current + 1]
end

local function timeline_of(task) return task.scenario.entry.timeline or scenarios.timeline end

local ENDED = { SUCCEEDED = true, FAILED = true, CANCELLED = true }
tasks.ended, tasks.timeline_of = ENDED, timeline_of

local HELD = { status = "THROTTLED" }

-- Lets those of a model begin for which there is room, in their order. It is not known when the one before ended, only
-- that it has: who looks first after that sees the next one begin.
local function let_in(app, line, now)
  for i = #line.running, 1, -1 do
    local task = line.running[i]
    if task.deleted or ENDED[stage_at(timeline_of(task), now - task.begun, app.seconds).status] then
      table.remove(line.running, i)
    end
  end
  while line.held[1] and #line.running < tasks.AT_ONCE do
    local task = table.remove(line.held, 1)
    if not task.deleted then
      task.begun = now
      line.running[#line.running + 1] = task
    end
  end
end

-- Where a task stands. One of a model that has all its places taken is held until there is room.
local function stage_of(app, task, now)
  if task.line and not task.begun then let_in(app, task.line, now) end
  if not task.begun then return HELD, nil, 0 end
  local elapsed = math.max(0, now - task.begun)
  local stage, following = stage_at(timeline_of(task), elapsed, app.seconds)
  return stage, following, elapsed
end

-- Of Runway's own API so many of a model run at once.
local function stand_in_line(app, task, now)
  local model = task.family == "official" and task.input.model
  if type(model) ~= "string" then
    task.begun = now
    return
  end
  app.lines[model] = app.lines[model] or { running = {}, held = {} }
  task.line = app.lines[model]
  table.insert(task.line.held, task)
  let_in(app, task.line, now)
end

--- Keeps a new task.
---@param app table
---@param draft table { id=, family=, kind=, input= (the request's body), prompt=, credits=,
---  outputs = { "video"|"image"|"audio"|"frames"|"movie", … } }
---@param scenario table  from scenarios.choose
function tasks.add(app, draft, scenario, now)
  draft.created, draft.scenario = now, scenario
  draft.polls, draft.looks = 0, 0
  shorten(draft.input)
  stand_in_line(app, draft, now)
  app.tasks[#app.tasks + 1] = draft
  app.by_id[draft.family .. "/" .. draft.id] = draft
  return draft
end

---@return table|nil task  nil when there is none, or it was deleted
function tasks.find(app, family, id)
  local task = app.by_id[family .. "/" .. tostring(id)]
  if task and not task.deleted then return task end
  return nil
end

local function progress_in(stage, following, elapsed, seconds)
  if stage.progress or not following then return stage.progress or 0.5 end
  local from, to = stage.at * seconds, following.at * seconds
  local share = (elapsed - from) / (to - from)
  return math.floor(math.min(share, 0.99) * 100) / 100
end

--- What is to be seen of a task now. Looking has no effect but that output URLs may be issued.
---@return table view  { status=, progress=0..1|nil, output={url,…}|nil, failure=, code=, started=,
---  finished= }; the last two are seconds on the clock of `now`, nil before
function tasks.view(app, task, now, base_url)
  local entry, seconds = task.scenario.entry, app.seconds
  local stage, following, elapsed = stage_of(app, task, now)
  local view = { status = stage.status }
  if stage.status ~= "PENDING" and stage.status ~= "THROTTLED" then
    view.started = task.begun + timeline_of(task)[2].at * seconds
  end
  if ENDED[stage.status] then
    view.finished = task.begun + stage.at * seconds
  elseif view.started then
    view.progress = progress_in(stage, following, elapsed, seconds)
  end
  if stage.status == "FAILED" or stage.status == "CANCELLED" then
    view.failure, view.code = entry.failure, entry.code
  elseif stage.status == "SUCCEEDED" then
    task.looks = task.looks + 1
    if entry.look then entry.look(view, task.scenario.n, task.looks) end
    view.output = view.output or files.urls(app, task, now, base_url, view)
  end
  return view
end

--- How a task stands, in a word. Looking has no effect at all.
---@return string
function tasks.status(app, task, now)
  return task.deleted and "DELETED" or stage_of(app, task, now).status
end

--- Credits a task has cost so far: what was estimated, nothing when it failed or was cancelled.
function tasks.cost(app, task, now)
  local stage = stage_of(app, task, now)
  if task.deleted or stage.status == "FAILED" or stage.status == "CANCELLED" then return 0 end
  return task.credits or 0
end

return tasks
