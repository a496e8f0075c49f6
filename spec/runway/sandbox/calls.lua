--- What the specs of the sandbox say to it: requests as tables, time as a number.

local json = require "runway.json"
local sandbox = require "runway.sandbox"

local calls = {}

calls.EPOCH = 1754600000 -- 2025-08-07T20:53:20Z
calls.BASE = "http://sandbox.test"

--- An app on a made-up clock, whose tasks take ten seconds.
function calls.app(options)
  local all = { seconds = 10, epoch = calls.EPOCH, base_url = calls.BASE, seed = 7 }
  for name, value in pairs(options or {}) do all[name] = value end
  return sandbox.app(all)
end

local SIGNED = {
  bearer = { authorization = "Bearer key-1" },
  bare = { authorization = "key-1" },
  official = { authorization = "Bearer key-1", ["x-runway-version"] = "2024-11-06" },
}

--- One request; `sign` names how it carries its key, nil: not at all.
---@return table response  with .json when the body is JSON
function calls.send(app, sign, method, target, body, now, headers)
  local all = {}
  for name, value in pairs(SIGNED[sign] or {}) do all[name] = value end
  if type(body) == "table" then
    body = assert(json.encode(body))
    all["content-type"] = "application/json"
  end
  for name, value in pairs(headers or {}) do all[name] = value or nil end
  local path, query = target:match("^([^?]*)%??(.*)$")
  local response = app:handle(
    { method = method, path = path, query = query, headers = all, body = body or "" }, now or 0)
  if response.headers["content-type"] == "application/json" then
    response.json = json.decode(response.body)
  end
  return response
end

--- GET of an output URL, without a key.
function calls.fetch(app, url, now, headers, method)
  assert(url:sub(1, #calls.BASE + 1) == calls.BASE .. "/", "not one of ours: " .. tostring(url))
  return calls.send(app, nil, method or "GET", url:sub(#calls.BASE + 1), nil, now, headers)
end

calls.PNG = "data:image/png;base64," .. require("runway.sandbox.clip").image:gsub("%s", "")

-- The providers ------------------------------------------------------------------------------
-- sign, submit = { path, body }, id(answer), query(id) -> method, target, body,
-- read(answer) -> status word, url, progress, failure

local MOTION = { x = 0, y = 0.3999999999999999, z = 0, r = -6, bg_x_pan = 0, bg_y_pan = 0 }

calls.official = {
  sign = "official",
  submit = {
    "/v1/image_to_video",
    {
      model = "gen4_turbo", promptText = "fog", promptImage = calls.PNG, ratio = "1280:720",
      duration = 5, seed = 42,
    },
  },
  prompt = "promptText",
  id = function(answer) return answer.id end,
  query = function(id) return "GET", "/v1/tasks/" .. id end,
  read = function(answer)
    return answer.status, answer.output and answer.output[1], answer.progress, answer.failure
  end,
}

calls.gateway = {
  sign = "bearer",
  submit = {
    "/runwayml/v1/image_to_video",
    { model = "gen4_turbo", promptText = "fog", promptImage = calls.PNG, ratio = "1280:768" },
  },
  prompt = "promptText",
  id = function(answer) return answer.id or answer.data.task_id end,
  query = function(id) return "GET", "/runwayml/v1/tasks/" .. id end,
  read = calls.official.read,
}

local function relay_read(data)
  local inner = data.data
  return data.status, inner and inner.output and inner.output[1], data.progress, data.fail_reason
end

calls.cometapi = {
  sign = "bearer",
  submit = {
    "/runway/pro/generate",
    {
      callback_url = "http://baidu.com", ratio = "16:9", prompt = "a cat", style = "cinematic",
      model = "gen4", options = { seconds = 10, motion_vector = MOTION },
    },
  },
  prompt = "prompt",
  id = function(answer) return answer.data.task_id end,
  query = function(id) return "POST", "/runway/feed", { task_id = id } end,
  read = function(answer) return relay_read(answer.data) end,
}

calls.qimu = {
  sign = "bare",
  submit = {
    "/uniapp-service/api/runway/add",
    {
      callbackUrl = "http://baidu.com", ratio = "16:9", seconds = 10, taskType = "gen3a_turbo",
      textPrompt = "string", images = { { frameIndex = 0, image = "http://baidu.com" } },
    },
  },
  prompt = "textPrompt",
  id = function(answer) return answer.result.id end,
  query = function(id) return "GET", "/uniapp-service/api/runway/getTask?taskId=" .. id end,
  read = function(answer)
    local task = answer.result
    return task.taskStatusCode, task.videoUrl, nil, task.error
  end,
}

calls.chatgptsb = {
  sign = "bearer",
  submit = {
    "/runway/tasks",
    {
      taskType = "gen3a_turbo", internal = false,
      options = { text_prompt = "fog", seconds = 5, init_image = "https://a.example/1.png" },
    },
  },
  prompt = "text_prompt",
  id = function(answer) return answer.task.id end,
  query = function(id) return "GET", "/runway/tasks/" .. id end,
  read = function(answer)
    local task = answer.task
    local artifact = task.artifacts[1]
    return task.status, artifact and artifact.url, task.progressRatio,
      task.error and task.error.message
  end,
}

calls.names = { "official", "gateway", "cometapi", "qimu", "chatgptsb" }

local function copy(value)
  if type(value) ~= "table" then return value end
  local twin = {}
  for key, item in pairs(value) do twin[key] = copy(item) end
  return setmetatable(twin, getmetatable(value))
end

--- The provider's example body, with changes: { ["a.b"] = value or calls.NONE }.
calls.NONE = {}
function calls.body(api, changes)
  local body = copy(api.submit[2])
  for path, value in pairs(changes or {}) do
    local at, names = body, {}
    for name in path:gmatch("[^.]+") do names[#names + 1] = tonumber(name) or name end
    for i = 1, #names - 1 do at = at[names[i]] end
    if value == calls.NONE then value = nil end
    at[names[#names]] = value
  end
  return body
end

--- Submits the example, with a scenario's word in its prompt if one is given.
---@return table response
function calls.submit(app, api, scenario, now)
  local body = calls.body(api)
  if scenario then
    local holder = api == calls.chatgptsb and body.options or body
    holder[api.prompt] = "a cat, sandbox:" .. scenario .. ", slow dolly"
  end
  return calls.send(app, api.sign, "POST", api.submit[1], body, now)
end

--- Queries a task.
---@return table response
function calls.query(app, api, id, now)
  local method, target, body = api.query(id)
  return calls.send(app, api.sign, method, target, body, now)
end

return calls
