-- RUNWAY_TRACE=1: what goes over the wire, on standard error, and nothing that must stay hidden.

local child = require "spec.support.child"
local rawserver = require "spec.support.rawserver"

describe("a trace", function()
  local server

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)

  local function run(before)
    return child.run([[
      local core = require "runway.core"
      local url = ...
      local id = assert(core.start { method = "POST", url = url .. "/echo?token=s3cret", gate = true,
        body = '{"prompt":"a b0dy"}', headers = { Authorization = "Bearer k3y", ["X-Api-Key"] = "0ther",
        Cookie = "c00kie", ["User-Agent"] = "runway-test" } })
      while not core.take() do core.wait(15) end
    ]], { before = before, arguments = { server:url "" } })
  end

  it("tells heads line by line, and how many bytes of bodies went each way", function()
    local output = run "RUNWAY_TRACE=1"
    assert.matches("#1 > POST /echo%?%[query%]", output)
    assert.matches("#1 > User%-Agent: runway%-test", output)
    assert.matches("#1 < HTTP/1.1 200", output)
    assert.matches("19 bytes out, 19 in, ok", output)
  end)

  it("hides keys, cookies, queries and bodies", function()
    local output = run "RUNWAY_TRACE=1"
    assert.matches("Authorization: %[hidden%]", output)
    for _, secret in ipairs { "k3y", "0ther", "c00kie", "s3cret", "b0dy" } do
      assert.is_nil(output:find(secret, 1, true), secret)
    end
  end)

  it("hides what stands in lines that are no proper header", function()
    local output = child.run([[
      local core = require "runway.core"
      core.start { method = "GET", url = ... .. "/odd-lines" }
      while not core.take() do core.wait(15) end
    ]], { before = "RUNWAY_TRACE=1", arguments = { server:url "" } })
    assert.matches("#1 < HTTP/1.1 200 OK", output)
    assert.matches("#1 < Server: fine", output)
    assert.matches("#1 < %[hidden%]", output)
    assert.is_nil(output:find("s3cret", 1, true))
  end)

  it("tells where a connection leads", function()
    assert.matches("#1 %* Connected to 127%.0%.0%.1 ", (run "RUNWAY_TRACE=1"))
  end)

  it("hides a key that a server gives back under a harmless name", function()
    local output = child.run([[
      local core = require "runway.core"
      core.start { method = "GET", url = ... .. "/status/200?retry_after=k-SECRETKEY", headers = {
        Authorization = "Bearer k-SECRETKEY" } }
      while not core.take() do core.wait(15) end
    ]], { before = "RUNWAY_TRACE=1", arguments = { server:url "" } })
    assert.matches("< HTTP/1.1 200", output)
    assert.is_nil(output:find("SECRETKEY", 1, true))
  end)

  it("hides the address where the key stands in it, too", function()
    local output = child.run([[
      local core = require "runway.core"
      core.start { method = "GET", url = ... .. "/bot/k-SECRETKEY", headers = { Authorization = "Bearer k-SECRETKEY" } }
      while not core.take() do core.wait(15) end
    ]], { before = "RUNWAY_TRACE=1", arguments = { server:url "" } })
    assert.matches("%* GET %[hidden%]", output)
    assert.matches("> %[hidden%]", output)
    assert.matches("> Authorization: %[hidden%]", output)
    assert.is_nil(output:find("SECRETKEY", 1, true), output)
  end)

  it("tells heads over TLS as well, and not a byte of TLS itself", function()
    local secure = rawserver.start { tls = true }
    local output = child.run([[
      local core = require "runway.core"
      local url, ca_file = ...
      core.start { method = "GET", url = url, ca_file = ca_file }
      while not core.take() do core.wait(15) end
    ]], { before = "RUNWAY_TRACE=1", arguments = { secure:url("/ok", "good"), secure.ca_file } })
    secure:stop()
    assert.matches("< HTTP/1.1 200", output)
    assert.is_nil(output:find "[^\n -~]")
  end)

  it("does not show a proxy's password", function()
    local output = child.run([[
      local core = require "runway.core"
      core.start { method = "GET", url = "http://api.example/", allow_http = true, proxy = ... }
      while not core.take() do core.wait(15) end
    ]], { before = "RUNWAY_TRACE=1",
      arguments = { ("http://user:pa55w0rd@127.0.0.1:%d"):format(server.port) } })
    assert.matches("> GET http://api.example/", output)
    assert.is_nil(output:find("pa55w0rd", 1, true))
    assert.is_nil(output:find("dXNlcjpw", 1, true))         -- "user:p" in base64
  end)

  it("says nothing unless it is asked for", function()
    assert.equal("", run "RUNWAY_TRACE=0")
    assert.equal("", run())
  end)
end)
