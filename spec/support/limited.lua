-- A provider over a mock that tells what its account may run, for specs of who keeps to that.

local scheduler = require "runway.scheduler"

local limited = {}

--- A provider of any models. `limits` is what its account tells, as limited.tier gives it; nil: 403.
---@return { answer: function, limits: table|nil, looks: integer, made: table[], most: table<string, integer>,
---  failing: table<string, true>, takes: number }   answer: of runway.mock; looks: how often the account was asked for;
---  made: tasks, in their order; most: that were open at once, by model; failing: prompts whose next task fails;
---  takes: seconds, of a task
function limited.provider()
  local p, open = { looks = 0, made = {}, most = {}, failing = {}, takes = 60 }, {}

  local function organization()
    p.looks = p.looks + 1
    if not p.limits then return { status = 403, json = { error = "no" } } end
    return { json = { creditBalance = 100, tier = { models = p.limits[1] }, usage = { models = p.limits[2] } } }
  end

  local function submit(request)
    local model, prompt = request.json.model, request.json.promptText
    local t = { id = ("task-%d"):format(#p.made + 1), model = model, prompt = prompt, fails = p.failing[prompt],
      ends = scheduler.now() + p.takes }
    p.made[#p.made + 1], p.failing[prompt] = t, nil
    open[model] = (open[model] or 0) + 1
    p.most[model] = math.max(p.most[model] or 0, open[model])
    return { json = { id = t.id } }
  end

  local function query(request)
    local t = p.made[tonumber(request.path:match "%d+$")]
    if scheduler.now() < t.ends then return { json = { id = t.id, status = "RUNNING" } } end
    if not t.over then t.over, open[t.model] = true, open[t.model] - 1 end
    if t.fails then return { json = { id = t.id, status = "FAILED", failure = "no", failureCode = "INTERNAL" } } end
    return { json = { id = t.id, status = "SUCCEEDED", output = { "https://cdn.example/a.mp4" } } }
  end

  function p.answer(request)
    if request.path == "/v1/organization" then return organization() end
    if request.method == "POST" then return submit(request) end
    if request.path:find "^/v1/tasks/" then return query(request) end
    return { body = "\0\0\0\24ftypmp42", delay = 30 }
  end

  --- The prompts of what was made, in their order.
  function p.order()
    local prompts = {}
    for i, t in ipairs(p.made) do prompts[i] = t.prompt end
    return table.concat(prompts, " ")
  end
  return p
end

--- Limits by model: how many at once.
function limited.tier(most)
  local models = {}
  for model, n in pairs(most) do models[model] = { maxConcurrentGenerations = n, maxDailyGenerations = 100 } end
  return { models }
end

return limited
