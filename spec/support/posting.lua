-- A listener to which a spec posts without a socket: what it posts comes in with the next turn of the loop, at whatever
-- time a mock's clock shows.

local json = require "runway.json"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local posting = {}

local open = {}

--- A listener, as of runway.listener, and how to post to it; `close` closes it.
---@return runway.CallbackListener listener
---@return fun(url: string, body: string|table, headers: table|nil, method: string|nil) post
---@return table[] answers   that were given
function posting.listener()
  local listener = assert(runway.listener())
  open[#open + 1] = listener
  local waiting, answers, closed = {}, {}, false
  listener.listener:close()
  listener.listener = {
    take = function() return not closed and table.remove(waiting, 1) or nil end,
    respond = function(_, id, answer) answers[id] = answer end,
    close = function() closed = true end,
  }
  local count = 0
  return listener, function(url, body, headers, method)
    count = count + 1
    local path, query = url:gsub("^https?://[^/]*", ""):match "^([^?]*)%??(.*)$"
    waiting[#waiting + 1] = { id = count, method = method or "POST", path = path, query = query,
      headers = headers or {}, body = type(body) == "table" and json.encode(body) or body or "" }
    answers[count] = false
    scheduler.again()                         -- a virtual clock knows nothing of what is about to come in
  end, answers
end

function posting.close()
  for _, listener in ipairs(open) do listener:close() end
  open = {}
end

return posting
