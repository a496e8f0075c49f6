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

--- Keeps a new task.
---@param app table
---@param draft table { id=, family=, kind=, input= (the request's body), prompt=, credits=,
---  outputs = { "video"|"image"|"audio"|"frames"|"movie", … } }
---@param scenario table  from scenarios.choose
function tasks.add(app, draft, scenario, now)
  draft.created, draft.scenario = now, scenario
  draft.polls, draft.looks = 0, 0
  shorten(draft.input)
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

-- The stage a task is in after `elapsed` seconds, and the one that follows.
local function stage_at(timeline, elapsed, seconds)
  local current = 1
  for i = 2, #timeline do
    if elapsed >= timeline[i].at * seconds then current = i end
  end
  return timeline[current], timeline[current + 1]
end

local function progress_in(stage, following, elapsed, seconds)
  if stage.progress or not following then return stage.progress or 0.5 end
  local from, to = stage.at * seconds, following.at * seconds
  local share = (elapsed - from) / (to - from)
  return math.floor(math.min(share, 0.99) * 100) / 100
end

local ENDED = { SUCCEEDED = true, FAILED = true, CANCELLED = true }
tasks.ended = ENDED

--- What is to be seen of a task now. Looking has no effect but that output URLs may be issued.
---@return table view  { status=, progress=0..1|nil, output={url,…}|nil, failure=, code=, started=,
---  finished= }; the last two are seconds on the clock of `now`, nil before
function tasks.view(app, task, now, base_url)
  local entry, seconds = task.scenario.entry, app.seconds
  local timeline = entry.timeline or scenarios.timeline
  local elapsed = math.max(0, now - task.created)
  local stage, following = stage_at(timeline, elapsed, seconds)
  local view = { status = stage.status }
  if stage.status ~= "PENDING" and stage.status ~= "THROTTLED" then
    view.started = task.created + timeline[2].at * seconds
  end
  if ENDED[stage.status] then
    view.finished = task.created + stage.at * seconds
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

--- Credits a task has cost so far: what was estimated, nothing when it failed or was cancelled.
function tasks.cost(app, task, now)
  local entry = task.scenario.entry
  local stage = stage_at(entry.timeline or scenarios.timeline, math.max(0, now - task.created),
    app.seconds)
  if task.deleted or stage.status == "FAILED" or stage.status == "CANCELLED" then return 0 end
  return task.credits or 0
end

return tasks
