-- Paid requests over real sockets to servers that misbehave (rawserver.lua, h2reset.lua), each way that can
-- fail once or a thousand times in a random order. The servers count what reached them; what the client says
-- is held against that. The short part is a spec, the long one `make torture`.

local certs = require "spec.support.certs"
local ledger = require "runway.ledger"
local lua = require "spec.support.interpreter"
local runway = require "runway"

local faulted = {}

---@class FaultedRow
---@field [1] string        the path, a scenario of rawserver/scenarios.lua
---@field posts integer     paid requests that arrive whole
---@field kind? string      of the error; nil: a task is made
---@field or_kind? string
---@field sent "yes"|"no"
---@field attempts? integer requests made (1)
---@field tries? integer    how many it would take (attempts): a spent retry budget may end it before
---@field id? string        of the task
---@field on? string        the listener, where it is not one of those that answer
---@field size? integer     of the body
---@field hasty? boolean    it may be given up before it arrives
---@field options? table    of the client

local rows = {}

-- A row for each path.
local function add(paths, row)
  for path in paths:gmatch "%S+" do
    local copy = { path }
    for name, value in pairs(row) do copy[name] = value end
    rows[#rows + 1] = copy
  end
end

local function unknown(paths, more)
  local row = { posts = 1, kind = "unknown_submit", sent = "yes" }
  for name, value in pairs(more or {}) do row[name] = value end
  add(paths, row)
end

local function unsent(paths, more)
  local row = { posts = 0, sent = "no", kind = "network" }
  for name, value in pairs(more or {}) do row[name] = value end
  add(paths, row)
end

local HASTY = { timeout = 1 }                 -- a busy machine may use it up before the request has left, or is read
local AGAIN = { max_retries = 1 }

-- Taken, and said so.
add("/busy/200?times=0", { posts = 1, sent = "yes", id = "task-after-1" })

-- Sent, and no answer, or none that can be read, or none that names a task.
unknown [[/reset-after-request /close-before-answer /short-body /reset-mid-body /chunk-cut /garbage /http09 /bad-status
  /bad-chunk /chunk-overflow /header-cut /header-flood /status/500 /status/501 /status/502 /status/503 /status/504
  /status/507 /status/520 /status/521 /status/522 /status/524 /status/529 /status/599 /empty /status/204 /page /ok
  /1xx/3 /status/200?body={} /status/200?body=[] /status/200?body={"id":""} /status/200?body={"id":null}
  /status/202?body={"id":{}} /status/200?body=null /negative-length /huge-length /close-idle-reuse]]
unknown("/cut-json /odd-length-json", { id = "task-PAID-123" })
unknown("/hang /slow-header /stall-mid-body /slow-body /1xx-forever?pause=0.02", { hasty = true, options = HASTY })
unknown("/chunked-forever", { options = { max_body_bytes = 10000 } })
unknown("/deaf", { on = "deaf", posts = 0, options = HASTY })
unknown("/cut?at=600000", { size = 600000 })

-- Refused, and said so.
for status, kind in pairs {
  [400] = "invalid_request", [402] = "insufficient_credits", [403] = "permission", [404] = "not_found",
  [409] = "invalid_request", [410] = "not_found", [413] = "invalid_request", [422] = "invalid_request",
} do
  add("/status/" .. status, { posts = 1, kind = kind, sent = "yes" })
end
add("/status/401 /status/401?www=Basic /status/401?www=Digest%20realm=%22a%22,%20nonce=%22b%22 /status/401?www=NTLM",
  { posts = 1, kind = "authentication", sent = "yes" })
add("/417", { posts = 1, kind = "invalid_request", sent = "yes", size = 1200000 })
for _, status in ipairs { 301, 302, 303, 307, 308 } do
  add("/redirect?to=/ok/target&code=" .. status, { posts = 1, kind = "protocol", sent = "yes" })
end

-- Turned away: made again as often as was allowed, or until it is taken.
for status, kind in pairs { [408] = "timeout", [421] = "server", [425] = "server", [429] = "rate_limited",
  [503] = "server" } do
  add(("/status/%d?retry_after=0"):format(status),
    { posts = 2, kind = kind, sent = "yes", attempts = 2, options = AGAIN })
  add(("/busy/%d?times=2"):format(status), { posts = 3, sent = "yes", attempts = 3, id = "task-after-3" })
end

add("/away-then-cut?at=100000",
  { posts = 1, kind = "network", sent = "yes", attempts = 2, size = 600000, options = AGAIN })

-- Never left, or not whole.
unsent("/refused", { on = "closed", tries = 2, options = AGAIN })
unsent("/proxy", { on = "host:status-407.example", options = { proxy = "plain", max_retries = 0 } })
unsent("/proxy", { on = "host:status-502.example", options = { proxy = "plain", max_retries = 0 } })
unsent("/proxy", { on = "host:api.example", options = { proxy = "closed", max_retries = 0 } })
unsent("/wrong", { on = "wrong_host" })
unsent("/expired", { on = "expired" })
unsent("/self", { on = "self_signed" })
unsent("/notls", { on = "https:quiet", tries = 2, options = AGAIN })
unsent("/handshake", { on = "https:deaf", kind = "timeout", tries = 2,
  options = { connect_timeout = 0.3, timeout = 5, max_retries = 1 } })
unsent("/name", { on = "host:nowhere.invalid", or_kind = "timeout",
  options = { connect_timeout = 1, max_retries = 0 } })
unsent("/cut?at=100000", { size = 600000, tries = 2, options = AGAIN })
unsent("/cut?at=1000000", { size = 3000000, tries = 2, options = AGAIN })

faulted.rows = rows

--------------------------------------------------------------------- the client's side

local adapter = {
  name = "faulted", base_url = "https://unused.example", kinds = { "text_to_video" },
  submit = function(_, given)
    return { method = "POST", path = given.prompt_text, json = { pad = ("x"):rep(given.duration or 0) } }
  end,
  accepted = function(answer) return answer.json and { id = answer.json.id } end,
  query = function(ref) return { path = "/tasks/" .. ref.id } end,
  task = function(answer) return answer.json and { status = answer.json.status } end,
}

-- "https:quiet" is a listener that is spoken to with TLS and knows none, "host:x" one that is none.
local function base_of(server, on)
  local host = on:match "^host:(.*)"
  if host then return "https://" .. host end
  local plain = on:match "^https:(.*)"
  if plain then return (server:url("", plain):gsub("^http:", "https:")) end
  return server:url("", on)
end

-- A client for a row; one for all that want the same.
local function client_of(clients, server, on, options)
  local parts = { on }
  for name, value in pairs(options or {}) do parts[#parts + 1] = name .. "=" .. tostring(value) end
  table.sort(parts)
  local key = table.concat(parts, " ")
  if not clients[key] then
    local all = { provider = adapter, api_key = "key-of-these-specs", base_url = base_of(server, on),
      ca_file = server.ca_file, max_in_flight = 16, timeout = 20 }
    for name, value in pairs(options or {}) do all[name] = value end
    if all.proxy then all.proxy = server:url("", all.proxy) end
    clients[key] = assert(runway.client(all))
  end
  return clients[key]
end

-- So that none of them is told of at the end.
local function forget(task)
  if task then ledger.release(task) end
end

-- One submit, and what the client says of it. Half of them find a connection that is idle, and may be dying.
local function submit(clients, server, shot)
  local row = shot.row
  local client = client_of(clients, server, shot.on, row.options)
  if shot.warm then client:request { path = shot.trap and "/close-idle-reuse" or "/ok" } end
  local mark = (row[1]:find("?", 1, true) and "&" or "?") .. "n=" .. shot.number
  shot.task, shot.err = client:generate { kind = "text_to_video", prompt_text = row[1] .. mark, duration = row.size }
  forget(shot.task or shot.err.task)
end

--------------------------------------------------------------------- what is held against what

-- What is wrong with what a client said; nil: nothing.
local function complaint(row, posts, task, err)
  if posts > row.posts then return posts .. " paid requests arrived" end
  if posts < row.posts and not row.hasty then return "only " .. posts .. " arrived" end
  if not row.kind then
    if not task then return "no task: " .. tostring(err) end
    return task.id ~= row.id and "another id: " .. task.id or nil
  end
  if not err then return "a task, of an answer that names none" end
  if row.hasty and posts == 0 and err.kind == "timeout" and err.sent == "no" then return nil end
  if err.kind ~= row.kind and err.kind ~= row.or_kind then
    return ("%s instead of %s: %s"):format(err.kind, row.kind, err.message)
  end
  if err.sent ~= row.sent then return "sent = " .. tostring(err.sent) end
  if err.task_id ~= row.id then return "the id is lost: " .. tostring(err.task_id) end
  local tries = row.tries or row.attempts or 1
  local spent = row.tries and err.attempts < tries and err.message:find "not tried again"
  return err.attempts ~= tries and not row.hasty and not spent and err.attempts .. " attempts" or nil
end

-- Paid requests by the number in their target, of those whose body came whole.
local function count_posts(server)
  local posts, strays = {}, 0
  for _, request in ipairs(server:log().requests) do
    if request.method == "POST" then
      local number = tonumber(request.target:match "[?&]n=(%d+)")
      if not number then
        strays = strays + 1
      elseif request.length == tonumber(request.headers["content-length"]) or request.target:find "/cut%?at=600000" then
        posts[number] = (posts[number] or 0) + 1
      end
    end
  end
  return posts, strays
end

---@param server table      of rawserver, with TLS
---@param shots table[]     { row =, on =, warm =, trap = }
---@return string[] complaints
function faulted.fire(server, shots)
  local clients, work = {}, {}
  for i, shot in ipairs(shots) do
    shot.number = i
    work[i] = function() submit(clients, server, shot) return true end
  end
  local _, failures = runway.all(work)
  local complaints = {}
  for i, err in pairs(failures or {}) do
    complaints[#complaints + 1] = ("shot %d raised: %s"):format(i, tostring(err))
  end
  local posts, strays = count_posts(server)
  if strays > 0 then complaints[#complaints + 1] = strays .. " paid requests went where none was sent" end
  for i, shot in ipairs(shots) do
    local wrong = complaint(shot.row, posts[i] or 0, shot.task, shot.err)
    if wrong then
      complaints[#complaints + 1] = ("%s on %s%s: %s")
        :format(shot.row[1], shot.on, shot.warm and " (warm)" or "", wrong)
    end
  end
  for _, client in pairs(clients) do client:close() end
  return complaints
end

--- A shot of a row, as a random number generator will have it.
---@param row FaultedRow
---@param random fun(n: integer): integer
function faulted.shot(row, random)
  return { row = row, on = row.on or (random(2) == 1 and "good" or "plain"), warm = not row.on and random(2) == 1,
    trap = random(2) == 1 }
end

--------------------------------------------------------------------- HTTP/2

-- What a server with nothing but HTTP/2 may do to a request: is it turned away, and may it have been taken?
local AWAY, TAKEN = { "7", "goaway-0", "leaving" }, { "13", "2", "8", "1", "goaway-1" }

--- Submits one after the other to a server that turns each away a few times, and takes it or loses it then.
---@param count integer
---@param random fun(n: integer): integer
---@return string[] complaints
---@return integer requests   that it has read whole
function faulted.fire_h2(count, random)
  local directory, plan, wanted = certs.make(), {}, {}
  for i = 1, count do
    local away = random(4) == 1 and random(2) or 0
    for _ = 1, away do plan[#plan + 1] = AWAY[random(2)] end -- "leaving" may be read or not: not counted here
    local lost = random(3) > 1
    plan[#plan + 1] = lost and TAKEN[random(#TAKEN)] or "ok"
    wanted[i] = { plan = plan[#plan], lost = lost, attempts = away + 1 }
  end
  local pipe = assert(io.popen(("echo $$; exec %s spec/support/h2reset.lua %s %s 2>&1"):format(lua, directory,
    table.concat(plan, ","))))
  local pid, port = pipe:read "l", pipe:read "l"
  local client = assert(runway.client { provider = adapter, api_key = "key-of-these-specs",
    base_url = "https://localhost:" .. port, ca_file = directory .. "/ca.pem", timeout = 20 })
  local complaints = {}
  for i, want in ipairs(wanted) do
    local task, err = client:generate { kind = "text_to_video", prompt_text = "/h2?n=" .. i }
    forget(task)
    local row = { posts = 0, sent = "yes", attempts = want.attempts, kind = want.lost and "unknown_submit" or nil,
      id = not want.lost and "17f20503-6c24-4c16-946b-35dbbce2af2f" or nil }
    local wrong = complaint(row, 0, task, err)
    if wrong then complaints[#complaints + 1] = ("HTTP/2, %s: %s"):format(want.plan, wrong) end
  end
  client:close()
  os.execute("kill " .. pid)
  local _, read = pipe:read("a"):gsub("request", "")
  pipe:close()
  certs.remove(directory)
  if read ~= #plan then complaints[#complaints + 1] = ("HTTP/2: %d requests for %d"):format(read, #plan) end
  return complaints, read
end

--------------------------------------------------------------------- the faults are real

--- What libcurl does by itself with a POST, once for each row in which it repeats one.
---@param server table
---@param directory string    for the program
---@return table<string, integer> posts   that arrived, by scenario
function faulted.plain(server, directory)
  local program = directory .. "/plain_post"
  local built = os.execute(("%s -o '%s' spec/support/plain_post.c $(pkg-config --cflags --libs libcurl) 2>&1")
    :format(os.getenv "CC" or "cc", program))
  assert(built, "spec/support/plain_post.c does not compile")
  local posts = {}
  for name, first in pairs {
    ["/close-idle-reuse?n=1"] = "/close-idle-reuse", ["/redirect?to=/echo&code=307&n=2"] = "/ok",
    ["/redirect?to=/echo&code=308&n=3"] = "/ok", ["/417?n=4"] = "/ok",
    ["/status/401?www=Digest%20realm=%22a%22,%20nonce=%22b%22&n=5"] = "/ok",
  } do
    local before = #server:log().requests
    os.execute(("'%s' '%s' '%s' >/dev/null 2>&1"):format(program, server:url(first), server:url(name)))
    local count, requests = 0, server:log().requests
    for i = before + 1, #requests do count = count + (requests[i].method == "POST" and 1 or 0) end
    posts[name] = count
  end
  return posts
end

return faulted
