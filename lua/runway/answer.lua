-- answer.lua: a transport's result as adapters see it, and what can be told of it without one.

local json = require "runway.json"
local text = require "runway.text"

local answer = {}

local OBJECT = ("{"):byte()                   -- as nearly every answer begins

--- Is this a page for people?
---@param body string
---@return boolean
function answer.is_page(body)
  return body:byte(1) ~= OBJECT and body:find("^[ \t-\r]*<") ~= nil
end

--- The answer as adapters see it. `why` says why there is no JSON in it.
---@param result table   of a transport
---@param pause? fun()    called now and then while much is read; may yield
---@return runway.AdapterAnswer
function answer.of(result, pause)
  local made = { status = result.status, headers = result.headers or {}, body = result.body or "" }
  if made.body:byte(1) ~= OBJECT and not made.body:find("[^ \t-\r]") then
    made.why = "the answer is empty"
  else
    local message
    made.json, message = json.read(made.body, pause)
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
  return text.line(text.cut(body, 80)) or ""
end

return answer
