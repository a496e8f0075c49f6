-- answer.lua: a transport's result as adapters see it, and what can be told of it without one.

local json = require "runway.json"
local text = require "runway.text"

local answer = {}

local OBJECT = ("{"):byte()                   -- as nearly every answer begins
local MOST_BEGINNINGS = 8                     -- places at which JSON is looked for behind other text

-- JSON behind what a script has printed before it: a warning of PHP's, a line of a log. It goes on
-- to the end of the text, or is none.
local function behind(body, pause)
  local last = text.trim(body:sub(-64)):sub(-1)
  if last ~= "}" and last ~= "]" then return nil end
  local at = 1
  for _ = 1, MOST_BEGINNINGS do
    local before, bracket = body:find("[^:,%[{][%[{]", at)
    if not before then return nil end
    if body:find("^[ \t-\r]*[\"{}]", bracket + 1) then
      local found = json.read(body:sub(bracket), pause)
      if type(found) == "table" then return found end
    end
    at = bracket + 1
  end
  return nil
end

-- Why there is no JSON in an answer, or the JSON; and whether it is a page for people.
local function look(body, pause)
  if not body:find("[^ \t-\r]") then return nil, "the answer is empty" end
  local found, message = json.read(body, pause)
  if type(found) == "string" and found:find("^[ \t-\r]*[{%[]") then -- JSON that was encoded twice
    found = json.read(found, pause) or found
  end
  if type(found) == "table" then return found end
  if not body:find('^[ \t-\r]*[{%["]') then
    local printed = behind(body, pause)
    if printed then return printed end
  end
  if body:find("^\239?\187?\191?[ \t-\r]*<") then
    return nil, "the answer is HTML, not JSON (a wrong base URL, or a proxy's page?)", true
  elseif found == nil then
    return nil, "the answer is not JSON: " .. tostring(message)
  end
  local what = found == json.null and "null" or type(found)
  return nil, "the answer is a JSON " .. what .. ", not an object"
end

-- What cannot be read may be packed in a way that no one here knows.
local function coding_of(headers)
  local coding = text.line(headers["content-encoding"], 60)
  if not coding or text.lower(coding) == "identity" then return "" end
  return " (its Content-Encoding is " .. coding .. ")"
end

---@class runway.Answer: runway.AdapterAnswer
---@field why? string           why there is no JSON in it
---@field page? boolean         it is a page for people
---@field cut? boolean          it may have gone on
---@field problem? runway.Problem  what its adapter says of it beside that there is no such task
---@field fault? string         what an adapter said of it that cannot be used

--- The answer as adapters see it. `why` says why there is no JSON in it, `page` that it is a page for people,
--- `cut` that it may have gone on.
---@param result table   of a transport
---@param pause? fun()    called now and then while much is read; may yield
---@return runway.Answer
function answer.of(result, pause)
  local body, found = result.body or "", nil
  if body:byte(1) == OBJECT then found = json.read(body, pause) end -- as a rule
  local made = { status = result.status, headers = result.headers or {}, body = body, json = found }
  if result.error then made.cut = true end
  if type(found) == "table" then return made end
  made.json, made.why, made.page = look((text.narrow(made.body):gsub("^%z+", "")), pause)
  if made.why and not made.page then made.why = made.why .. coding_of(made.headers) end
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
  return text.line(text.cut(text.narrow(body:sub(1, 400)), 80)) or ""
end

return answer
