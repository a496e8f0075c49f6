-- answer.lua: a transport's result as adapters see it, and what can be told of it without one.

local fields = require "runway.fields"
local json = require "runway.json"

local answer = {}

--- Is this a page for people?
---@param body string
---@return boolean
function answer.is_page(body)
  return body:find("^%s*<") ~= nil
end

--- The answer as adapters see it. `why` says why there is no JSON in it.
---@param result table   of a transport
---@return runway.AdapterAnswer
function answer.of(result)
  local made = { status = result.status, headers = result.headers or {}, body = result.body or "" }
  if not made.body:find("%S") then
    made.why = "the answer is empty"
  else
    local message
    made.json, message = json.decode(made.body)
    if answer.is_page(made.body) then
      made.why = "the answer is HTML, not JSON (a wrong base URL, or a proxy's page?)"
    elseif made.json == nil then
      made.why = "the answer is not JSON: " .. tostring(message)
    elseif type(made.json) ~= "table" then
      made.why = "the answer is a JSON " .. type(made.json) .. ", not an object"
      made.json = nil
    end
  end
  return made
end

--- The id of a task that an answer names, whatever else it says.
---@param made runway.AdapterAnswer
---@return string|nil
function answer.id(made)
  local top = made.json
  if type(top) ~= "table" then               -- cut off, or not quite JSON: the id may stand in it all the same
    return fields.id(made.body:match('"task_?[iI]d"%s*:%s*"([%w%-_]+)"')
      or made.body:match('"id"%s*:%s*"([%w%-_]+)"'))
  end
  local data = type(top.data) == "table" and top.data or {}
  return fields.id(top.task_id) or fields.id(top.taskId) or fields.id(data.task_id) or fields.id(data.taskId)
    or fields.id(top.id)
end

--- The server's own name for the exchange.
---@param headers table<string, string>|nil
---@return string|nil
function answer.request_id(headers)
  if not headers then return nil end
  return headers["x-request-id"] or headers["request-id"] or headers["x-amzn-requestid"] or headers["cf-ray"]
end

--- The beginning of a body, for a message.
---@param body string
---@return string
function answer.beginning(body)
  return fields.line(fields.cut(body, 80)) or ""
end

return answer
