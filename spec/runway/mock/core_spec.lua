-- The mock and the real core, held against each other: each situation is played through both, and
-- what a client would see of it must be the same, field by field.

local mock = require "runway.mock"
local rawserver = require "spec.support.rawserver"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"
local transport = require "runway.transport"

local PATIENCE = 20           -- seconds; spent only by a spec that fails

describe("the mock and the core agree on", function()
  local server, here
  setup(function() server, here = rawserver.start(), scratch.new() end)
  teardown(function()
    server:stop()
    here:remove()
  end)

  -- One exchange over a transport, waited for.
  local function play(over, wire, cancel)
    local w = scheduler.waiter()
    local handle = over:start(wire, function(result) w:wake(result) end)
    if cancel then scheduler.at(scheduler.now() + cancel, function() over:cancel(handle) end) end
    return scheduler.park(w)
  end

  local content = scratch.read

  -- What is seen of a result, and of the disk after it.
  local function seen(result, wire)
    local e, save = result.error or {}, wire.save
    local saw = {
      kind = e.kind, code = e.code, permanent = e.permanent, message = e.message and "some" or nil,
      status = result.status, sent = result.sent, redirect = result.redirect,
      body = result.body, bytes = result.bytes, timings = type(result.timings),
      retry_after = (result.headers or {})["retry-after"], type = (result.headers or {})["content-type"],
    }
    if result.error then saw.body, saw.bytes, saw.redirect = nil, nil, nil end  -- how far it came is chance
    if save then
      saw.file = content(save.path)
      saw.part = content(save.path .. ".part") and "there" or nil
    end
    return saw
  end

  local count = 0

  -- Plays one situation through both. `case`: path on the server (or url), entry of the mock; wire:
  -- more of the request; save: options of a download; before(path): what is done on the disk first.
  local function compare(case)
    local saw = {}
    for _, which in ipairs { "core", "mock" } do
      count = count + 1
      local wire = { method = "GET", url = case.url or server:url(case.path, case.listener), timeout = PATIENCE }
      for name, value in pairs(case.wire or {}) do wire[name] = value end
      local path = here:path("clip-" .. count .. ".mp4")
      if case.save then
        wire.save = { path = path }
        for name, value in pairs(case.save) do wire.save[name] = value end
        if case.before then wire.save.path = case.before(path) or path end
      end
      local over = transport
      if which == "mock" then
        over = mock.new { case.entry }
      end
      local ok, result = pcall(play, over, wire, case.cancel)
      if which == "mock" then over:close() end
      assert(ok, result)
      saw[which] = seen(result, wire)
      saw[which].path = nil
    end
    assert.same(saw.core, saw.mock)
    return saw.core
  end

  local function shell(command, path) assert(os.execute((command:gsub("@", "'" .. path .. "'")))) end
  local function write(bytes) return function(path) shell("printf '" .. bytes .. "' > @", path) end end

  local BODY = rawserver.pattern(1000)
  local FILM = { body = BODY }

  describe("answers:", function()
    for status = 200, 204 do
      it("status " .. status, function()
        compare { path = "/status/" .. status, entry = { status = status } }
      end)
    end

    for _, status in ipairs { 400, 401, 402, 404, 408, 410, 413, 429, 500, 502, 503, 504 } do
      it("status " .. status, function()
        local saw = compare { path = ("/status/%d?body=no&retry_after=7"):format(status),
          entry = { status = status, body = "no", headers = { ["Retry-After"] = "7" } } }
        assert.equal(status, saw.status)
        assert.equal("7", saw.retry_after)
      end)
    end

    it("a body, and an empty one", function()
      compare { path = "/body/1000", entry = FILM }
      compare { path = "/empty", entry = { body = "" } }
    end)

    it("a body as large as is taken, and one byte more", function()
      assert.is_nil(compare({ path = "/body/1000", entry = FILM, wire = { max_body_bytes = 1000 } }).kind)
      assert.equal("limit", compare({ path = "/body/1000", entry = FILM, wire = { max_body_bytes = 999 } }).kind)
    end)
  end)

  describe("redirects:", function()
    for _, to in ipairs { "https://other.example/clip.mp4?a=b", "//other.example/x", "/deep/er?x=1", "next", "a/b?c=d",
      "?only=query", "../up", "../../../far", "./here", "/a/./b/../c", "dir/", "dir/..", "dir/.", "/" } do
      it("to " .. to, function()
        for _, code in ipairs { 301, 302, 307, 308 } do
          local saw = compare { path = ("/status/%d?location=%s"):format(code, (to:gsub("[^A-Za-z0-9]", function(c)
            return ("%%%02X"):format(c:byte())
          end))), entry = { status = code, headers = { Location = to } } }
          assert.is_string(saw.redirect)
        end
      end)
    end

    it("that lead nowhere, and places named beside other statuses", function()
      compare { path = "/status/302", entry = { status = 302 } }
      compare { path = "/status/201?location=%2Fx", entry = { status = 201, headers = { Location = "/x" } } }
      compare { path = "/status/404?location=%2Fx", entry = { status = 404, headers = { Location = "/x" } } }
    end)
  end)

  describe("faults:", function()
    it("nobody listens", function()
      assert.equal(false, compare({ path = "/ok", listener = "closed", entry = { fault = "not_sent" } }).sent)
    end)

    it("the answer is lost", function()
      assert.equal("closed", compare({ path = "/close-before-answer", entry = { fault = "lost" } }).code)
      compare { path = "/reset-after-request", entry = { fault = "lost" } }
    end)

    it("the answer never comes", function()
      local saw = compare { path = "/hang", entry = { fault = "timeout" }, wire = { timeout = 0.3 } }
      assert.same({ "timeout", "answer", true }, { saw.kind, saw.code, saw.sent })
      compare { path = "/hang", entry = { body = "late", delay = 9 }, wire = { timeout = 0.3 } }
    end)

    it("a paid request meets them too", function()
      for path, fault in pairs { ["/close-before-answer"] = "lost", ["/hang"] = "timeout" } do
        local saw = compare { path = path, entry = { fault = fault },
          wire = { timeout = 0.3, method = "POST", body = "x", gate = true } }
        assert.is_true(saw.sent)
      end
      compare { path = "/ok", listener = "closed", entry = { fault = "not_sent" },
        wire = { method = "POST", body = "x", gate = true } }
    end)

    it("it is ended early", function()
      assert.equal("cancelled", compare({ path = "/hang", entry = { body = "x", delay = 9 }, cancel = 0.2 }).kind)
    end)
  end)

  describe("downloads:", function()
    local function download(more)
      local case = { path = "/body/1000", entry = FILM, save = {} }
      for name, value in pairs(more) do case[name] = value end
      return compare(case)
    end

    it("a film that comes", function()
      local saw = download {}
      assert.same({ BODY, "", 1000 }, { saw.file, saw.body, saw.bytes })
    end)

    it("a file that is there, overwritten or not", function()
      local saw = download { before = write "old" }
      assert.same({ "io", "exists", false, "old" }, { saw.kind, saw.code, saw.sent, saw.file })
      assert.equal(BODY, download({ before = write "old", save = { overwrite = true } }).file)
      assert.equal(BODY, download({ save = { overwrite = true } }).file)
    end)

    for what, before in pairs {
      ["a directory"] = function(path) shell("mkdir @", path) end,
      ["a symbolic link"] = function(path) shell("ln -s nowhere @", path) end,
      ["a missing directory"] = function(path) return path .. "/no/such.mp4" end,
      ["a .part that is a directory"] = function(path) shell("mkdir @", path .. ".part") end,
      ["a name that is too long"] = function(path) return path:gsub("[^/]*$", ("x"):rep(400)) end,
    } do
      it("a target that is " .. what, function()
        for _, overwrite in ipairs { false, true } do
          local saw = download { before = before, save = { overwrite = overwrite } }
          assert.same({ "io", false, true }, { saw.kind, saw.sent, saw.permanent })
        end
      end)
    end

    it("a part of a film that an earlier try left", function()
      assert.equal(BODY, download({ before = function(path) write "half"(path .. ".part") end }).file)
    end)

    it("an empty file and an HTML page", function()
      assert.equal("bad_media", download({ path = "/empty", entry = { body = "" } }).code)
      assert.equal("bad_media", download({ path = "/page", entry = { body = "<html>log in</html>",
        headers = { ["Content-Type"] = "text/html; charset=utf-8" } } }).code)
    end)

    it("a film as large as is wanted, and one byte more", function()
      assert.is_nil(download({ save = { max_bytes = 1000 } }).kind)
      assert.same("too_large", download({ save = { max_bytes = 999 } }).code)
    end)

    it("what is no film: 404, 206, a redirect", function()
      download { path = "/status/404?body=gone", entry = { status = 404, body = "gone" } }
      download { path = "/206", entry = { status = 206, body = "ru" } }
      download { path = "/status/302?location=%2Fx", entry = { status = 302, headers = { Location = "/x" } } }
    end)

    it("one that never comes, and one that is ended early", function()
      download { path = "/hang", entry = { fault = "timeout" }, wire = { timeout = 0.3 } }
      download { path = "/close-before-answer", entry = { fault = "lost" } }
      download { path = "/hang", entry = { body = "x", delay = 9 }, cancel = 0.2 }
    end)
  end)
end)
