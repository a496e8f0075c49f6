-- A client with a listener: what a callback does to those who wait, and what it can not do. On a virtual clock: the
-- listener takes what the spec posts, at the time that it posts it.

local adapters = require "spec.support.adapters"
local core = require "runway.core"
local hook = require "runway.callbacks.hook"
local journals = require "spec.support.journals"
local listening = require "spec.support.listening"
local mocked = require "spec.support.mocked"
local posting = require "spec.support.posting"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local PUBLIC = "https://me.example/hooks"
local WORDS = { PENDING = "0", RUNNING = "1", FAILED = "2", SUCCEEDED = "3" }

describe("with a listener", function()
  local listener, post, answers, client, logged, began
  local ends, asked, urls                     -- by id: when it has ended, when it was asked after, where to post
  local fails                                 -- how many of the next queries

  -- A cometapi of tasks t1, t2, …; each ends at ends[id], if at all.
  local function provider(request)
    local now = scheduler.now() - began
    if request.path ~= "/runway/feed" then
      urls[#urls + 1] = request.json.callback_url
      local id = "t" .. #urls
      asked[id] = {}
      return { json = { code = 200, data = { task_id = id } } }
    end
    local id = request.json.task_id
    table.insert(asked[id], now)
    fails = fails - 1
    if fails >= 0 then return { status = 500, body = "no" } end
    local over = ends[id] and now >= ends[id]
    return { json = { code = 200, data = { task_id = id, status = over and "3" or "1",
      video_url = over and mocked.OUTPUT or nil } } }
  end

  local function connect(options)
    local all = { provider = "cometapi", callback = listener, callback_url = PUBLIC,
      logger = function(level, message) logged[#logged + 1] = level .. " " .. message end }
    for name, v in pairs(options or {}) do all[name] = v end
    client = mocked.client(provider, all)
    began = scheduler.now()
    return client
  end

  before_each(function()
    listener, post, answers = posting.listener()
    logged, ends, asked, urls, fails = {}, {}, {}, {}, 0
  end)
  after_each(function()
    mocked.close()
    posting.close()
    listening.close_all()
  end)

  it("says once that its URL goes nowhere, where the provider takes none", function()
    for _, options in ipairs { {}, { callback = false } } do
      logged = {}
      client = mocked.client({ { mocked.SUBMIT[1], json = mocked.SUBMIT.json, times = 3 } }, {
        callback = options.callback == nil and listener or nil, callback_url = PUBLIC,
        logger = function(level, message) logged[#logged + 1] = level == "warning" and message or nil end })
      for _ = 1, 2 do assert(client:generate(mocked.clip())) end
      assert.same({ "runwayml takes no callback_url with this task: none will come, and it is asked about as ever" },
        logged)
    end
    logged = {}
    connect()
    assert(client:generate { prompt_text = "a cat" })
    assert(client:generate { prompt_text = "a cat", callback_url = "https://another.example/" })
    for _, line in ipairs(logged) do assert.is_nil(line:find("takes no callback_url", 1, true), line) end
  end)

  local function submit() return assert(client:generate { prompt_text = "a cat" }) end

  -- Waits in a job; gives when it ended, in seconds since the client was made.
  local function wait(task, options)
    return runway.spawn(function()
      local done, err = task:wait(options)
      return scheduler.now() - began, done, err
    end)
  end

  local function at(seconds) runway.sleep(began + seconds - scheduler.now()) end

  local function told(id, status) return { task_id = id, status = WORDS[status] } end

  local function warnings(words)
    local count = 0
    for _, line in ipairs(logged) do
      if line:find("^warning") and line:find(words, 1, true) then count = count + 1 end
    end
    return count
  end

  local function near(expected, got)
    assert.is_true(math.abs(expected - got) < 0.01, ("%g, not %g"):format(got, expected))
  end

  it("each submit has a URL of its own, that no one can guess", function()
    connect()
    submit()
    submit()
    assert(client:generate { prompt_text = "a cat", callback_url = "https://other.example/" })
    local pattern = "^" .. PUBLIC .. "%?runway_token=" .. ("%x"):rep(32) .. "$"
    assert.matches(pattern, urls[1])
    assert.matches(pattern, urls[2])
    assert.not_equal(urls[1], urls[2])
    assert.equal("https://other.example/", urls[3])
    client = mocked.client(provider, { provider = "cometapi", callback = listener,
      callback_url = PUBLIC .. "?a=1#b" })
    submit()
    assert.matches("^" .. PUBLIC .. "%?a=1&runway_token=" .. ("%x"):rep(32) .. "$", urls[4])
  end)

  it("a query that failed is made again as soon as without", function()
    connect { max_retries = 0 }
    ends.t1, fails = 0, 2
    local ended = wait(submit()):join()
    assert.equal(3, #asked.t1)
    assert.is_true(asked.t1[1] >= 20 and ended - asked.t1[1] < 17, ended)
  end)

  it("a callback wakes the wait of its task and no other, which asks at once, by a query", function()
    connect()
    ends.t1 = 16
    local first, second = wait(submit()), wait(submit())
    at(16)
    post(urls[1], told("t1", "SUCCEEDED"))
    local ended, task = first:join()
    near(16, ended)
    assert.equal(mocked.OUTPUT, task.output[1])
    assert.equal(1, #asked.t1)
    at(19)
    assert.same({}, asked.t2)
    second:cancel()
  end)

  it("what it says is never believed: the query says what is true", function()
    connect()
    ends.t1 = 40
    local job = wait(submit())
    at(7)
    post(urls[1], { task_id = "t1", status = "2", video_url = "https://evil.example/x.mp4" })
    local ended, task = job:join()
    assert.equal("SUCCEEDED", task.status)
    assert.equal(mocked.OUTPUT, task.output[1])
    near(7, asked.t1[1])
    -- it may have ended, by what was posted: asked after at the provider's own pace until the query says so, too
    for i = 2, #asked.t1 do assert.is_true(asked.t1[i] - asked.t1[i - 1] < 6) end
    assert.is_true(ended >= 40 and ended < 46)
  end)

  it("without one it is asked three times a minute; where the user has said how often, so often", function()
    connect()
    ends.t1, ends.t2 = 100, 200
    local ended = wait(submit()):join()
    assert.is_true(ended >= 100 and ended < 123)
    for i, time in ipairs(asked.t1) do
      local pause = time - (asked.t1[i - 1] or 0)
      assert.is_true(pause >= 20 and pause <= 22.01, pause)
    end
    connect { poll_interval = 3 }
    ends.t2, ends.t3, ends.t4 = 10, 0, 0
    near(12, wait(submit()):join())
    assert.equal(4, #asked.t2)
    for _ = 1, 2 do wait(submit()):join() end
    assert.equal(0, warnings "no callback came") -- who asks often may be faster than they are
  end)

  it("that never hears anything is told of it once, and asks as without one, until it does", function()
    connect()
    for i = 1, 3 do
      local from = scheduler.now() - began
      ends["t" .. i] = from + 19
      wait(submit()):join()
      if i < 3 then assert.equal(1, #asked["t" .. i]) else assert.is_true(#asked.t3 > 2) end
      assert.equal(i < 2 and 0 or 1, warnings "no callback came")
    end
    local task = submit()
    post(urls[4], told("t4", "RUNNING"))
    local from = scheduler.now() - began
    local job = wait(task)
    at(from + 19)
    assert.equal(1, #asked.t4)
    job:cancel()
  end)

  it("a short wait asks before it is over, though no callback came; many of them ask no more often than one", function()
    connect()
    ends.t1, ends.t2 = 6, 100
    near(9, wait(submit(), { timeout = 10 }):join())
    local task, from = submit(), scheduler.now() - began
    repeat task:wait { timeout = 1.5 } until scheduler.now() - began > from + 60
    assert.is_true(#asked.t2 >= 1 and #asked.t2 <= 12, #asked.t2)
    for i = 2, #asked.t2 do assert.is_true(asked.t2[i] - asked.t2[i - 1] >= 5) end
    task = submit()
    task:wait { timeout = 2 }
    assert.same({}, asked.t3)
  end)

  it("a flood of callbacks is no flood of queries", function()
    connect()
    ends.t1 = 60
    local job = wait(submit())
    for i = 1, 599 do
      at(i / 10)
      for _ = 1, 5 do post(urls[1], told("t1", i % 2 == 0 and "RUNNING" or "SUCCEEDED")) end
    end
    job:join()
    assert.is_true(#asked.t1 <= 15, #asked.t1)
    for i = 3, #asked.t1 do assert.is_true(asked.t1[i] - asked.t1[i - 1] >= 4.9) end
  end)

  it("duplicates and callbacks out of order change nothing", function()
    connect()
    ends.t1 = 50
    local task = submit()
    local job = wait(task)
    at(50)
    for _, status in ipairs { "SUCCEEDED", "RUNNING", "PENDING", "FAILED", "SUCCEEDED" } do
      post(urls[1], told("t1", status))
    end
    near(50, job:join())
    local count = #asked.t1
    for _, status in ipairs { "RUNNING", "FAILED", "SUCCEEDED" } do post(urls[1], told("t1", status)) end
    at(200)
    assert.equal("SUCCEEDED", task.status)
    assert.equal(count, #asked.t1)
    near(200, wait(task):join())
  end)

  it("forged, foreign and broken ones are answered as all are, and wake no one", function()
    connect()
    local job = wait(submit())
    local body, count = told("t1", "SUCCEEDED"), #answers
    local token = urls[1]:match "%x+$"
    for _, target in ipairs {
      PUBLIC, "/", "/?runway_token=", "/?runway_token=" .. token:sub(2), "/?runway_token=" .. token .. "0",
      "/?runway_token=" .. ("0"):rep(32), "/?runway_token=" .. token:sub(1, 31) .. "g", "/?xrunway_token=" .. token,
      "/" .. token, "/?runway_token=" .. ("0"):rep(100000), "/?" .. ("a"):rep(1000) .. "%00",
    } do post(target, body) end
    post(urls[1], told("t2", "SUCCEEDED")) -- its own token, and another's task
    post(urls[1], body, {}, "GET")
    post(urls[1], body, {}, "PUT")
    at(19)
    assert.same({}, asked.t1)
    post(urls[1], body)
    at(19.5)
    assert.equal(1, #asked.t1)
    assert.equal(15, #answers - count)
    for _, answer in ipairs(answers) do assert.equal(answers[1], answer) end
    job:cancel()
  end)

  it("one whose body no one can read is a hint all the same", function()
    connect()
    ends.t1 = 3
    local job = wait(submit())
    at(4)
    post(urls[1], "<html>")
    near(4, job:join())
  end)

  it("one that comes before the answer to its submit, or while no one waits, is remembered", function()
    connect()
    ends.t1, ends.t2 = 0, 12
    local answer = provider
    client = mocked.client(function(request)
      local made = answer(request)
      if request.path ~= "/runway/feed" then made.delay = 10 end
      return made
    end, { provider = "cometapi", callback = listener, callback_url = PUBLIC })
    local job = runway.spawn(submit)
    at(5)
    post(urls[1], told("t1", "SUCCEEDED"))
    near(10, wait(job:join()):join())
    local task = submit()
    at(22)
    post(urls[2], told("t2", "SUCCEEDED"))
    at(27)
    assert.same({}, asked.t2)
    near(27, wait(task):join())
  end)

  it("all who wait for a task hear of its end", function()
    connect()
    ends.t1 = 8
    local task = submit()
    local first, second = wait(task), wait(task)
    at(8)
    post(urls[1], told("t1", "SUCCEEDED"))
    near(8, first:join())
    near(8, second:join())
    assert.equal(1, #asked.t1)
  end)

  it("one lets on who stands in line for a place", function()
    connect { max_tasks = 1 }
    ends.t1 = 6
    submit()
    local job = runway.spawn(function()
      submit()
      return scheduler.now() - began
    end)
    at(6)
    post(urls[1], told("t1", "SUCCEEDED"))
    assert.is_true(job:join() < 8)
  end)

  it("a server that asked to be left alone is", function()
    connect()
    ends.t1 = 5
    local feed, busy = provider, true
    client = mocked.client(function(request)
      local made = feed(request)
      if request.path == "/runway/feed" and busy then
        busy = false
        return { status = 429, headers = { ["retry-after"] = "20" }, json = {} }
      end
      return made
    end, { provider = "cometapi", callback = listener, callback_url = PUBLIC, max_retries = 0 })
    local job = wait(submit())
    at(5)
    for _ = 1, 3 do post(urls[1], told("t1", "SUCCEEDED")) end
    at(15)
    for _ = 1, 3 do post(urls[1], told("t1", "SUCCEEDED")) end
    local ended = job:join()
    assert.is_true(ended >= 25 and ended < 33, ended)
  end)

  it("two clients with one key each hear of the task that one has submitted", function()
    connect()
    journals.setup()
    finally(journals.teardown)
    local book = journals.open()
    connect { journal = book }
    ends.t1 = 8
    local clip = { prompt_text = "a cat", key = "a" }
    local first = client
    local one = wait(assert(first:generate(clip)))
    connect { journal = book }
    local other = wait(assert(client:generate(clip)))
    at(2)                                     -- attached to, it is asked after at once, and at the usual pace
    assert.equal(1, #asked.t1)
    first:close()
    assert.equal("cancelled", select(3, one:join()).kind)
    at(8)
    post(urls[1], told("t1", "SUCCEEDED"))
    near(8, other:join())
  end)

  it("an adapter may send the URL wherever its API takes it", function()
    for _, place in ipairs { "json", "query", "headers", "body", "nested" } do
      local url
      local own = adapters.own()
      local submit_request = own.submit
      function own.submit(kind, given)
        local request = submit_request(kind, given)
        url = given.callback_url
        if place == "body" then request.json, request.body = nil, "hook=" .. url
        elseif place == "nested" then request.json = { a = { b = { hook = url } } }
        else request[place] = { hook = url } end
        return request
      end
      local over = false
      client = mocked.client(function(request)
        return { json = { id = "t1", status = request.method ~= "POST" and over and "SUCCEEDED" or "RUNNING",
          output = { mocked.OUTPUT } } }
      end, { provider = own, base_url = "https://own.example", callback = listener, callback_url = PUBLIC })
      began = scheduler.now()
      local job = wait(submit())
      at(3)
      over = true
      post(url, "{}")
      near(3, job:join())
    end
  end)

  it("one listener serves several clients", function()
    connect()
    local qimu, other = mocked.client(function(request)
      return { json = { code = 0, result = { id = "q1", taskStatusCode = request.method == "POST" and 0 or 3,
        videoUrl = mocked.OUTPUT } } }
    end, { provider = "qimu", callback = listener, callback_url = PUBLIC })
    local comet, task = wait(submit()), assert(qimu:generate { prompt_text = "a cat", ratio = "16:9" })
    local job = wait(task)
    at(3)
    post(other.requests[1].json.callbackUrl, { code = 0, result = { id = "q1", taskStatusCode = 3 } })
    near(3, job:join())
    assert.same({}, asked.t1)
    comet:cancel()
  end)

  it("nothing comes of one whose client was closed", function()
    connect()
    local task = submit()
    local job = wait(task)
    client:close()
    local _, _, err = job:join()
    assert.equal("cancelled", err.kind)
    connect()
    post(urls[1], told("t1", "SUCCEEDED"))
    at(100)
    assert.same({ {}, "PENDING" }, { asked.t1, task.status })
  end)

  it("that is closed is told, and waits go on by asking, as often as without", function()
    connect()
    ends.t1 = 60
    local job = wait(submit())
    at(2)
    listener:close()
    listener:close()
    assert.equal(1, warnings "listener was closed")
    local ended = job:join()
    assert.is_true(asked.t1[1] <= 22.01)
    assert.is_true(asked.t1[2] - asked.t1[1] < 6)
    assert.is_true(ended < 66)
    local made, err = runway.client { provider = "cometapi", api_key = "k", callback = listener }
    assert.same({ nil, "config" }, { made, err.kind })
  end)

  it("the task of a submit whose answer was lost is named by its callback, once", function()
    connect()
    local url
    client = mocked.client(function(request)
      url = request.json.callback_url
      return { fault = "lost" }
    end, { provider = "cometapi", callback = listener, callback_url = PUBLIC,
      logger = function(level, message) logged[#logged + 1] = level .. " " .. message end })
    assert.equal("unknown_submit", select(2, client:generate { prompt_text = "a cat" }).kind)
    collectgarbage()
    for _ = 1, 3 do
      post(url, told("t9", "RUNNING"))
      at(1)
    end
    assert.equal(1, warnings "lost: t9")
  end)

  it("no token is in any log, error or answer", function()
    connect()
    local job = wait(submit(), { timeout = 40 })
    post(urls[1], told("t2", "SUCCEEDED"))
    post(urls[1], "junk")
    at(10)
    listener:close()
    local _, _, err = job:join()
    logged[#logged + 1] = tostring(err)
    local token = urls[1]:match "%x+$"
    for _, line in ipairs(logged) do assert.is_nil(line:find(token, 1, true), line) end
    for name, v in pairs(err) do assert.is_nil(tostring(v):find(token, 1, true), name) end
  end)

  it("nothing is held of a task that has ended and that no one holds", function()
    local make, hooks = hook.table, nil
    hook.table = function()
      hooks = make()
      return hooks
    end
    finally(function() hook.table = make end)
    connect()
    for i = 1, 100 do
      ends["t" .. i] = 0
      local job = wait(submit())
      post(urls[i], told("t" .. i, "SUCCEEDED"))
      assert(job:join())
    end
    collectgarbage()
    collectgarbage()
    local count = 0
    for _ in pairs(hooks) do count = count + 1 end
    assert.is_true(count <= 1, count)
  end)

  it("read_callback wakes as well, of a client that knows where it was posted", function()
    connect()
    ends.t1 = 4
    local job = wait(submit())
    at(4)
    local body = '{"task_id":"t1","status":"3"}'
    assert.equal("t1", assert(client:read_callback(body, {}, "/hooks?runway_token=" .. core.token())).id)
    local other = mocked.client({}, { provider = "cometapi" })
    assert(other:read_callback(body, {}, urls[1]))
    at(5)
    assert.same({}, asked.t1)
    assert(client:read_callback(body, {}, urls[1]))
    near(5, job:join())
  end)
end)
