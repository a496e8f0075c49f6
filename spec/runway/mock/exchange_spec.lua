-- How a mock plays faults and downloads: as the real transport would bring them.

local mocked = require "spec.support.mocked"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"

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

  -- GET of a path; the answer, or nil and an error.
  local function get(client, at)
    return client:request { path = at }
  end

  describe("plays faults:", function()
    it("a request that was not sent is made again, even a paid one", function()
      local client, m = mocked.client { { "POST /v1/text_to_video", fault = "not_sent", times = 2 }, mocked.SUBMIT }
      assert.equal("t1", assert(client:generate(mocked.clip())).id)
      assert.is_true(m.requests[3].time > 0)
      m:finish()
    end)

    it("a paid request whose answer is lost is not", function()
      local client, m = mocked.client { { "POST /v1/text_to_video", fault = "lost" } }
      local task, err = client:generate(mocked.clip())
      assert.is_nil(task)
      assert.equal("unknown_submit", err.kind)
      assert.equal("yes", err.sent)
      m:finish()
    end)

    it("nor one that is never answered, which is given up in time", function()
      local client, m = mocked.client({ { "POST /v1/text_to_video", fault = "timeout" } }, { timeout = 30 })
      local began = scheduler.now()
      local _, err = client:generate(mocked.clip())
      assert.equal("unknown_submit", err.kind)
      assert.is_true(math.abs(scheduler.now() - began - 30) < 1e-6)
      m:finish()
    end)

    it("an answer larger than the client takes", function()
      local client = mocked.client({ { "GET /a", body = ("x"):rep(2000) } }, { max_body_bytes = 1000 })
      assert.equal("limit", select(2, get(client, "/a")).kind)
    end)
  end)

  describe("downloads", function()
    local function finished(entry)
      local client, m = mocked.client { mocked.SUBMIT, mocked.task "SUCCEEDED", entry }
      return assert(assert(client:generate(mocked.clip())):wait()), m
    end

    it("come evenly over their delay", function()
      local task = finished { "GET https://cdn.example/clip.mp4", body = ("x"):rep(1000), delay = 10 }
      local least, seen, last = math.huge, 0, nil
      assert(task:download(path "even.mp4", { on_progress = function(received, total)
        assert(total == 1000 and received >= (last or 0))
        least, seen, last = math.min(least, received), seen + 1, received
      end }))
      assert.equal(0, least)
      assert.equal(1000, last)
      assert.is_true(seen > 20)
    end)

    it("honour overwrite, and a target that cannot be written is told before anything is asked", function()
      write("there.mp4", "precious")
      local task, m = finished { "GET https://cdn.example/clip.mp4", body = "a film" }
      local asked = #m.requests
      local _, err = task:download(path "there.mp4")
      assert.equal("io", err.kind)
      _, err = task:download(path "no/such/here.directory.mp4")
      assert.equal("io", err.kind)
      assert.equal(asked, #m.requests)
      assert.equal("precious", content "there.mp4")
      assert(task:download(path "there.mp4", { overwrite = true }))
      assert.equal("a film", content "there.mp4")
      assert.is_nil(content "there.mp4.part")
      m:finish()
    end)

    it("follow redirects, absolute and relative, one entry each", function()
      local client, m = mocked.client {
        mocked.SUBMIT, mocked.task "SUCCEEDED",
        { "GET https://cdn.example/clip.mp4", status = 302, headers = { Location = "/deep/er?x=1" } },
        { "GET https://cdn.example/deep/er", status = 302, headers = { location = "next" } },
        { "GET https://cdn.example/deep/next", status = 307, headers = { location = "https://other.example/f" } },
        { "GET https://other.example/f", body = "a film" },
      }
      local task = assert(assert(client:generate(mocked.clip())):wait())
      assert(task:download(path "redirected.mp4"))
      assert.equal("a film", content "redirected.mp4")
      m:finish()
    end)

    for name, entry in pairs {
      ["an empty file"] = { body = "" },
      ["an error in JSON"] = { body = '{"error":"expired"}', headers = { ["content-type"] = "video/mp4" } },
      ["an error in XML"] = { body = '<?xml version="1.0"?><Error/>' },
      ["an HTML page"] = { body = "<html>", headers = { ["content-type"] = "text/html; charset=utf-8" } },
    } do
      it("are no " .. name .. ", as in life", function()
        entry[1], entry.times = "GET https://cdn.example/clip.mp4", math.huge
        local task = finished(entry)
        local _, err = task:download(path "bad.mp4")
        assert.equal("protocol", err.kind)
        assert.same({ "bad_media", 200 }, { err.code, err.http_status })
        assert.is_nil(content "bad.mp4")
      end)
    end

    it("are films by their bytes, whatever their label, and may have any name that a file can have", function()
      local film = "\0\0\0\24ftypmp42\0\0\0\0mp42isom"
      local page = { ["content-type"] = "text/html" }
      local task = finished { "GET https://cdn.example/clip.mp4", body = film, headers = page }
      local name = ("n"):rep(255)
      assert(task:download(path(name)))
      assert.equal(film, content(name))
    end)

    it("stop at max_bytes", function()
      local task = finished { "GET https://cdn.example/clip.mp4", body = ("x"):rep(1000) }
      local _, err = task:download(path "large.mp4", { max_bytes = 999 })
      assert.equal("limit", err.kind)
      assert.is_nil(content "large.mp4")
    end)
  end)
end)
