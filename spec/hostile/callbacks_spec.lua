-- What may be posted to a callback URL: a promise for each lie, as a host meets it that hands what its web server
-- took to client:read_callback. Named as in the catalogue of hostile inputs.
--
-- None of the providers signs its callbacks. So a callback is never believed: it names a task, which a query with
-- our own key then tells of. What it alone may do is give a submit whose answer was lost its id, by a token that
-- only the provider of this very attempt has been told.

local journals = require "spec.support.journals"
local json = require "runway.json"
local listening = require "spec.support.listening"
local mocked = require "spec.support.mocked"
local runway = require "runway"

local EVIL = "https://evil.example/x.mp4"
local FILM = "\0\0\0\24ftypmp42\0\0\0\0mp42isom"

describe("callbacks:", function()
  local listener, journal, client, mock

  before_each(function()
    journals.setup()
    journal = journals.open()
    listener = listening.listen()
  end)
  after_each(function()
    listening.close_all()
    mocked.close()
    journals.teardown()
  end)

  -- A client whose provider answers from a list, and posts to the listener.
  local function connect(list)
    client, mock = mocked.client(list, { provider = "cometapi", journal = journal,
      callback_url = ("http://127.0.0.1:%d/hook?a=1"):format(listener:port()) })
    return client
  end

  local function clip(key) return { prompt_text = "a cat", key = key or "a" } end

  -- Where the provider was told to post.
  local function target(nth)
    return (mock.requests[nth or 1].json.callback_url:gsub("^http://[^/]*", ""))
  end

  local function told(id, status, more)
    local body = { task_id = id, status = status }
    for name, value in pairs(more or {}) do body[name] = value end
    return json.encode(body)
  end

  -- Posts, and answers as a host would: what no key belongs to is not found. What was answered, and the hint.
  local function post(where, body, headers)
    local peer = listening.connect(listener):request("POST", where, headers, body)
    local request = listening.take(listener)
    local hint, err = client:read_callback(request.body, request.headers,
      request.path .. "?" .. (request.query or ""))
    listener:respond(request.id, { status = hint and hint.key and 200 or 404 })
    local answer = peer:answer()
    peer:close()
    return answer.status, hint, err
  end

  local function made(id)
    return { method = "POST", json = { code = 200, data = { task_id = id } } }
  end

  local LOST = { method = "POST", fault = "lost" }

  local function lose(key)
    local err = select(2, client:generate(clip(key)))
    assert.equal("unknown_submit", err.kind)
  end

  local function entry(key)
    local e = assert(journal:get(key or "a"))
    return { e.state, e.task_id }
  end

  local function query(status, more)
    local data = { task_id = "c9", status = status }
    for name, value in pairs(more or {}) do data[name] = value end
    return { "POST /runway/feed", json = { code = "success", data = data } }
  end

  it("same callback 100x -> one event", function()
    connect { LOST }
    lose()
    local first
    for _ = 1, 100 do
      local status, hint = post(target(), told("c9", "3"))
      assert.same({ 200, "c9", "a" }, { status, hint.id, hint.key })
      first = first or journal:get "a"
      assert.same(first, journal:get "a")
    end
    assert.same({ "submitted", "c9" }, entry())
    assert.equal(1, #journal:entries())
    mock:finish()
  end)

  for _, answer in ipairs { { json = { code = 200, data = { task_id = "c9" } } }, { fault = "lost" } } do
    it("callback before the submit answer -> held, joined to the job: the answer is "
      .. (answer.fault or "there"), function()
      answer.method, answer.delay = "POST", 10
      connect { answer }
      local job = runway.spawn(function() return client:generate(clip()) end)
      repeat runway.step(0.01) until #mock.requests == 1
      assert.equal(200, (post(target(), told("c9", "1"))))
      assert.same({ "submitted", "c9" }, entry())
      local task, err = job:join()
      if answer.fault then
        assert.equal("unknown_submit", err.kind)
        task = assert(client:generate(clip()))
      end
      assert.equal("c9", task.id)
      assert.same({ "submitted", "c9" }, entry())
      assert.same({ 1, 1 }, { #journal:entries(), #mock.requests })
    end)
  end

  it("unknown id or token -> 404, no state made", function()
    connect { LOST }
    lose()
    local before = journal:entries()
    local right = target()
    for _, where in ipairs { "/hook", "/hook?a=1", (right:gsub("%x$", "")), (right:gsub("%x%x%x$", "000")),
      right .. "0", (right:gsub("runway_token", "token")), (right:gsub("runway_token", "not_%0")),
      "/hook?runway_token=%27%20OR%201=1" } do
      local status, hint = post(where, told("c9", "3"))
      assert.same({ 404, "c9" }, { status, hint.id })
    end
    for _, body in ipairs { "{}", "[]", "null", "", '{"task_id":""}', '{"task_id":{}}' } do
      local status, hint, err = post(right, body)
      assert.same({ 404, nil, "protocol", "no" }, { status, hint, err.kind, err.sent })
    end
    assert.same(before, journal:entries())
    mock:finish()
  end)

  it("status regression (SUCCEEDED then RUNNING) -> ignored", function()
    connect { made "c9", query("IN_PROGRESS", { progress = "60%" }), query("NOT_START", { progress = "10%" }),
      query("SUCCESS", { video_url = mocked.OUTPUT }), query("IN_PROGRESS", { progress = "30%", video_url = EVIL }),
      query("FAILURE", { fail_reason = "lost" }) }
    local task = assert(client:generate(clip()))
    for _ = 1, 2 do                           -- whatever the provider itself says later
      assert(task:refresh())
      assert.same({ "RUNNING", 0.6 }, { task.status, task.progress })
    end
    assert(task:wait())
    post(target(), told("c9", "1"))
    assert.equal("SUCCEEDED", task.status)
    for _ = 1, 2 do
      assert(task:refresh())
      assert.same({ "SUCCEEDED", 1, mocked.OUTPUT }, { task.status, task.progress, task.output[1] })
      assert.is_nil(task.failure)
    end
    assert.same({ "done", "c9" }, entry())
    mock:finish()
  end)

  it("FAILED by callback but GET says RUNNING -> GET wins", function()
    connect { made "c9", query "IN_PROGRESS" }
    local task = assert(client:generate(clip()))
    local _, hint = post(target(), told("c9", "2"))
    assert.equal("FAILED", hint.status)
    assert.same({ "PENDING", false }, { task.status, task:done() })
    assert.same({ "submitted", "c9" }, entry())
    assert.equal("RUNNING", assert(client:get(hint.id)).status)
    mock:finish()
  end)

  it("forged body with other URL -> never downloaded", function()
    connect { made "c9", query("SUCCESS", { video_url = mocked.OUTPUT }),
      { "GET https://cdn.example/clip.mp4", body = FILM } }
    local task = assert(client:generate(clip()))
    local _, hint = post(target(), told("c9", "3", { video_url = EVIL, output = { EVIL },
      data = { video_url = EVIL } }))
    assert.is_nil(json.encode(hint):find("evil", 1, true))
    assert.is_nil(task.output)
    assert(assert(task:wait()):download(journals.path "a.mp4"))
    for _, request in ipairs(mock.requests) do assert.is_nil(request.url:find("evil", 1, true)) end
    mock:finish()
  end)

  it("signature over re-serialised JSON -> raw bytes only", function()
    connect {}
    -- The host has the bytes that came, for whatever its provider may sign; nothing but these is read.
    local body = '{ "task_id" :"c9",\t"status":"3","n":1.0e0,"u":"\\u00e4"}\n'
    local peer = listening.connect(listener):request("POST", "/hook", nil, body)
    local request = listening.take(listener)
    assert.equal(body, request.body)
    assert.equal("c9", assert(client:read_callback(request.body)).id)
    assert.has_error(function() client:read_callback(json.decode(request.body)) end)
    peer:close()
  end)

  it("timestamp 6 min old/new -> of no account: an old callback can change nothing any more", function()
    connect { LOST, made "c10" }
    lose()
    local old = target()
    assert(journal:settle("a", { resubmit = true }))
    assert.equal(404, (post(old, told("c9", "3"))))
    assert.same({ "queued" }, entry())
    assert.equal("c10", assert(client:generate(clip())).id)
    assert.equal(404, (post(old, told("c9", "3"))))
    assert.equal(404, (post(target(2), told("c9", "3")))) -- its own token, and another's id
    assert.same({ "submitted", "c10" }, entry())
    assert.same({ 1, 2 }, { #journal:entries(), #mock.requests })
  end)

  it("base64 junk / 1 MB signature header -> no more than a header; what is too long is refused", function()
    connect { LOST }
    lose()
    for _, junk in ipairs { "====", "AAAA\255\1", "v1,%%%", ("A"):rep(4000) } do
      assert.equal(200, (post(target(), told("c9", "3"), { "X-Signature: " .. junk, "Authorization: " .. junk })))
    end
    for _, token in ipairs { ("="):rep(32), ("A"):rep(2 ^ 20), "%00", ("z"):rep(32), ("0"):rep(31) .. "G" } do
      local hint = assert(client:read_callback(told("c9", "3"), { ["x-signature"] = ("A"):rep(2 ^ 20) },
        "/hook?runway_token=" .. token))
      assert.is_nil(hint.key)
    end
    local peer = listening.connect(listener):send("POST /hook HTTP/1.1\r\nHost: x\r\nX-Signature: ")
    for _ = 1, 256 do peer:send(("A"):rep(4096)) end
    assert.matches("^HTTP/1.1 431", peer:rest())
    assert.is_nil(listener:take())
  end)

  it("callback body 10 MB -> 413 at 1 MiB", function()
    connect {}
    local peer = listening.connect(listener):request("POST", "/hook", { "Content-Length: 10485760" })
    assert.equal(413, peer:answer().status)
    peer = listening.connect(listener):request("POST", "/hook", { "Transfer-Encoding: chunked" })
    for _ = 1, 17 do peer:send("10000\r\n" .. ("x"):rep(65536) .. "\r\n") end
    assert.equal(413, peer:send("0\r\n\r\n"):answer().status)
    assert.is_nil(listener:take())
    -- by a web server that has no such bound
    local hint, err = client:read_callback(told("c9", "3", { pad = ("x"):rep(2 ^ 20) }))
    assert.same({ nil, "limit", "no" }, { hint, err.kind, err.sent })
    assert.matches("1 MiB", err.message, 1, true)
  end)
end)
