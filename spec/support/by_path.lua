-- An adapter for servers that misbehave by the path of a request (rawserver): a submit goes to the path that
-- is its prompt, a query to the one that is the task's id. What a server must not get is in all of them.

local ledger = require "runway.ledger"
local runway = require "runway"

local by_path = {}

by_path.KEY = "key_0123456789abcdef0123456789abcdef"

by_path.VERSION = "2024-11-06"

by_path.adapter = {
  name = "by_path", base_url = "https://unused.example", kinds = { "text_to_video" }, poll_interval = 0.01,
  sign = function(key)
    return { Authorization = "Bearer " .. key, ["X-Api-Key"] = key, ["X-Runway-Version"] = by_path.VERSION }
  end,
  submit = function(_, given)
    return { method = "POST", path = given.prompt_text, json = { promptText = "a cat" } }
  end,
  accepted = function(answer) return answer.json and { id = answer.json.id } end,
  query = function(ref) return { path = ref.id } end,
  task = function(answer)
    local json = answer.json
    return json and (json.status or json.id) and { status = json.status, output = json.output }
  end,
}

--- A client for what stands at a base URL.
---@param base_url string
---@param options? table   of runway.client
---@return runway.Client
function by_path.client(base_url, options)
  local all = { provider = by_path.adapter, api_key = by_path.KEY, base_url = base_url, max_retries = 0, timeout = 20 }
  for name, value in pairs(options or {}) do all[name] = value end
  return assert(runway.client(all))
end

--- A task that no one need be told of at the end of the process.
---@param task runway.Task|nil
function by_path.forget(task)
  if task then ledger.release(task) end
end

--- The path that answers with a JSON text.
---@param text string
---@return string
function by_path.json(text)
  return "/status/200?body=" .. text:gsub("[%%&+# ]", function(c) return ("%%%02X"):format(c:byte()) end)
end

--- A task that has ended, with its film at a URL.
---@param client runway.Client
---@param url string
---@return runway.Task
function by_path.made(client, url)
  return assert(client:get(by_path.json(('{"status":"SUCCEEDED","output":["%s"]}'):format(url))))
end

--- One submit to a path.
---@param client runway.Client
---@param path string
---@return runway.Task|nil task
---@return runway.Error|nil err
function by_path.submit(client, path)
  local task, err = client:generate { kind = "text_to_video", prompt_text = path }
  by_path.forget(task or err.task)
  return task, err
end

return by_path
