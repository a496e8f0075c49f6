local json = require "runway.json"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"
local scheduler = require "runway.scheduler"

local PNG = "\137PNG\r\n\26\n" .. ("\0"):rep(600)

describe("runway.mock", function()
  local here

  local function path(name) return here:path(name) end
  local function write(name, bytes) return here:write(name, bytes) end
  local function content(name) return here:content(name) end

  setup(function()
    here = scratch.new()
  end)
  teardown(function() here:remove() end)
  after_each(mocked.close)

  local function raises(what, fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok, "did not raise: " .. what)
    assert.truthy(tostring(message):find(what, 1, true), message)
    return tostring(message)
  end

  -- GET of a path; the answer, or nil and an error.
  local function get(client, at)
    return client:request { path = at }
  end

  it("plays a whole workflow, an hour of waiting in no time", function()
    local client, m = mocked.client({
      mocked.SUBMIT,
      { "GET /v1/tasks/t1", json = { id = "t1", status = "RUNNING", progress = 0.5 }, times = 360 },
      mocked.task "SUCCEEDED",
      { "GET https://cdn.example/clip.mp4", body = "a film", delay = 20 },
    }, { poll_interval = 10 })
    local began = os.clock()
    local task = assert(client:generate(mocked.clip()))
    assert(task:wait { timeout = 2 * 3600 })
    local file = assert(task:download(path "clip.mp4"))
    assert.equal(6, file.bytes)
    assert.equal("a film", content "clip.mp4")
    assert.is_true(m.requests[#m.requests].time > 3600)
    assert.is_true(os.clock() - began < 2)
    m:finish()
  end)

  it("refuses an entry that could answer nothing", function()
    for _, short in ipairs { "POST/v1/x", "v1/x", "GET v1/x y", "" } do
      local ok, said = pcall(function() runway.mock { { short, json = {} } } end)
      assert.is_false(ok, short)
      assert.matches("^spec/runway/mock/init_spec.lua:%d+: .*\"GET /path\"", said)
    end
  end)

  describe("records", function()
    it("what was sent, as it was sent", function()
      local client, m = mocked.client { { "POST /v1/thing", json = {} } }
      assert(client:request {
        method = "POST", path = "/v1/thing", query = { b = "x y", a = 1 }, json = { n = 5, text = "é" },
        headers = { ["X-Mine"] = "yes" },
      })
      local request = m.requests[1]
      assert.equal("POST", request.method)
      assert.equal("https://api.dev.runwayml.com/v1/thing?a=1&b=x%20y", request.url)
      assert.equal("/v1/thing", request.path)
      assert.same({ a = "1", b = "x y" }, request.query)
      assert.equal('{"n":5,"text":"é"}', request.body)
      assert.same({ n = 5, text = "é" }, request.json)
      assert.equal("integer", math.type(request.json.n))
      assert.equal("yes", request.headers["x-mine"])
      assert.equal("Bearer " .. mocked.KEY, request.headers.authorization)
      assert.is_true(request.paid)
      assert.equal(0, request.time)
      assert.equal(1, request.entry)
    end)

    it("the path below base_url, whatever the base", function()
      local client, m = mocked.client({ { "GET /v1/a", json = {} } }, { base_url = "https://relay.example/deep/down/" })
      assert(get(client, "/v1/a"))
      assert.equal("/v1/a", m.requests[1].path)
      assert.equal("https://relay.example/deep/down/v1/a", m.requests[1].url)
    end)

    it("a URL without a path as its root", function()
      local client, m = mocked.client { mocked.SUBMIT, mocked.task("SUCCEEDED", { output = { "https://cdn.example" } }),
        { "GET /", body = "a film" } }
      assert(assert(assert(client:generate(mocked.clip())):wait()):download(path "root.mp4"))
      assert.equal("/", m.requests[3].path)
    end)

    it("local files by their names", function()
      local picture = write("first.png", PNG)
      local client, m = mocked.client { { "POST /v1/image_to_video", json = { id = "t1" } } }
      assert(client:generate {
        model = "gen4_turbo", ratio = "1280:720", duration = 5, prompt_image = runway.file(picture),
      })
      assert.same({ file = picture }, m.requests[1].json.promptImage)
      assert.equal("gen4_turbo", m.requests[1].json.model)
      assert.truthy(m.requests[1].body:find("[file " .. picture .. "]", 1, true))
    end)

    it("uploads: the form, and no key for the other host", function()
      local picture = write("up.png", PNG)
      local client, m = mocked.client {
        { "POST /v1/uploads", json = { uploadUrl = "https://store.example/put", runwayUri = "runway://u1",
          fields = { key = "k" } } },
        { "POST https://store.example/put", status = 204 },
      }
      assert.equal("runway://u1", assert(client:upload(picture)))
      assert.same({ { "key", "k" }, { "file", file = picture, filename = "up.png", type = "image/png" } },
        m.requests[2].form)
      assert.is_nil(m.requests[2].headers.authorization)
      assert.is_false(m.requests[2].paid)
    end)
  end)

  describe("answers", function()
    it("in order, each as often as it says", function()
      local client, m = mocked.client {
        { "GET /a", json = { n = 1 }, times = 2 }, { "GET /a", json = { n = 2 } },
      }
      local seen = {}
      for i = 1, 3 do seen[i] = assert(get(client, "/a")).json.n end
      assert.same({ 1, 1, 2 }, seen)
      m:finish()
    end)

    it("in any order where that is asked for", function()
      local client, m = mocked.client {
        any_order = true, { "GET /a", json = { n = 1 } }, { "GET /b", json = { n = 2 } },
      }
      assert.equal(2, assert(get(client, "/b")).json.n)
      assert.equal(1, assert(get(client, "/a")).json.n)
      m:finish()
    end)

    it("from an entry that stands aside: as often as asked, also never", function()
      local client, m = mocked.client {
        { "GET /aside", json = { n = 0 }, times = math.huge }, { "GET /never", times = math.huge },
        { "GET /a", json = { n = 1 } }, { "GET /b", json = { n = 2 } },
      }
      local seen = {}
      for i, at in ipairs { "/a", "/aside", "/b", "/aside" } do seen[i] = assert(get(client, at)).json.n end
      assert.same({ 1, 0, 2, 0 }, seen)
      m:finish()
    end)

    it("with a status, headers and a body", function()
      local client = mocked.client { { "GET /a", status = 201, body = '{"x":[]}', headers = { ["X-Page"] = 7 } } }
      local answer = assert(get(client, "/a"))
      assert.equal(201, answer.status)
      assert.equal("7", answer.headers["x-page"])
      assert.equal('{"x":[]}', answer.body)
      assert.is_true(json.is_array(answer.json.x))
    end)

    it("from a function, which sees the request and how often it was asked", function()
      local client, m = mocked.client {
        function(request) return { json = { at = request.path } } end,
        { "GET /n", times = 2, answer = function(_, nth) return { json = { n = nth } } end },
      }
      assert.equal("/first", assert(get(client, "/first")).json.at)
      assert.equal(1, assert(get(client, "/n")).json.n)
      assert.equal(2, assert(get(client, "/n")).json.n)
      m:finish()
    end)

    it("all from one function", function()
      local client, m = mocked.client(function(request, nth)
        return { json = { n = nth, path = request.path } }
      end)
      assert.same({ n = 1, path = "/a" }, assert(get(client, "/a")).json)
      assert.same({ n = 2, path = "/b" }, assert(get(client, "/b")).json)
      m:finish()
    end)

    it("after its delay, on the virtual clock", function()
      local client = mocked.client { { "GET /a", json = {}, delay = 12 } }
      local began = scheduler.now()
      assert(get(client, "/a"))
      assert.equal(12, scheduler.now() - began)
    end)

    it("nothing within the client's timeout when the delay is longer", function()
      local client = mocked.client({ { "GET /a", json = {}, delay = 12 } }, { timeout = 10, max_retries = 0 })
      local began = scheduler.now()
      local answer, err = get(client, "/a")
      assert.is_nil(answer)
      assert.equal("timeout", err.kind)
      assert.equal(10, scheduler.now() - began)
    end)

    it("many jobs side by side", function()
      local client, m = mocked.client { { path = "^/n/", times = 100, answer = function(request)
        return { json = { path = request.path }, delay = (100 - tonumber(request.path:match "%d+")) / 10 }
      end } }
      local jobs = {}
      for i = 1, 100 do jobs[i] = function() return assert(get(client, "/n/" .. i)).json.path end end
      local results = runway.all(jobs)
      for i = 1, 100 do assert.equal("/n/" .. i, results[i]) end
      m:finish()
    end)
  end)

  describe("matches", function()
    local function matching(entry, at, query)
      entry.json = {}
      local client = mocked.client { entry }
      local answer = client:request { path = at, query = query }
      return answer ~= nil
    end

    it("a path as it is, magic characters and all", function()
      assert.is_true(matching({ "GET /v1/a-b.c%2Fd" }, "/v1/a-b.c%2Fd"))
      assert.is_false(matching({ "GET /v1/a-b" }, "/v1/aab"))
      assert.is_false(matching({ "GET /v1" }, "/v1/a"))
    end)

    it("a pattern that begins with ^", function()
      assert.is_true(matching({ path = "^/v1/tasks/%w+$" }, "/v1/tasks/abc"))
      assert.is_false(matching({ path = "^/v1/tasks/%w+$" }, "/v1/tasks/"))
    end)

    it("what a function says", function()
      assert.is_true(matching({ path = function(at) return at == "/x" end }, "/x"))
      assert.is_false(matching({ path = function() return false end }, "/x"))
    end)

    it("a query, given apart or with the path; others in it do not matter", function()
      assert.is_true(matching({ "GET /a?id=5" }, "/a", { id = 5, more = "x" }))
      assert.is_true(matching({ "GET /a", query = { id = 5 } }, "/a", { id = "5" }))
      assert.is_true(matching({ "GET /a?q=a+b%26c" }, "/a", { q = "a b&c" }))
      assert.is_false(matching({ "GET /a?id=5" }, "/a", { id = "6" }))
      assert.is_false(matching({ "GET /a?id=5" }, "/a"))
    end)

    it("the method, where one is given", function()
      assert.is_true(matching({ "/a" }, "/a"))
      assert.is_false(matching({ "POST /a" }, "/a"))
      assert.is_false(matching({ method = "DELETE", path = "/a" }, "/a"))
    end)
  end)

  describe("refuses what was not expected:", function()
    it("at once and once, saying what was expected, and finish says it again", function()
      local client, m = mocked.client { mocked.SUBMIT }
      local answer, err = get(client, "/v1/other")
      assert.is_nil(answer)
      assert.equal("no", err.sent)
      assert.is_false(err.retryable)
      assert.equal(1, err.attempts)
      assert.truthy(err.message:find("GET /v1/other", 1, true))
      assert.truthy(err.message:find("POST /v1/text_to_video (entry 1)", 1, true))
      assert.equal(err.message, m.unexpected[1])
      local message = raises("GET /v1/other", m.finish, m)
      assert.truthy(message:find("POST /v1/text_to_video (entry 1) 1 times, and it came 0 times", 1, true))
    end)

    it("out of order", function()
      local client, m = mocked.client { { "GET /a", json = {} }, { "GET /b", json = {} } }
      local _, err = get(client, "/b")
      assert.truthy(err.message:find("expected: GET /a (entry 1)", 1, true))
      assert(get(client, "/a"))
      assert(get(client, "/b"))
      raises("GET /b", m.finish, m)
    end)

    it("once too often", function()
      local client, m = mocked.client { { "GET /a", json = {} } }
      assert(get(client, "/a"))
      local _, err = get(client, "/a")
      assert.truthy(err.message:find("no more requests were expected", 1, true))
      assert.equal(2, #m.requests)
    end)

    it("against its check", function()
      local client, m = mocked.client {
        { "GET /a", json = {}, check = function(request) assert.equal("5", request.query.id) end },
        { "GET /b", json = {}, check = function() return false end },
        { "GET /c", json = {}, check = function() end },
      }
      local _, err = client:request { path = "/a", query = { id = 6 } }
      assert.truthy(err.message:find("Expected objects to be equal", 1, true))
      _, err = get(client, "/b")
      assert.truthy(err.message:find("its check returned false", 1, true))
      assert(get(client, "/c"))
      raises("Expected objects to be equal", m.finish, m)
    end)

    it("where its function has no answer, or a wrong one", function()
      local client = mocked.client { function() end, function() return { statsu = 200 } end, function() error "oh" end }
      assert.truthy(select(2, get(client, "/a")).message:find("gave no answer", 1, true))
      assert.truthy(select(2, get(client, "/a")).message:find("did you mean status", 1, true))
      assert.truthy(select(2, get(client, "/a")).message:find("oh", 1, true))
    end)

    it("without showing a signed query", function()
      local client = mocked.client { mocked.SUBMIT, mocked.task "SUCCEEDED" }
      local task = assert(assert(client:generate(mocked.clip())):wait())
      local _, err = task:download(path "no.mp4")
      assert.truthy(err.message:find("GET https://cdn.example/clip.mp4", 1, true))
      assert.is_nil(err.message:find("SECRET", 1, true))
    end)
  end)

  describe("an entry that is not right raises where the mock is made:", function()
    for what, list in pairs {
      ["did you mean status"] = { { "GET /a", statsu = 200 } },
      ["entry 2: option delay must be a number of seconds"] = { { "/a" }, { "/b", delay = -1 } },
      ['fault must be "not_sent", "lost" or "timeout"'] = { { "/a", fault = "broken" } },
      ["status must be an HTTP status"] = { { "/a", status = "200" } },
      ["times must be 1 or more"] = { { "/a", times = 0 } },
      ["give json or body, not both"] = { { "/a", json = {}, body = "x" } },
      ["entry 1: json: "] = { { "/a", json = { 0 / 0 } } },
      ["entry 1 must be a table or a function, not a string"] = { "GET /a" },
      ["give the path once"] = { { "GET /a", path = "/b" } },
      ["not any_ordr"] = { any_ordr = true },
      ["not [1]"] = { { { "GET /a" } } },
    } do
      it(what, function()
        local words = what == "not [1]" and "unknown option [1]" or what
        local message = raises(words, function() runway.mock(list) end)
        assert.truthy(message:find("^spec/runway/mock/init_spec.lua:%d+: "), message)
      end)
    end

    it("and stops no clock", function()
      pcall(runway.mock, { "no entry" })
      pcall(runway.mock, 5)
      local now = scheduler.now()
      while scheduler.now() == now do end
    end)
  end)

  describe("the clock", function()
    local function runs()
      local now, until_real = scheduler.now(), os.clock() + 1
      while os.clock() < until_real do
        if scheduler.now() > now then return true end
      end
      return false
    end

    it("stands still while a mock is open, and only then", function()
      local m = runway.mock {}
      local now = scheduler.now()
      for _ = 1, 1000 do assert.equal(now, scheduler.now()) end
      m:close()
      assert.is_true(runs())
      m:close()
      assert.is_true(runs())
    end)

    it("goes on after finish, also when finish raises", function()
      local m = runway.mock { { "/a" } }
      raises("and it came 0 times", m.finish, m)
      collectgarbage()
      collectgarbage()
      assert.is_true(runs())
    end)

    it("goes on when the mock is forgotten", function()
      runway.mock {}
      collectgarbage()
      collectgarbage()
      assert.is_true(runs())
    end)

    it("goes on at the end of the block that held the mock", function()
      local block = load [[ local held <close> = ...; ]]
      if not block then return pending "needs Lua 5.4" end
      block(runway.mock {})
      assert.is_true(runs())
    end)

    it("can be moved by a frame loop, frame by frame", function()
      local client = mocked.client { { "GET /a", json = {}, delay = 1 } }
      local job, frames = runway.spawn(get, client, "/a"), 0
      while not job:done() do
        runway.step(1 / 60)
        frames = frames + 1
      end
      assert.is_true(frames >= 58 and frames <= 64, tostring(frames))
    end)
  end)

  it("outlives a client that is closed: it belongs to who made it", function()
    local client, m = mocked.client { { "GET /a", json = {}, times = 2 } }
    assert(get(client, "/a"))
    client:close()
    local other = assert(runway.client { provider = "runwayml", api_key = "any", transport = m })
    assert(get(other, "/a"))
    m:finish()
  end)

  it("answers nobody once it is closed", function()
    local client, m = mocked.client { { "GET /a", json = {} } }
    m:close()
    assert.truthy(select(2, get(client, "/a")).message:find("the mock is closed", 1, true))
  end)
end)
