-- The engine's own manners: requests in, results out, and what is refused at the door.

local child = require "spec.support.child"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"
local socket = require "socket"

describe("the engine", function()
  local server

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)

  local function readable(seconds)
    local handle = { getfd = core.fd, dirty = function() return false end }
    return socket.select({ handle }, nil, seconds)[1] ~= nil
  end

  it("tells a time that only grows", function()
    local before = core.now()
    assert.equal("float", math.type(before))
    assert.is_true(core.now() >= before)
  end)

  it("waits no longer than it is told to, and says that nothing came", function()
    local before = core.now()
    assert.is_false(core.wait(0))
    assert.is_false(core.wait(0.05))
    assert.is_true(core.now() - before > 0.049)  -- a system's timers count in ticks
    assert.same({}, { core.take() })
  end)

  it("says by a descriptor that there is something to take", function()
    assert.equal("integer", math.type(core.fd()))
    assert.is_false(readable(0))
    local id = exchange.start { url = server:url "/ok" }
    assert.is_true(readable(20))
    assert.is_true(core.wait(0))
    local taken, result = core.take()
    assert.equal(id, taken)
    assert.equal(200, result.status)
    assert.is_nil((core.take()))
    assert.is_false(core.wait(0))
    assert.is_false(readable(0))
  end)

  it("has a descriptor by which others may wake it", function()
    assert.equal("integer", math.type(core.notify_fd()))
    assert.not_equal(core.fd(), core.notify_fd())
  end)

  it("is made readable for whoever waits at it, until the next wait", function()
    core.ring()
    core.ring()
    assert.is_true(readable(0))
    assert.is_true(core.wait(0))
    assert.is_false(readable(0))
    assert.is_false(core.wait(0))
  end)

  it("tells whether a stream ends on a terminal, and how wide that is", function()
    for _, stream in ipairs { "stdin", "stdout", "stderr" } do assert.is_boolean((core.terminal(stream))) end
    assert.has_error(function() core.terminal "stdlog" end)
    local code = "local core = require 'runway.core'; io.stdout:write(tostring((core.terminal 'stdin'))); "
      .. "core.terminal()"
    assert.equal("false", child.run(code))
  end)

  it("tells whether two names lead to one file", function()
    local here = scratch.new()
    local a, b = here:write("a", ""), here:write("b", "")
    os.execute(("ln -s a '%s' && ln '%s' '%s'"):format(here:path "link", a, here:path "hard"))
    for other, same in pairs { [a] = true, [here:path "./a"] = true, [here:path "link"] = true,
      [here:path "hard"] = true, [b] = false, [here.directory] = false, [here:path "none"] = false } do
      assert.equal(same, core.same(a, other), other)
    end
    assert.is_true(core.same(here.directory, here.directory .. "/."))
    assert.is_false(core.same(here:path "none", here:path "none"))
    assert.has_error(function() core.same(a, "a\0b") end)
    here:remove()
  end)

  it("tells whether a plain file can be read, and waits for none", function()
    local here = scratch.new()
    assert.is_true(core.readable(here:write("a", "")))
    assert.same({ nil, "not a plain file" }, { core.readable(here.directory) })
    assert.same({ nil, "No such file or directory" }, { core.readable(here:path "b") })
    os.execute("mkfifo '" .. here:path "queue" .. "'")
    assert.same({ nil, "not a plain file" }, { core.readable(here:path "queue") })
    assert.has_error(function() core.readable "a\0b" end)
    here:remove()
  end)

  it("gives back every one of many requests, each under its own number", function()
    local waiting = {}
    for index = 1, 300 do
      local id = exchange.start { method = "POST", url = server:url "/echo", body = "n" .. index }
      assert.equal("integer", math.type(id))
      assert.is_nil(waiting[id])
      waiting[id] = "n" .. index
    end
    for id, body in pairs(waiting) do assert.equal(body, exchange.finish(id).body) end
    assert.equal(0, core.pending())
  end)

  it("lets a lane run only so many at once, in order", function()
    local ids = {}
    for index = 1, 6 do
      ids[index] = exchange.start {
        url = server:url("/held-body?lane" .. index), lane = 1, lane_limit = 2,
      }
    end
    for round = 1, 3 do
      exchange.until_received(ids[round * 2], 500)
      -- One in another lane goes from end to end: long enough for a third to show itself.
      exchange.run { url = server:url "/ok", lane = 2 }
      local seen = server:seen "/held-body?lane"
      assert.equal(round * 2, #seen)
      server:release()
      exchange.finish(ids[round * 2 - 1])
      exchange.finish(ids[round * 2])
    end
    for index = 1, 6 do assert.equal(1, #server:seen("?lane" .. index)) end

    for index = 1, 5 do
      ids[index] = exchange.start {
        url = server:url("/ok?fifo" .. index), lane = 3, lane_limit = 1,
      }
    end
    for index = 1, 5 do exchange.finish(ids[index]) end
    for index, seen in ipairs(server:seen "/ok?fifo") do
      assert.equal("/ok?fifo" .. index, seen.target)
    end
  end)

  it("gives the place of a cancelled request to the next in line", function()
    local function queue(path)
      return exchange.start { url = server:url(path), lane = 5, lane_limit = 1 }
    end
    local first, second = queue "/held-body?place", queue "/ok?next"
    exchange.until_received(first, 500)
    core.cancel(first)
    assert.equal("cancelled", exchange.finish(first).error.kind)
    assert.equal(200, exchange.finish(second).status)
  end)

  it("forgets a whole line of waiting requests when they are cancelled", function()
    local ids = {}
    for index = 1, 50 do
      ids[index] = exchange.start { url = server:url "/hang?line", lane = 4, lane_limit = 1 }
    end
    for _, id in ipairs(ids) do core.cancel(id) end
    for _, id in ipairs(ids) do
      local result = exchange.finish(id)
      assert.equal("cancelled", result.error.kind)
      assert.is_nil(result.status)
    end
    assert.equal(200, exchange.run({ url = server:url "/ok", lane = 4, lane_limit = 1 }).status)
  end)

  it("takes no notice of the cancelling of what is not there", function()
    core.cancel(0)
    core.cancel(-1)
    core.cancel(math.maxinteger)
    assert.same({ 0 }, { core.progress(math.maxinteger) })
    local id = exchange.start { url = server:url "/ok" }
    assert.equal(200, exchange.finish(id).status)
    core.cancel(id)
    assert.is_nil((core.take()))
  end)

  it("starts anew after it was closed, and the old requests are gone", function()
    local old = exchange.start { url = server:url "/hang?close" }
    exchange.until_true(function() return #server:seen "/hang?close" == 1 end, "the request")
    core.close()
    core.close()
    assert.is_nil((core.take()))
    core.cancel(old)
    local new = exchange.start { url = server:url "/ok" }
    assert.not_equal(old, new)
    assert.equal(200, exchange.finish(new).status)
    assert.equal(0, core.pending())
  end)

  describe("sends", function()
    local function sent(request)
      request.url = server:url("/echo?sent")
      local before = #server:seen "?sent"
      local result = exchange.run(request)
      assert.is_nil(result.error)
      assert.equal(200, result.status)
      return server:seen("?sent")[before + 1], result
    end

    it("the method it was told", function()
      for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS" } do
        assert.equal(method, sent({ method = method }).method)
      end
      for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
        local seen = sent { method = method, body = "text" }
        assert.equal(method, seen.method)
        assert.equal("text", seen.body)
      end
    end)

    it("a POST without a body as one of no length", function()
      local seen = sent { method = "POST" }
      assert.equal("0", seen.headers["content-length"])
      assert.equal(0, #sent({ method = "POST", body = "" }).body)
    end)

    it("the headers it was given, and none that say more than they should", function()
      local seen = sent {
        method = "POST", body = "{}",
        headers = { ["X-Runway-Version"] = "2024-11-06", Authorization = "Bearer k3y",
                    ["X-Empty"] = "", ["X-Umlaut"] = "\u{fc}" },
      }
      assert.equal("2024-11-06", seen.headers["x-runway-version"])
      assert.equal("Bearer k3y", seen.headers.authorization)
      assert.equal("", seen.headers["x-empty"])
      assert.equal("\u{fc}", seen.headers["x-umlaut"])
      for _, name in ipairs { "content-type", "expect", "cookie", "referer" } do
        assert.is_nil(seen.headers[name], name)
      end
    end)

    it("a body byte for byte, whole or in pieces", function()
      local bytes = {}
      for code = 0, 255 do bytes[#bytes + 1] = string.char(code) end
      local body = table.concat(bytes):rep(40)
      assert.is_true(sent({ method = "POST", body = body }).body == body)
      local _, result = sent { method = "POST", body = { body, "", body, "end" } }
      assert.is_true(result.body == body .. body .. "end")
    end)

    it("a large body whole", function()
      local body = rawserver.pattern(6000000)
      local _, result = sent { method = "POST", body = body, max_body_bytes = 6000000 }
      assert.is_true(result.body == body)
    end)

    it("a path and a query as they are written", function()
      local odd = "/ok/a%2Fb/../c?x=%20y&z=a+b&%C3%BC=~"
      exchange.run { url = server:url(odd) }
      local targets = {}
      for _, seen in ipairs(server:log().requests) do targets[seen.target] = true end
      -- Dots may be resolved; escapes may not be touched.
      assert.is_true(targets[odd] or targets["/ok/c?x=%20y&z=a+b&%C3%BC=~"] or false)
      exchange.run { url = server:url "/ok?plain#fragment" }
      assert.equal("/ok?plain", server:seen("/ok?plain")[1].target)
    end)
  end)

  describe("returns", function()
    it("headers by lower-case names, values trimmed, repeated ones joined", function()
      local result = exchange.run { url = server:url "/header?value=%20%20a%20b%20%20" }
      assert.equal("a b", result.headers["x-test"])
      assert.equal("2", result.headers["content-length"])
      result = exchange.run { url = server:url "/header-of/3000" }
      local value = ("x"):rep(1014)
      assert.equal(value .. ", " .. value, result.headers["x-part"])
    end)

    it("what it measured", function()
      local result = exchange.run { url = server:url "/body/1234" }
      assert.equal("integer", math.type(result.bytes))
      assert.equal(1234, result.bytes)
      assert.equal(1234, #result.body)
      assert.is_true(result.sent)
      assert.is_true(result.timings.total >= result.timings.connect)
    end)
  end)

  describe("refuses", function()
    local function assert_refused(change)
      local request = { method = "GET", url = server:url "/ok?refused", headers = {} }
      for name, value in pairs(change) do request[name] = value end
      local id, message, kind = core.start(request)
      assert.is_nil(id, "it was taken")
      assert.equal("invalid_request", kind)
      assert.is_string(message)
      assert.equal(0, core.pending())
      return message
    end

    it("a method that is not one word", function()
      for _, method in ipairs {
        "", "GET ", "GE T", "GET\r\nX: y", "GET\n", "GET/", "G\0T", "G\u{c9}T",
      } do
        assert_refused { method = method }
      end
    end)

    it("a header that would break out of its line, without showing its value", function()
      for _, bad in ipairs { "\r", "\n", "\r\n", "\0", "\27", "\127" } do
        local value = "Bearer s3cr3t" .. bad .. "X-Injected: yes"
        local message = assert_refused { headers = { Authorization = value } }
        assert.is_nil(message:find("s3cr3t", 1, true))
        assert_refused { headers = { ["X-Name" .. bad] = "value" } }
        assert_refused { headers = { [bad] = "value" } }
      end
      for _, name in ipairs { "", "X Name", "X:Name", "X;", "(X)", "X\u{fc}" } do
        assert_refused { headers = { [name] = "value" } }
      end
    end)

    it("headers that are not text", function()
      assert_refused { headers = { "just a line: of text" } }
      assert_refused { headers = { ["X-Number"] = 1 } }
      assert_refused { headers = { ["X-Table"] = {} } }
    end)

    it("what is not a request at all, by raising", function()
      for _, wrong in ipairs { {}, { method = "GET" }, { url = server:url "/ok?refused" } } do
        assert.has_error(function() core.start(wrong) end)
      end
      assert.has_error(function() core.start() end)
      assert.has_error(function() core.start "GET" end)
      for name, value in pairs {
        timeout = -1, connect_timeout = 0 / 0, max_body_bytes = "many", body = 5, address = "moon",
        ca_file = {}, lane = -1, resolve = { "127.0.0.1" },
      } do
        assert.has_error(function()
          core.start { method = "GET", url = server:url "/ok?refused", [name] = value }
        end)
      end
      assert.equal(0, core.pending())
    end)

    teardown(function() assert.equal(0, #server:seen "?refused") end)
  end)

  it("hands a result into a table, whole, and knows who waits before anything is sent", function()
    local waiting, done = {}, function() end
    local id = assert(core.start({ method = "GET", url = "http://127.0.0.1:1/", timeout = 20 }, waiting, done))
    assert.equal(done, waiting[id])
    local inbox = {}
    assert.is_nil(core.start({ method = "GET", url = "ftp://x/" }, waiting, done))
    while not core.take(inbox) do core.wait(1) end
    assert.equal(id, inbox.id)
    assert.equal("network", inbox.result.error.kind)
    assert.is_nil(core.take(inbox))
    assert.has_error(function() core.take "x" end)
    assert.has_error(function() core.start({ method = "GET", url = "http://127.0.0.1:1/" }, "x") end)
  end)
end)
