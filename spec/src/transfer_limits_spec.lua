-- What a server may do to whoever listens to it: too much, too slow, or no HTTP at all. Each case
-- ends, within its bounds, with an error that says which bound it was.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"

describe("an answer", function()
  local server

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)

  local function get(path, options)
    local request = { url = server:url(path) }
    for name, value in pairs(options or {}) do request[name] = value end
    return exchange.run(request)
  end

  local function fails(path, kind, options)
    local result = get(path, options)
    assert.is_table(result.error, path .. " was not noticed")
    assert.equal(kind, result.error.kind, path .. ": " .. result.error.message)
    assert.is_true(result.sent)
    return result
  end

  describe("that is too large", function()
    it("may be as long as the cap, and not a byte longer", function()
      for _, path in ipairs { "/body/1000", "/body/1000?chunked=1" } do
        local result = get(path, { max_body_bytes = 1000 })
        assert.is_nil(result.error)
        assert.equal(rawserver.pattern(1000), result.body)
        assert.equal(1000, result.bytes)
        assert.equal("too_large", fails(path, "limit", { max_body_bytes = 999 }).error.code)
      end
    end)

    it("is capped at 4 MiB when no one says otherwise", function()
      assert.equal(4194304, #get("/body/4194304").body)
      fails("/body/4194305", "limit")
    end)

    it("may be refused altogether", function()
      assert.is_nil(get("/empty", { max_body_bytes = 0 }).error)
      fails("/ok", "limit", { max_body_bytes = 0 })
    end)

    it("is cut off at the cap when it never ends", function()
      local result = fails("/chunked-forever?cap", "limit", { max_body_bytes = 100000 })
      assert.is_true(result.error.permanent)
      assert.is_true(result.bytes <= 100000)
      assert.is_true(#result.body <= 100000)
      -- The rest never left the server: what the sockets hold, at most.
      local seen = exchange.until_true(function()
        local first = server:seen("/chunked-forever?cap")[1]
        return server:log().connections[first.connection].closed and first
      end, "the server to notice")
      assert.is_true(seen.sent < 32 * 1024 * 1024)
    end)

    it("is bounded by what it holds, not by what came over the wire", function()
      local result = get("/gzip?size=8000000", { max_body_bytes = 100000 })
      assert.equal("limit", result.error.kind)
      assert.equal("too_large", result.error.code)
      assert.is_true(#result.body <= 100000)
    end)
  end)

  describe("whose headers are too large", function()
    it("may have 200 KB of them", function()
      local result = get "/header-of/200000"
      assert.is_nil(result.error)
      assert.equal(200, result.status)
    end)

    for path, what in pairs {
      ["/header-flood"] = "a great many",
      ["/header-1mb"] = "one of a megabyte",
      ["/header-of/300000"] = "more than 256 KiB of fair ones",
      ["/1xx-forever"] = "those of interim answers without end",
      ["/trailers-forever"] = "those behind the body",
    } do
      it("is cut off: " .. what, function()
        assert.equal("too_large", fails(path, "limit").error.code)
      end)
    end

    it("may follow a hundred interim answers, whose headers are not its own", function()
      local result = get "/1xx/100"
      assert.is_nil(result.error)
      assert.equal(200, result.status)
      assert.equal("ok", result.body)
      assert.is_nil(result.headers["x-early"])
      assert.equal("text/plain", result.headers["content-type"])
    end)
  end)

  describe("that is too slow", function()
    it("ends when the time for all of it is up", function()
      local started = core.now()
      for _, path in ipairs { "/hang", "/slow-header", "/slow-body", "/1xx-forever?pause=0.01" } do
        local result = fails(path, "timeout", { timeout = 0.2 })
        assert.is_false(result.error.permanent)
      end
      assert.is_true(core.now() - started > 4 * 0.199)
    end)

    it("ends when it stands still for longer than allowed", function()
      local result = fails("/stall-mid-body?bytes=0", "timeout", { stall = 1 })
      assert.equal(200, result.status)
      assert.is_false(result.error.permanent)
    end)

    it("may be cancelled at any time", function()
      local ids = {}
      for index, path in ipairs { "/hang", "/slow-body", "/stall-mid-body", "/slow-header" } do
        ids[index] = exchange.start { url = server:url(path .. "?cancel") }
      end
      exchange.until_true(function() return #server:seen "?cancel" == 4 end, "all four")
      for _, id in ipairs(ids) do
        core.cancel(id)
        core.cancel(id)
      end
      for _, id in ipairs(ids) do
        assert.equal("cancelled", exchange.finish(id).error.kind)
        core.cancel(id)
      end
    end)
  end)

  describe("that breaks off", function()
    for path, what in pairs {
      ["/close-before-answer"] = "before it began",
      ["/reset-after-request"] = "before it began, with a reset",
      ["/header-cut"] = "within a header",
      ["/short-body"] = "before the length it promised",
      ["/chunk-cut"] = "within a chunk",
      ["/reset-mid-body"] = "within the body, with a reset",
    } do
      it("is an error of the network: " .. what, function()
        local result = fails(path, "network")
        assert.is_false(result.error.permanent)
      end)
    end
  end)

  describe("that is no HTTP", function()
    for path, what in pairs {
      ["/garbage"] = "bytes of some other protocol",
      ["/http09"] = "a page without a head",
      ["/bad-status"] = "a status that is a word",
      ["/status-0"] = "a status of 0",
      ["/status-2"] = "a status of one digit",
      ["/status-1000"] = "a status of four digits",
      ["/header-nul"] = "a NUL in a header",
      ["/negative-length"] = "a negative length",
      ["/huge-length"] = "a length of 2^63",
      ["/dup-length"] = "two lengths that differ",
      ["/odd-length"] = "two lengths that differ, on one line",
      ["/list-length"] = "a length and nothing behind its comma",
      ["/bad-chunk"] = "a chunk size that is a word",
      ["/chunk-overflow"] = "a chunk size beyond all numbers",
    } do
      it("is an error of the protocol: " .. what, function()
        fails(path, "protocol")
      end)
    end
  end)

  it("may tell its length more than once, if it is the same", function()
    local result = get "/twice-length"
    assert.is_nil(result.error)
    assert.equal("ok", result.body)
  end)

  it("is no whole file when it says that it is a part, whatever its status", function()
    local path = os.tmpname()
    local part = get("/part-as-whole", { save = { path = path, overwrite = true } })
    local later = get("/later-part-as-whole", { save = { path = path, overwrite = true } })
    local whole = get("/whole-as-part", { save = { path = path, overwrite = true } })
    local unread = get("/endless-part", { save = { path = path, overwrite = true } })
    os.remove(path)
    assert.equal("partial", part.error.code)
    assert.equal("partial", later.error.code)
    assert.is_nil(whole.error)
    assert.is_nil(unread.error)                   -- what no one can read says nothing
  end)

  it("may be of HTTP/1.0, ended by the end of the connection", function()
    local result = get "/http10"
    assert.is_nil(result.error)
    assert.equal("until the end", result.body)
  end)

  it("is never one that was sent before it was asked for", function()
    assert.equal("ok", get("/surplus").body)
    local result = get "/header?value=mine"
    assert.equal("ok", result.body)
    assert.equal("mine", result.headers["x-test"])
  end)

  it("leaves no cookie behind", function()
    assert.equal("taste=sweet", get("/header?value=x").headers["set-cookie"])
    get "/ok?cookie"
    assert.is_nil(server:seen("/ok?cookie")[1].headers.cookie)
  end)

  it("is handed on with its status, whatever that is", function()
    for _, status in ipairs { 206, 304, 404, 412, 418, 599 } do
      local path = status == 206 and "/206" or "/status/" .. status
      local result = get(path)
      assert.is_nil(result.error)
      assert.equal(status, result.status)
      assert.equal("integer", math.type(result.status))
    end
  end)
end)
