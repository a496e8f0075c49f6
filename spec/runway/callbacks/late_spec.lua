-- A callback that comes late: with a journal it gives a submit whose answer was lost its id, also where another run of
-- the program had submitted it.

local core = require "runway.core"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local json = require "runway.json"
local mocked = require "spec.support.mocked"
local posting = require "spec.support.posting"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local PUBLIC = "https://me.example/hooks"
local LOST = { method = "POST", fault = "lost" }

journals.over_each_database("a late callback", function()
  local listener, post, book, client, mock, logged

  before_each(function()
    listener, post = posting.listener()
    book, logged = journals.open(), {}
  end)
  after_each(function()
    mocked.close()
    posting.close()
  end)

  local function connect(list, options)
    local all = { provider = "cometapi", journal = book, callback = listener, callback_url = PUBLIC,
      logger = function(level, message) logged[#logged + 1] = level .. " " .. message end }
    for name, v in pairs(options or {}) do all[name] = v end
    client, mock = mocked.client(list, all)
    return client
  end

  local function submit(key) return client:generate { prompt_text = "a cat", key = key or "a" } end

  local function url(nth) return mock.requests[nth or 1].json.callback_url end

  local function told(id) return { task_id = id, status = "3" } end

  local function entry(key)
    local e = assert(book:get(key or "a"))
    return { e.state, e.task_id }
  end

  -- All that came in has been looked at.
  local function settled()
    for _ = 1, 3 do runway.sleep(0) end
    local job = listener.late.job
    if job then job:join() end
    for _ = 1, 3 do book:entries {} end
  end

  it("settles what is unknown", function()
    connect { LOST }
    assert.equal("unknown_submit", select(2, submit()).kind)
    assert.same({ "unknown" }, entry())
    post(url(), told "c9")
    settled()
    assert.same({ "submitted", "c9" }, entry())
    assert.equal("c9", assert(submit()).id)
    mock:finish()
  end)

  it("settles a submit of an earlier run, too, whoever listens by then", function()
    connect { LOST }
    submit()
    local where = url()
    client:close()
    listener:close()
    mocked.close()
    listener, post = posting.listener()
    connect { { "POST /runway/feed", json = { code = 200, data = { task_id = "c9", status = "3",
      video_url = mocked.OUTPUT } } } }
    post("/anything/at/all?x=1&" .. where:match "runway_token=%x+", told "c9")
    settled()
    assert.same({ "submitted", "c9" }, entry())
    local task = assert(submit())
    assert.equal("c9", task.id)
    assert(task:wait())
    mock:finish()
  end)

  it("settles a submit that is still under way", function()
    connect { { method = "POST", fault = "lost", delay = 10 } }
    local job = runway.spawn(submit)
    repeat runway.step(0.01) until #mock.requests == 1
    post(url(), told "c9")
    settled()
    assert.equal("unknown_submit", select(2, job:join()).kind)
    assert.same({ "submitted", "c9" }, entry())
    assert.equal("c9", assert(submit()).id)
  end)

  it("wakes who waits for a task of an earlier run", function()
    connect { { method = "POST", json = { code = 200, data = { task_id = "c9" } } } }
    submit()
    local where, queries, over = url(), {}, false
    client:close()
    mocked.close()
    connect(function()
      queries[#queries + 1] = scheduler.now()
      return { json = { code = 200, data = { task_id = "c9", status = over and "3" or "1",
        video_url = over and mocked.OUTPUT or nil } } }
    end)
    local began = scheduler.now()
    local job = runway.spawn(function()
      assert(assert(submit()):wait())
      return scheduler.now() - began
    end)
    runway.sleep(1)
    assert.equal(1, #queries)                 -- attached to: asked at once
    over = true
    post(where, told "c9")
    assert.is_true(job:join() < 1.1)
  end)

  it("changes nothing of what has an id, is another's, or is of no one", function()
    connect { { method = "POST", json = { code = 200, data = { task_id = "c1" } } }, LOST }
    submit "a"
    submit "b"
    local a, b = url(1), url(2)
    client:close()                            -- so that none is this program's own
    mocked.close()
    local writes, called_back = 0, journal.called_back
    journal.called_back = function(...)
      writes = writes + 1
      return called_back(...)
    end
    finally(function() journal.called_back = called_back end)
    connect({}, { provider = "qimu" })
    post(b, { code = 0, result = { id = "q1", taskStatusCode = 3 } })
    post(b, told "c9")
    settled()
    connect({}, { base_url = "https://relay.example" })
    post(b, told "c9")
    settled()
    connect {}
    for _, body in ipairs { told "c9", told "c1", "junk", "{}", "" } do post(a, body) end
    for _, body in ipairs { "junk", "{}", '{"task_id":5.5}', "" } do post(b, body) end
    post(PUBLIC .. "?runway_token=" .. core.token(), told "c9")
    settled()
    assert.equal(0, writes)
    assert.same({ "submitted", "c1" }, entry "a")
    assert.same({ "unknown" }, entry "b")
    post(b, told "c9")
    settled()
    assert.equal(1, writes)
    assert.same({ "submitted", "c9" }, entry "b")
  end)

  it("is believed only when it is signed, where its relay signs", function()
    local SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    connect({ LOST }, { callback_secret = { SECRET } })
    submit()
    local body = json.encode(told "c9")
    local at = tostring(core.wall_ms() // 1000)
    local key = assert(require("runway.callbacks.signature").keys(SECRET))[1]
    local signed = "v1," .. require "spec.support.base64"(core.hmac(key, "m1.", at, ".", body))
    post(url(), body)
    post(url(), body, { ["webhook-id"] = "m2", ["webhook-timestamp"] = at, ["webhook-signature"] = signed })
    settled()
    assert.same({ "unknown" }, entry())
    post(url(), body, { ["webhook-id"] = "m1", ["webhook-timestamp"] = at, ["webhook-signature"] = signed })
    settled()
    assert.same({ "submitted", "c9" }, entry())
  end)
end)

describe("callbacks of no one, many at once,", function()
  before_each(function() journals.setup() end)
  after_each(function()
    mocked.close()
    posting.close()
    journals.teardown()
  end)

  it("are asked about one by one, and what is too much is forgotten", function()
    local listener, post = posting.listener()
    local client = mocked.client({}, { provider = "cometapi", journal = journals.open(), callback = listener,
      callback_url = PUBLIC })
    local most, now, count, of_token = 0, 0, 0, journal.of_token
    journal.of_token = function(...)
      now, count = now + 1, count + 1
      most = math.max(most, now)
      local row, err = of_token(...)
      now = now - 1
      return row, err
    end
    finally(function() journal.of_token = of_token end)
    for _ = 1, 1000 do post("/?runway_token=" .. core.token(), '{"task_id":"c1","status":"3"}') end
    repeat runway.step(0.01) until listener.late.job and listener.late.job:done()
    assert.equal(1, most)
    assert.is_true(count >= 256 and count < 1000, count)
    assert.equal(0, listener.late.bytes)
    for _ = 1, 10 do post("/?runway_token=" .. core.token(), (" "):rep(2 ^ 20)) end
    runway.step(0)
    assert.is_true(listener.late.bytes > 0 and listener.late.bytes <= 4 * 2 ^ 20)
    client:close()
  end)
end)
