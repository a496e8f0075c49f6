-- From an output's URL to a file, over a mock (real sockets: stack_spec, core_sink_spec).

local core = require "runway.core"
local download = require "runway.download"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local clip, task_is, SUBMIT = mocked.clip, mocked.task, mocked.SUBMIT

local FILM = "GET https://cdn.example/clip.mp4"

describe("task:download", function()
  local here

  local function path(name) return here:path(name) end
  local function content(name) return here:content(name) end

  before_each(function()
    here = scratch.new()
  end)
  after_each(function()
    mocked.close()
    here:remove()
  end)

  -- A finished task, and what its downloads get.
  local function finished(list, options, output)
    table.insert(list, 1, task_is("SUCCEEDED", { output = output }))
    table.insert(list, 1, SUBMIT)
    local client, m = mocked.client(list, options)
    return assert(assert(client:generate(clip())):wait()), m, client
  end

  it("gives the path, the size, the SHA-256 and the type of what is on disk now", function()
    local task, m = finished { { FILM, body = "a film", headers = { ["content-type"] = "video/mp4" } } }
    assert.same({ path = path "a.mp4", bytes = 6, content_type = "video/mp4", sha256 = core.sha256 "a film" },
      task:download(path "a.mp4"))
    assert.equal("a film", content "a.mp4")
    m:finish()
  end)

  it("sends neither key nor version to the output's host, on any hop", function()
    local task, m = finished {
      { FILM, status = 302, headers = { location = "https://other.example/x" } },
      { "GET https://other.example/x", body = "f" },
    }
    assert(task:download(path "a.mp4"))
    for i = 3, 4 do
      assert.is_nil(m.requests[i].headers.authorization)
      assert.is_nil(m.requests[i].headers["x-runway-version"])
    end
  end)

  it("takes the output it is asked for", function()
    local task = finished({ { "GET https://cdn.example/2", body = "two" } }, nil,
      { "https://cdn.example/1", "https://cdn.example/2" })
    assert(task:download(path "a.mp4", { index = 2 }))
    assert.equal("two", content "a.mp4")
    local _, err = task:download(path "b.mp4", { index = 3 })
    assert.equal("not_found", err.kind)
    assert.equal(task, err.task)
  end)

  it("tries again what may pass", function()
    local task, m = finished { { FILM, fault = "lost" }, { FILM, status = 503 }, { FILM, fault = "not_sent" },
      { FILM, status = 429 }, { FILM, body = "a film" } }
    assert(task:download(path "a.mp4"))
    m:finish()
  end)

  it("says of which file it is that it is tried again", function()
    local said = {}
    local task = finished({ { FILM, fault = "lost" }, { FILM, body = "a film" } },
      { logger = function(level, message) if level == "warning" then said[#said + 1] = message end end })
    assert(task:download(path "a.mp4"))
    assert.equal(1, #said)
    assert.matches("^" .. path "a.mp4" .. ": .*; trying again in ", said[1])
  end)

  it("gives up after max_retries, with the task, and leaves nothing", function()
    local task, m = finished({ { FILM, fault = "lost", times = 3 } }, { max_retries = 2 })
    local file, err = task:download(path "a.mp4")
    assert.is_nil(file)
    assert.equal("network", err.kind)
    assert.equal(3, err.attempts)
    assert.equal(task, err.task)
    assert.is_nil(content "a.mp4")
    assert.is_nil(content "a.mp4.part")
    m:finish()
  end)

  for _, status in ipairs { 401, 403, 404, 410 } do
    it("asks for a new URL when the old one has expired: " .. status, function()
      local task, m = finished { { FILM, status = status },
        task_is("SUCCEEDED", { output = { "https://cdn.example/new.mp4?_jwt=NEW" } }),
        { "GET https://cdn.example/new.mp4", body = "a film" } }
      assert(task:download(path "a.mp4"))
      assert.equal("a film", content "a.mp4")
      assert.truthy(task.output[1]:find("NEW", 1, true))
      m:finish()
    end)
  end

  it("asks for a new URL when a 400 says that the token has expired, and for no other 400", function()
    local task, m = finished { { FILM, status = 400, body = "<Error><Code>ExpiredToken</Code></Error>" },
      task_is("SUCCEEDED", { output = { "https://cdn.example/new.mp4" } }),
      { "GET https://cdn.example/new.mp4", body = "a film" } }
    assert(task:download(path "b.mp4"))
    m:finish()
    task, m = finished { { FILM, status = 400, body = "<Error><Code>InvalidRequest</Code></Error>" } }
    assert.is_nil(task:download(path "c.mp4"))
    m:finish()
  end)

  it("says so when the provider has no other URL, and does not ask on", function()
    local task, m = finished { { FILM, status = 403 }, task_is "SUCCEEDED" }
    runway.sleep(3600)
    local _, err = task:download(path "a.mp4")
    assert.equal("permission", err.kind)
    assert.truthy(err.message:find("may have expired", 1, true))
    assert.is_nil(tostring(err):find("SECRET", 1, true))
    m:finish()
  end)

  it("says so when the film is not at the new URL either", function()
    local task, m = finished { { FILM, status = 403 },
      task_is("SUCCEEDED", { output = { "https://cdn.example/new.mp4" } }),
      { "GET https://cdn.example/new.mp4", status = 403 } }
    runway.sleep(3600)
    local _, err = task:download(path "a.mp4")
    assert.same({ "permission", false, 2 }, { err.kind, err.retryable, err.attempts })
    assert.matches("the provider gave a new URL, and the file is not there either", err.message, 1, true)
    m:finish()
  end)

  for _, status in ipairs { 403, 404 } do
    it("asks again for a while for a film that was made just now: " .. status, function()
      local task, m = finished {
        { FILM, status = status }, task_is "SUCCEEDED", { FILM, status = status }, task_is "SUCCEEDED",
        { FILM, status = status }, task_is("SUCCEEDED", { output = { "https://cdn.example/new.mp4" } }),
        { "GET https://cdn.example/new.mp4", body = "a film" },
      }
      assert(task:download(path "a.mp4"))
      m:finish()
    end)
  end

  it("does so for a minute, and then says that the next call may succeed", function()
    local task, m = finished({ { FILM, status = 404, times = math.huge },
      { "GET /v1/tasks/t1", json = task_is("SUCCEEDED").json, times = math.huge }, any_order = true })
    local _, err = task:download(path "a.mp4")
    assert.is_true(m.requests[#m.requests].time >= 40 and m.requests[#m.requests].time < 90)
    assert.same({ "not_found", "output", true }, { err.kind, err.code, err.retryable })
    assert.matches("may not be there yet", err.message, 1, true)
    assert.is_true(err.attempts > 3)
    assert.equal("SUCCEEDED", task.status)
  end)

  it("does so for some seconds where the task had ended before anyone looked, and then says that it may have expired",
    function()
    local client, m = mocked.client { task_is "SUCCEEDED", { FILM, status = 404 }, task_is "SUCCEEDED",
      { FILM, body = "a film" } }
    assert(assert(client:get "t1"):download(path "a.mp4"))
    m:finish()
    client, m = mocked.client({ { FILM, status = 404, times = math.huge },
      { "GET /v1/tasks/t1", json = task_is("SUCCEEDED").json, times = math.huge }, any_order = true })
    local _, err = assert(client:get "t1"):download(path "b.mp4")
    assert.is_true(m.requests[#m.requests].time - m.requests[1].time <= 12)
    assert.is_false(err.retryable)
    assert.matches("may have expired", err.message, 1, true)
  end)

  it("tells of the file when the provider cannot be asked for a new URL", function()
    local task = finished { { FILM, status = 410 }, { "GET /v1/tasks/t1", status = 404, json = { error = "gone" } } }
    runway.sleep(3600)
    local _, err = task:download(path "a.mp4")
    assert.same({ 410, "output" }, { err.http_status, err.code })
    assert.matches("new URL failed, too", err.message, 1, true)
  end)

  it("follows five redirects and not six", function()
    local function chain(length)
      local list = {}
      for i = 1, length do
        list[i] = { i == 1 and FILM or "GET https://cdn.example/hop" .. i, status = 302,
          headers = { location = "https://cdn.example/hop" .. i + 1 } }
      end
      return list
    end
    local list = chain(5)
    list[6] = { "GET https://cdn.example/hop6", body = "a film" }
    assert(finished(list):download(path "a.mp4"))
    local task, m = finished(chain(6))
    local _, err = task:download(path "b.mp4")
    assert.equal("protocol", err.kind)
    assert.equal("too_many_redirects", err.code)
    m:finish()
  end)

  for _, location in ipairs {
    "file:///etc/passwd", "ftp://cdn.example/x", "gopher://cdn.example/", "http://cdn.example/x",
    "https://me:secret@cdn.example/x", "javascript:alert(1)",
  } do
    it("refuses to be led to " .. location, function()
      local task, m = finished { { FILM, status = 302, headers = { location = location } } }
      local _, err = task:download(path "a.mp4")
      assert.equal("invalid_request", err.kind)
      assert.equal("forbidden_url", err.code)
      assert.is_nil(content "a.mp4")
      m:finish()
    end)
  end

  it("asks the transport to keep private addresses out, unless they are allowed", function()
    local reach
    local function spy(options)
      local task, m = finished({ { FILM, body = "a film" } }, options)
      local start = m.start
      m.start = function(self, wire, done)
        reach = wire.address
        return start(self, wire, done)
      end
      os.remove(path "a.mp4")
      assert(task:download(path "a.mp4"))
      return reach
    end
    assert.equal("public", spy())
    assert.equal("any", spy { allow_private = true })
    assert.equal("loopback_or_public", spy { base_url = "http://127.0.0.1:1" })
  end)

  it("is not for a task that has not ended, nor for one that failed", function()
    local client, m = mocked.client { SUBMIT, task_is("FAILED", { failure = "no" }) }
    local task = assert(client:generate(clip()))
    local _, err = task:download(path "a.mp4")
    assert.equal("invalid_request", err.kind)
    assert.truthy(err.message:find("wait", 1, true))
    task:wait()
    assert.equal("task_failed", select(2, task:download(path "a.mp4")).kind)
    m:finish()
  end)

  it("ends its progress at the whole size", function()
    local task = finished { { FILM, body = ("x"):rep(1000), delay = 1 } }
    local received, total
    assert(task:download(path "a.mp4", { on_progress = function(r, t) received, total = r, t end }))
    assert.same({ 1000, 1000 }, { received, total })
  end)

  it("raises at the caller's line for misuse", function()
    local task = finished {}
    for _, wrong in ipairs { { 5 }, { "" }, { "a\0b" }, { "a", { overwite = true } }, { "a", { index = 1.5 } },
      { "a", { index = 0 } }, { "a", { max_bytes = -1 } }, { "a", { max_bytes = 0 } } } do
      local ok, message = pcall(function()
        local file = task:download(wrong[1], wrong[2])
        return file
      end)
      assert.is_false(ok)
      assert.truthy(message:find "^spec/runway/download_spec.lua:%d+: download", message)
    end
  end)

  it("does not go on when its client is closed", function()
    local task, m, client = finished { { FILM, status = 503 } }
    local job = runway.spawn(task.download, task, path "a.mp4")
    runway.step(0)
    runway.step(0)
    client:close()
    assert.equal("cancelled", select(2, job:join()).kind)
    m:finish()
  end)

  describe("download_all", function()
    local OUTPUTS = { "https://cdn.example/a.mp4?x=1", "https://cdn.example/b", "https://cdn.example/c.PNG" }

    it("fetches every output, under names made of the id and a number", function()
      local task, m = finished({
        { "GET https://cdn.example/a.mp4", body = "1" }, { "GET https://cdn.example/b", body = "2" },
        { "GET https://cdn.example/c.PNG", body = "3" },
      }, nil, OUTPUTS)
      local files = assert(task:download_all(here.directory .. "/"))
      assert.same({ path "t1-1.mp4", path "t1-2.bin", path "t1-3.png" },
        { files[1].path, files[2].path, files[3].path })
      assert.equal("3", content "t1-3.png")
      m:finish()
    end)

    it("skips what is there already when told to, without a request", function()
      local task, m = finished({
        { "GET https://cdn.example/a.mp4", body = "1" }, { "GET https://cdn.example/b", status = 400 },
        { "GET https://cdn.example/b", body = "2" }, { "GET https://cdn.example/c.PNG", body = "3" },
      }, nil, OUTPUTS)
      assert.is_nil((task:download_all(here.directory, { skip_existing = true })))
      local files = assert(task:download_all(here.directory, { skip_existing = true }))
      assert.same({ path = path "t1-1.mp4", bytes = 1, sha256 = core.sha256 "1", skipped = true }, files[1])
      assert.same({ "2", "3" }, { content "t1-2.bin", content "t1-3.png" })
      assert.is_nil(files[2].skipped)
      files = assert(task:download_all(here.directory, { skip_existing = true, receipt = true }))
      for i = 1, 3 do
        assert.is_true(files[i].skipped)
        assert.equal(files[i].path .. ".json", files[i].receipt)
      end
      m:finish()
    end)

    it("keeps what its receipt says is another, and says so", function()
      local task, m = finished({ { "GET https://cdn.example/a.mp4", body = "1" } }, nil, { OUTPUTS[1] })
      assert(task:download_all(here.directory, { receipt = true }))
      assert(task:download_all(here.directory, { skip_existing = true }))
      here:write("t1-1.mp4", "7")
      local files, err = task:download_all(here.directory, { skip_existing = true })
      assert.is_nil(files)
      assert.same({ "io", "exists", "t1" }, { err.kind, err.code, err.task_id })
      assert.matches("not the file that was fetched for this task", err.message, 1, true)
      assert.is_nil(err.message:find("overwrite", 1, true), "it and skip_existing exclude each other")
      assert.equal("7", content "t1-1.mp4")
      here:write("t1-1.mp4.json", "{}")       -- a receipt that says nothing
      assert(task:download_all(here.directory, { skip_existing = true }))
      m:finish()
    end)

    it("does not take two wishes that exclude each other", function()
      local task = finished({}, nil, OUTPUTS)
      assert.has_error(function() task:download_all(here.directory, { skip_existing = true, overwrite = true }) end)
    end)

    it("that fails on the way says what it has", function()
      local task = finished({
        { "GET https://cdn.example/a.mp4", body = "1" }, { "GET https://cdn.example/b", status = 400 },
      }, nil, OUTPUTS)
      local files, err = task:download_all(here.directory)
      assert.is_nil(files)
      assert.equal(1, #err.files)
      assert.equal(path "t1-1.mp4", err.files[1].path)
    end)
  end)

  it("names never lead out of their directory", function()
    for _, id in ipairs {
      "../../etc/passwd", "/etc/passwd", "..", "a/b", "C:\\x", "-rf", "a\0b", ("x"):rep(4096), "CON",
    } do
      local name = download.name(id, 1, "https://x.example/../../y.mp4/../z.sh?a=.mp4")
      assert.truthy(name:find "^[%w_][%w_-]*%-1%.bin$", name)
      assert.is_true(#name <= 110)
    end
  end)
end)
