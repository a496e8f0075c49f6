--- What a sandbox was asked and has answered, as lines for people. The key is in none of them, nor the
-- query of a URL, nor the bytes of a data URI.

local errors = require "runway.errors"
local words = require "runway.text"

local LONGEST = 600                -- bytes shown of a body

local function is_json(kind) return kind:find("json", 1, true) ~= nil end

local function body_line(mark, body, kind, key)
  body = body or ""
  if body == "" then return nil end
  if not is_json(kind) then
    return ("  %s (%d bytes%s)"):format(mark, #body, kind ~= "" and " of " .. kind or "")
  end
  -- a data URI may be megabytes: what is cut first is looked at for secrets with some of what follows it
  local shown = errors.redact(words.cut(body, 8 * LONGEST), key)
  local line = words.line(words.cut(shown, LONGEST)) or ""
  return ("  %s %s%s"):format(mark, line, #shown > LONGEST and " …" or "")
end

-- The key that came with a request, in whatever form.
local function key_of(request)
  local value = request.headers.authorization or ""
  return value:match "^Bearer +(.+)$" or value
end

local FAULTS = {
  drop = "closes without an answer", stall = "does not answer", truncate = "breaks off half-way",
  garbage = "answers no HTTP", slow = "sends it slowly",
}

--- Tells one exchange.
---@param log fun(line: string)
---@param request table    { method=, path=, query=, headers=, body= }
---@param response table   { status=, headers=, body=, fault=, delay= }
local function tell(log, request, response)
  local key = key_of(request)
  local path = errors.redact(request.path, key)
  if (request.query or "") ~= "" then path = path .. "?[query]" end
  local notes = {}
  if response.delay then notes[#notes + 1] = (", %s s late"):format(words.number(response.delay)) end
  if response.fault then notes[#notes + 1] = ", and " .. (FAULTS[response.fault] or response.fault) end
  log(words.line(("%s %s -> %d%s"):format(request.method, path, response.status, table.concat(notes))) or "")
  local asked = body_line(">", request.body, request.headers["content-type"] or "", key)
  if asked then log(asked) end
  local answered = body_line("<", response.body, (response.headers or {})["content-type"] or "", key)
  if answered then log(answered) end
end

return tell
