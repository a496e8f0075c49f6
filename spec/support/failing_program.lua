-- The program that failing.lua starts: what an account is used for, from its client to its end, in a fork of its
-- own for each call that fails in it. What it was told goes into files, a directory for each fork.

local library, plan_text = ...
local plan = assert(load("return " .. plan_text, "plan", "t", {}))()

local shortage = assert(package.loadlib(library, "luaopen_shortage"))()
local core = require "runway.core"
local listener = require "runway.listener"
local retry = require "runway.retry"
local runway = require "runway"
local socket = require "socket"
local store = require "runway.store"
local web = require "socket.http"

local PATIENCE = 20                           -- seconds for one fork
local PAUSE = 0.002

-- The rooms that are asked for by name are here before; what they need beside it comes when they need it.
for _, name in ipairs { "client", "journal", "sleep" } do assert(runway[name]) end
for _, room in ipairs { plan.journal == "postgresql" and plan.journal or "sqlite", "providers.runwayml",
  "providers.chatgptsb", "providers.cometapi" } do require("runway." .. room) end

retry.delay = function() return 0 end

local PROVIDERS = { callback = "chatgptsb", woken = "cometapi" }

local stories = {}                            -- what is done with an account; told in fields that are there already

-- A task's file, when nothing fails any more. One that has come before the program was told of a failure is there.
local function surely(t, output)
  local file, err = t:download(output)
  if not file and err.code == "exists" then return { path = output } end
  return assert(file, err)
end

-- From a submit to its file, as far as that goes.
local function make(told, shot, at)
  told.at = at
  told.task, told.err = told.client:generate(shot.order)
  if not told.task then return end
  told.at = "wait"
  told.waited, told.err = told.task:wait()
  if not told.waited then return end
  told.at = "download"
  told.file, told.err = told.task:download(nil, shot.with_receipt)
end

--- A paid task from its submit to its file; with a journal it has a key.
stories.task = {
  told = { "client", "task", "waited", "file" },
  tell = function(told, shot)
    told.at = "client"
    told.client, told.err = runway.client(shot.client)
    if not told.client then return end
    make(told, shot, "generate")
  end,
  -- All is well again: the same client goes on; with the same order, where a journal knows what it made.
  afterwards = function(told, shot)
    local client = told.client or assert(runway.client(shot.client))
    local t = told.task or told.err and told.err.task
    -- what may be at the provider holds its place and its credits: another client has its own
    if not t and told.err and told.err.kind == "unknown_submit" and not shot.journal then
      client = assert(runway.client(shot.client))
    end
    local output = t and shot.output
    if not t then
      local err
      t, err = client:generate(shot.journal and shot.order or shot.another)
      if not t and shot.journal and err.kind == "unknown_submit" then return "unknown" end
      assert(t, err)
      output = shot.journal and shot.output or shot.another.output
    end
    assert(t:wait())
    local file = surely(t, output)
    client:close()
    return "done", file.path
  end,
}

--- The file of a task that was made before; it is cut off once on its way.
stories.film = {
  told = { "client", "task", "file" },
  tell = function(told, shot)
    told.at = "client"
    told.client, told.err = runway.client(shot.client)
    if not told.client then return end
    told.at = "get"
    told.task, told.err = told.client:get(shot.film)
    if not told.task then return end
    told.at = "download"
    told.file, told.err = told.task:download(shot.output, shot.with_receipt)
  end,
  afterwards = function(told, shot)
    local client = told.client or assert(runway.client(shot.client))
    local t = assert(client:get(shot.film))
    local file = surely(t, shot.output)
    client:close()
    return "done", file.path
  end,
}

local POST = "POST /hook?n=1 HTTP/1.1\r\nHost: me\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
  .. "Connection: close\r\n\r\n%s"
local BODY = '{"task":{"id":"task-1","status":"running"}}'
local NO_CONTENT = { status = 204 }

-- Someone posts; the program takes it, reads it and answers.
local function call_back(told, post)
  local sock = assert(socket.connect("127.0.0.1", told.listener:port()))
  sock:settimeout(PAUSE)
  sock:send(post)
  local deadline, got = core.now() + PATIENCE / 4, ""
  while core.now() < deadline do
    local request = told.listener:take()
    if request then
      told.hint, told.err = told.client:read_callback(request.body, request.headers,
        ("%s?%s"):format(request.path, request.query))
      told.listener:respond(request.id, NO_CONTENT)
    end
    local all, err, part = sock:receive "*a"
    got = got .. (all or part)
    if all or err == "closed" then
      told.answer = got
      break
    end
  end
  sock:close()
end

--- Callbacks, from the listener to the answer.
stories.callback = {
  told = { "client", "listener", "hint", "answer" },
  tell = function(told, shot)
    told.at = "client"
    told.client, told.err = runway.client(shot.client)
    if not told.client then return end
    told.at = "listen"
    told.listener, told.err = listener.listen(shot.listen)
    if not told.listener then return end
    told.at = "callback"
    call_back(told, shot.post)
  end,
  afterwards = function(told, shot)
    local again = { client = told.client or assert(runway.client(shot.client)),
      listener = told.listener or assert(listener.listen(shot.listen)) }
    call_back(again, shot.post)
    assert(again.answer and again.answer:find "^HTTP/1.1 204", again.answer or "no answer")
    assert(again.hint.id == "task-1", "another hint")
    again.listener:close()
    again.client:close()
    return "done"
  end,
}

-- What the provider would post of the task that it made, once it is known. nil: it made none.
local function posted(shot)
  local deadline = core.now() + PATIENCE / 4
  repeat
    local file = io.open(shot.callback)
    if file then
      local post = file:read "a"
      file:close()
      return post
    end
    socket.sleep(PAUSE)
  until core.now() > deadline
end

--- A task whose answer was lost, and whose id comes with a callback.
stories.woken = {
  told = { "client", "listener", "task", "hint", "answer", "waited", "file" },
  tell = function(told, shot)
    told.at = "listen"
    told.listener, told.err = listener.listen(shot.listen)
    if not told.listener then return end
    told.at = "client"
    shot.client.callback_url = shot.hook:format(told.listener:port())
    told.client, told.err = runway.client(shot.client)
    if not told.client then return end
    told.at = "generate"
    told.task, told.err = told.client:generate(shot.order)
    if told.task or told.err.kind ~= "unknown_submit" then return end
    told.at = "callback"
    local post = posted(shot)
    if post then call_back(told, post) end
    if not told.hint then return end
    make(told, shot, "generate again")
  end,
  -- A callback whose key was named is in the journal. Where it was not, it comes again.
  afterwards = function(told, shot)
    local again = { listener = told.listener or assert(listener.listen(shot.listen)), client = told.client }
    shot.client.callback_url = shot.hook:format(again.listener:port())
    again.client = again.client or assert(runway.client(shot.client))
    local entry = told.hint and told.hint.key and assert(again.client.journal:get(shot.order.key))
    assert(not entry or entry.task_id == told.hint.id, "the journal does not know what the callback told")
    local t, err = told.task, nil
    if not t then t, err = again.client:generate(shot.order) end
    if not t then
      if err.kind ~= "unknown_submit" then error(err) end
      local post = posted(shot)
      if not post then return "unknown" end
      call_back(again, post)
      assert(again.answer and again.answer:find "^HTTP/1.1 204", again.answer or "no answer")
      assert(again.hint and again.hint.key == shot.order.key, "another key")
      t = assert(again.client:generate(shot.order))
    end
    assert(t:wait())
    local file = surely(t, shot.output)
    again.listener:close()
    again.client:close()
    return "done", file.path
  end,
}

-- OpenSSL 3.0 crashes in whatever program uses it, where the first memory that it asks for was not to be had. Here
-- it has that before.
local function wake_openssl()
  assert(not store.open "postgresql:///?host=/nowhere")
end

-- What one fork works with; made before anything fails.
local function shot_of(n)
  local directory = ("%s/%d"):format(plan.directory, n)
  local shot = { directory = directory, output = directory .. "/a.mp4", film = "film-" .. n,
    journal = plan.where and plan.where:gsub("NTH", n) or nil, with_receipt = { receipt = true },
    listen = { port = 0 }, post = POST:format(#BODY, BODY), hook = "http://127.0.0.1:%d/hook?n=1",
    callback = directory .. "/callback" }
  shot.client = { provider = PROVIDERS[plan.story] or "runwayml", api_key = "key_0123456789abcdef",
    base_url = plan.base, poll_interval = 0.005, timeout = PATIENCE / 2, journal = shot.journal }
  if plan.whose == "all" and plan.journal == "postgresql" then wake_openssl() end
  -- room for one: what came to nothing must leave it to the next
  if plan.budget then shot.client.budget, shot.client.max_tasks, shot.client.deadline = 60, 1, PATIENCE / 2 end
  if plan.film then assert(web.request(("%s/film-plan/%s?%s%d"):format(plan.base, shot.film, plan.film, n))) end
  shot.order = { model = "gen4.5", prompt_text = "shot " .. n, ratio = "1280:720", duration = 5, output = shot.output,
    key = shot.journal and "key " .. n or nil }
  if plan.story == "woken" then shot.order.model, shot.order.ratio = "gen4", "16:9" end
  shot.another = { model = "gen4.5", prompt_text = "another " .. n, ratio = "1280:720", duration = 5,
    output = directory .. "/b.mp4" }
  return shot
end

local function begin(n, directory)
  if plan.whose ~= "files" then return shortage.begin(plan.whose, n, plan.times) end
  shortage.files(n == 0 and "" or plan.fault:format(n), directory)
end

local function stop()
  if plan.whose ~= "files" then return shortage.stop() end
  local counted = shortage.calls()
  shortage.files("", "/")
  return counted
end

-- Tells the story; what came of it goes into the record.
local function tell(n, name, failing)
  local story, shot = stories[plan.story], shot_of(n)
  local told = { at = "", err = false }
  for _, field in ipairs(story.told) do told[field] = false end
  collectgarbage()
  begin(failing and n or 0, shot.directory)
  local ok, raised = pcall(story.tell, told, shot)
  local counted = stop()

  local record = assert(io.open(shot.directory .. "/" .. name, "w"))
  local function write(field, value)
    record:write(field, "=", (tostring(value):gsub("\n", "\\n")), "\n"):flush()
  end
  write("counted", counted)
  write("at", told.at)
  if not ok then write("raised", raised) end
  local err = told.err or not ok and type(raised) == "table" and raised or nil
  if err then
    for _, field in ipairs { "kind", "code", "sent", "message" } do write("err_" .. field, err[field]) end
    if err.task_id then write("id", err.task_id) end
  end
  if told.task then write("id", told.task.id) end
  if told.file then write("file", told.file.path) end
  if told.hint then write("hint", told.hint.id) end
  local fine, how, path = xpcall(story.afterwards, debug.traceback, told, shot)
  write("afterwards", how)
  if fine and path then write("file", path) end
  record:close()
end

-- Was there a call with this number?
local function reached(n)
  local file = io.open(("%s/%d/first"):format(plan.directory, n))
  local counted = file and file:read "a":match "counted=(%d+)"
  if file then file:close() end
  return not counted or tonumber(counted) >= n
end

local results = assert(io.open(plan.directory .. "/results", "w"))

-- In a fork of its own. True in the fork, at its end.
local function part(n, name, failing)
  local pid = shortage.fork(("%s/%d/%s.said"):format(plan.directory, n, name))
  if pid == 0 then
    results:close()
    tell(n, name, failing)
    return true
  end
  results:write(("%d %s %s %d\n"):format(n, name, shortage.wait(pid, PATIENCE))):flush()
end

-- First without a fault: what is kept for good then is no leak. How many allocations there are is a matter of how
-- threads meet; so it is not over with the first number that was not reached.
local missed, most, n = 0, plan.whose == "files" and 1 or 3, 0
while n <= plan.last and missed < most do
  assert(os.execute(("mkdir '%s/%d'"):format(plan.directory, n)))
  if plan.prepare then assert(os.execute((plan.prepare:gsub("NTH", n)))) end
  if part(n, "first", true) then return end
  local met = n > 0 and reached(n)
  if met and plan.again and part(n, "again", false) then return end
  missed = (met or n == 0) and 0 or missed + 1
  n = n == 0 and plan.first or n + plan.step
end
results:close()
