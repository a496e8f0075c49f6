-- Where a request is led, and what it meets on the way there: one spec for each line of the catalogue of hostile
-- inputs, named as the line. The listener named "quiet" is met by no fair request.

local by_path = require "spec.support.by_path"
local child = require "spec.support.child"
local rawserver = require "spec.support.rawserver"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"
local socket = require "socket"
local transport = require "runway.transport"

local SECRETS = { "authorization", "x-api-key", "x-runway-version", "cookie" }

describe("HTTP and TCP:", function()
  local server, here, client, quiet

  setup(function()
    server = rawserver.start { tls = true }
    quiet = server.ports.quiet
  end)
  teardown(function() server:stop() end)
  before_each(function()
    here = scratch.new()
    client = by_path.client(server:url "")
  end)
  after_each(function()
    client:close()
    here:remove()
  end)

  -- The requests for a target.
  local function got(target)
    local found = {}
    for _, request in ipairs(server:seen(target)) do
      if request.target == target then found[#found + 1] = request end
    end
    return found
  end

  -- Nobody was called at the quiet listeners.
  local function assert_quiet()
    assert.equal(0, server:connected "quiet" + server:connected "quiet6")
  end

  -- A download that is led somewhere it must not go.
  local function refused(task, code, what)
    local file, err = task:download(here:path "film.mp4")
    assert.is_nil(file, what)
    assert.equal("invalid_request", err.kind, what .. ": " .. err.message)
    assert.equal(code, err.code, what .. ": " .. err.message)
    assert.is_false(err.retryable)
    assert.equal(1, err.attempts)
    assert.equal(task, err.task)
    assert.is_nil(here:content "film.mp4")
    assert_quiet()
    return err
  end

  local function led_to(location)
    return by_path.made(client, server:url("/redirect?to=" .. location))
  end

  -- A client of an API that is on no machine: what is in the list is answered so, all else is really sent.
  local function elsewhere(answers)
    client:close()
    client = by_path.client("https://api.example", { transport = setmetatable({
      start = function(_, wire, done)
        local answer = answers[wire.url]
        if not answer then return transport:start(wire, done) end
        scheduler.at(scheduler.now(), function()
          done { status = answer.status or 200, headers = {}, body = answer.body or "", redirect = answer.redirect,
            bytes = 0, sent = true, timings = { total = 0, connect = 0 } }
        end)
      end,
    }, { __index = transport }) })
    return assert(client:get "/task")
  end

  it("redirect on API -> redirect, key not sent on", function()
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      for _, to in ipairs { "http://127.0.0.1:" .. quiet .. "/ok", "/ok?led" } do
        local path = ("/redirect?to=%s&code=%d"):format(to, status)
        local task, err = by_path.submit(client, path)
        assert.is_nil(task)
        assert.equal("protocol", err.kind)
        assert.matches("redirect", err.message, 1, true)
        assert.equal(status, err.http_status)
        assert.equal("yes", err.sent)
        assert.equal(1, err.attempts)
        local seen
        seen, err = client:task(path):refresh()
        assert.is_nil(seen)
        assert.equal("protocol", err.kind)
        assert.equal(path, err.task_id)
      end
    end
    assert_quiet()
    assert.equal(0, #got "/ok?led")
  end)

  it("redirect to file://, ftp://, gopher://, http:// (downgrade) -> forbidden_url", function()
    for _, location in ipairs { "file:///etc/passwd", "ftp://127.0.0.1/film", "gopher://127.0.0.1/1",
      "FILE:///etc/passwd", "dict://127.0.0.1:11/d", "data:video/mp4,x", "javascript:1",
      "http://me:secret@127.0.0.1:" .. quiet .. "/" } do
      local err = refused(led_to(location), "forbidden_url", location)
      assert.is_nil(err.message:find("secret", 1, true))
    end
    for _, location in ipairs { "http://cdn.example/a.mp4", "http://127.0.0.1:" .. quiet .. "/" } do
      refused(elsewhere {
        ["https://api.example/task"] = { body = '{"status":"SUCCEEDED","output":["https://cdn.example/a.mp4"]}' },
        ["https://cdn.example/a.mp4"] = { status = 302, redirect = location },
      }, "forbidden_url", "a downgrade")
    end
  end)

  it("redirect to 169.254.169.254, 127.0.0.1, [::1], 0x7f000001, ::ffff:10.0.0.1 -> forbidden_address, no SYN sent",
    function()
      -- The user's own server on this machine may lead to this machine, and no further.
      for _, host in ipairs { "169.254.169.254", "[::ffff:10.0.0.1]", "192.168.0.1" } do
        refused(led_to(("https://%s:%d/"):format(host, quiet)), "forbidden_address", host)
      end
      for _, host in ipairs { "169.254.169.254", "127.0.0.1", "[::1]", "0x7f000001", "[::ffff:10.0.0.1]", "localhost",
        "127.1", "2130706433", "[::ffff:127.0.0.1]", "10.0.0.1", "[fd00::1]", "[64:ff9b::7f00:1]" } do
        local location = ("https://%s:%d/latest/meta-data"):format(host, quiet)
        local err = refused(elsewhere {
          ["https://api.example/task"] = { body = '{"status":"SUCCEEDED","output":["https://cdn.example/a.mp4"]}' },
          ["https://cdn.example/a.mp4"] = { status = 302, redirect = location },
        }, "forbidden_address", location)
        assert.matches("allow_private", err.message, 1, true)
        -- nor where the URL of the film itself leads there
        refused(elsewhere {
          ["https://api.example/task"] = { body = ('{"status":"SUCCEEDED","output":["%s"]}'):format(location) },
        }, "forbidden_address", location)
      end
    end)

  it("name that resolves to a private address (rebinding: first public, then private) -> checked per connection -> "
    .. "same", function()
    local names = { ["rebound.example:" .. server.port] = "127.0.0.1" }
    client:close()
    -- The API itself was led there by the user, and its connection is kept; no film may take it.
    client = by_path.client("http://rebound.example:" .. server.port, { allow_http = true, resolve = names })
    local film = ("http://rebound.example:%d/film"):format(server.port)
    local task = by_path.made(client, film)
    for _ = 1, 2 do
      refused(task, "forbidden_address", film)
      assert(client:get(by_path.json '{"status":"RUNNING"}'))
    end
    assert.equal(0, #got "/film")
    -- nor is anyone called by a name that leads there from the first
    names["fresh.example:" .. quiet] = "127.0.0.1"
    client:close()
    client = by_path.client("http://rebound.example:" .. server.port, { allow_http = true, resolve = names })
    film = ("http://fresh.example:%d/film"):format(quiet)
    refused(by_path.made(client, film), "forbidden_address", film)
  end)

  it("redirect across hosts -> no Authorization, X-Api-Key, version header", function()
    server:film("across", { size = 5000, seed = 1 })
    local there = ("http://localhost:%d/film/across?there"):format(server.port)
    local task = led_to(there)
    assert(task:download(here:path "film.mp4"))
    assert.is_true(here:content "film.mp4" == rawserver.film_bytes(1, 5000))
    local from, asked = "/redirect?to=" .. there, server:seen("/status/200?body")
    for _, hop in ipairs { from, "/film/across?there" } do
      local requests = got(hop)
      assert.equal(1, #requests)
      for _, name in ipairs(SECRETS) do assert.is_nil(requests[1].headers[name], hop .. " has " .. name) end
      assert.is_nil(requests[1].head:find(by_path.KEY, 1, true))
    end
    assert.equal(by_path.KEY, asked[#asked].headers["x-api-key"]) -- and the API had them
  end)

  it("308 on POST -> no second POST", function()
    for _, status in ipairs { 307, 308 } do
      for i, to in ipairs { "http://127.0.0.1:" .. quiet .. "/ok", "/echo" } do
        local path = ("/redirect?to=%s&code=%d&once=%d"):format(to, status, i)
        local task, err = by_path.submit(client, path)
        assert.is_nil(task)
        assert.equal("protocol", err.kind)
        assert.equal("yes", err.sent)
        assert.is_false(err.retryable)
        assert.equal(1, #got(path))
      end
    end
    assert.equal(0, #got "/echo")
    assert_quiet()
  end)

  it("TLS expired / wrong host / self-signed / old protocol -> tls, not retried, unsent", function()
    for _, on in ipairs { "expired", "wrong_host", "self_signed", "old" } do
      local c = by_path.client(server:url("", on), { ca_file = server.ca_file, max_retries = 2 })
      local before = server:connected(on)
      local task, err = by_path.submit(c, "/ok?tls")
      assert.is_nil(task, on)
      assert.equal("network", err.kind, on)
      assert.equal("tls", err.code, on)
      assert.equal("no", err.sent, on)
      assert.equal(1, err.attempts, on .. ": " .. err.message)
      assert.is_false(err.retryable, on)
      assert.is_true(server:connected(on) <= before + 2) -- with HTTP/1.1, and maybe with HTTP/2
      c:close()
    end
    assert.equal(0, #server:seen "/ok?tls")
  end)

  it("proxy 407/502 on CONNECT -> proxy, unsent", function()
    for status, again in pairs { [407] = false, [502] = true } do
      local c = by_path.client(("https://status-%d.example"):format(status), { proxy = server:url "" })
      local task, err = by_path.submit(c, "/ok?proxied")
      assert.is_nil(task)
      assert.equal("network", err.kind)
      assert.equal("proxy", err.code)
      assert.equal("no", err.sent)
      assert.equal(again, err.retryable)
      assert.equal(1, err.attempts)
      c:close()
    end
    assert.equal(2, #server:seen "status-")
    assert.equal(0, #server:seen "/ok?proxied")
  end)

  it("IPv6 black hole -> happy eyeballs, connect limit", function()
    -- A listener whose line is full takes no one in and turns no one away. localhost is both.
    local hole = socket.tcp6()
    hole:setoption("ipv6-v6only", true)
    if not hole:bind("::1", server.port) or not hole:listen(0) then return pending "no IPv6 on this machine" end
    local line = {}
    for i = 1, 4 do
      line[i] = socket.tcp6()
      line[i]:settimeout(0)
      line[i]:connect("::1", server.port)
    end
    local c = by_path.client("http://[::1]:" .. server.port, { connect_timeout = 0.3 })
    local task, err = by_path.submit(c, "/ok?hole")
    assert.is_nil(task)
    assert.equal("timeout", err.kind)
    assert.equal("no", err.sent)
    assert.is_true(err.retryable)
    c:close()
    c = by_path.client("http://localhost:" .. server.port)
    assert.equal("task-after-1", by_path.submit(c, "/busy/200?times=0&hole").id)
    assert.equal(1, #server:seen "&hole")
    assert.equal(0, #server:seen "?hole")
    c:close()
    for i = 1, 4 do line[i]:close() end
    hole:close()
  end)

  it("DNS time-out -> unsent, within 10 s", function()
    -- Names of which no one hears anything for long, in a process of its own.
    local source = here:write("deaf.c", [[
      #include <netdb.h>
      #include <unistd.h>
      int getaddrinfo (const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **at) {
        (void)name; (void)port; (void)hints; (void)at;
        sleep(15);
        return EAI_AGAIN;
      }]])
    local library = here:path "deaf.so"
    assert(os.execute(("%s -D_GNU_SOURCE -shared -fPIC -o '%s' '%s'"):format(os.getenv "CC" or "cc", library, source)))
    local said, code = child.run([[
      local by_path = require "spec.support.by_path"
      local core = require "runway.core"
      local c = by_path.client("https://api.example", { connect_timeout = 0.3 })
      local began = core.now()
      local task, err = by_path.submit(c, "/ok")
      print(task, err.kind, err.sent, err.attempts, err.retryable, core.now() - began < 9)
      local other = by_path.client(...)         -- nor is anyone else held up
      print(by_path.submit(other, "/busy/200?times=0&named").id)
    ]], { arguments = { server:url "" },
      before = ("export SPEC_PRELOAD='%s' LD_PRELOAD=\"${LD_PRELOAD:-}:%s\";"):format(library, library) })
    assert.equal(0, code, said)
    assert.equal("nil\ttimeout\tno\t1\ttrue\ttrue\ntask-after-1", said)
    -- Ten seconds, when no one says otherwise.
    local given
    local c = by_path.client("https://api.example", { transport = setmetatable({
      start = function(_, wire, done)
        given = wire.connect_timeout
        local unsent = { sent = false, error = { kind = "network", message = "no" } }
        scheduler.at(scheduler.now(), function() done(unsent) end)
      end,
    }, { __index = transport }) })
    by_path.submit(c, "/ok")
    assert.equal(10, given)
    c:close()
  end)
end)
