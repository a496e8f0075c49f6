-- runway.listener: what is to be had of it, and what whoever posts to it can see. Over real sockets.

local child = require "spec.support.child"
local core = require "runway.core"
local listening = require "spec.support.listening"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

describe("runway.listener", function()
  local listener
  after_each(function()
    mocked.close()
    listening.close_all()
    if listener then listener:close() end
    listener = nil
  end)

  -- Posts, and gives the whole answer as it came, without its date.
  local function post(target, body, method)
    local raw = { port = function() return listener.port end }
    local peer = listening.connect(raw):request(method or "POST", target, { "Connection: close" }, body or "{}")
    listening.eventually("an answer", function()
      runway.step(0)
      return peer:pump()
    end)
    return (peer.got:gsub("Date: [^\r\n]*\r\n", ""))
  end

  it("listens at this machine, at a port that is free, and says where", function()
    listener = assert(runway.listener())
    assert.matches("^http://127%.0%.0%.1:%d+/$", listener.url)
    assert.equal(listener.url, ("http://127.0.0.1:%d/"):format(listener.port))
    assert.equal("listener at " .. listener.url, tostring(listener))
    assert.matches("^HTTP/1.1 200", post "/")
    listener:close()
    assert.matches("closed", tostring(listener))
    local other = assert(runway.listener { port = listener.port })
    assert.equal(listener.url, other.url)
    other:close()
  end)

  it("answers all alike, whatever is posted, wherever, by whom", function()
    listener = assert(runway.listener())
    local client, mock = mocked.client(function() return { json = { code = 200, data = { task_id = "t1" } } } end,
      { provider = "cometapi", callback = listener, callback_url = "https://me.example/" })
    assert(client:generate { prompt_text = "a cat" })
    local right = "/?" .. mock.requests[1].json.callback_url:match "runway_token=.*"
    local answer = post(right, '{"task_id":"t1","status":"1"}')
    assert.matches("^HTTP/1.1 200", answer)
    assert.matches("\r\n\r\n$", answer)
    for _, other in ipairs { { "/" }, { right, "junk" }, { right, '{"task_id":"t2"}' }, { "/a/b?c" },
      { "/?runway_token=" .. core.token(), '{"task_id":"t1","status":"1"}' }, { right, nil, "PUT" } } do
      assert.equal(answer, post(other[1], other[2], other[3]))
    end
    assert.matches("^HTTP/1.1 413", post(right, ("x"):rep(2 ^ 20 + 1)))
  end)

  it("answers before it looks at what came", function()
    listener = assert(runway.listener())
    local first
    local respond, deliver = getmetatable(listener.listener).__index.respond, listener.deliver
    listener.deliver = function(...)
      first = first or "looked"
      return deliver(...)
    end
    local real = listener.listener
    listener.listener = { take = function() return real:take() end, close = function() real:close() end,
      respond = function(_, ...)
        first = first or "answered"
        return respond(real, ...)
      end }
    post "/"
    assert.equal("answered", first)
  end)

  it("that cannot be had says why at once", function()
    listener = assert(runway.listener())
    local other, err = runway.listener { port = listener.port }
    assert.same({ nil, "io", "listen", "no" }, { other, err.kind, err.code, err.sent })
    assert.matches("127.0.0.1:" .. listener.port .. ": Address already in use", err.message, 1, true)
    other, err = runway.listener { host = "203.0.113.7" }
    assert.is_nil(other)
    assert.matches("203.0.113.7", err.message, 1, true)
    local ok, message = pcall(function()
      local listening_twice = runway.listener { hots = "::1" }
      return listening_twice
    end)
    assert.is_false(ok)
    assert.matches("^[^:]*port_spec%.lua:%d+: listener: ", message)
    for said, options in pairs { ["option host must be"] = { host = "example.com" },
      ["option port must be"] = { port = 65536 }, ['unknown option "hots"'] = { hots = "::1" } } do
      assert.error_matches(function() runway.listener(options) end, said)
    end
  end)

  it("says that a descriptor or the library is missing", function()
    local said = child.run([[
      local runway = require "runway"
      assert(runway.listener()):close()
      local held = {}
      repeat held[#held + 1] = io.open "/dev/null" until not io.open "/dev/null"
      local listener, err = runway.listener()
      print(listener, err.kind, err.code, err.message)
    ]], { before = "ulimit -n 40;" })
    assert.matches("^nil\tio\tlisten\tcannot listen on 127%.0%.0%.1:0: ", said)
    said = child.run [[
      local runway = require "runway"
      package.preload["runway.listener"] = function() error "libmicrohttpd.so.12: cannot open shared object file" end
      local listener, err = runway.listener()
      print(listener, err.kind, err.code, err.message)
    ]]
    assert.matches("^nil\tconfig\tlisten\t", said)
    assert.matches("libmicrohttpd12", said, 1, true)
  end)

  it("is no way to a provider elsewhere, unless a callback_url leads to it", function()
    for _, host in ipairs { "127.0.0.1", "0.0.0.0" } do
      listener = assert(runway.listener { host = host })
      local client, err = runway.client { provider = "cometapi", api_key = "k", callback = listener }
      assert.same({ nil, "config" }, { client, err.kind })
      assert.matches("callback_url", err.message, 1, true)
      assert(runway.client { provider = "cometapi", api_key = "k", callback = listener,
        callback_url = "https://me.example/" })
      assert(runway.client { provider = "cometapi", api_key = "k", callback = listener,
        base_url = "http://127.0.0.1:1" })
      listener:close()
    end
    for _, none in ipairs { {}, require("runway.listener").listen() } do
      assert.error_matches(function() runway.client { callback = none } end,
        "option callback must be what runway.listener gave")
    end
  end)

  for _, case in ipairs {
    { "cometapi", { prompt_text = "a cat" }, "/runway/feed" },
    { "chatgptsb", { prompt_text = "a cat", model = "gen3a" }, "^/runway/tasks/" },
    { "qimu", { prompt_text = "a cat", ratio = "16:9", duration = 5 }, "/getTask$" },
  } do
    it("lets a wait ask " .. case[1] .. " when it says that something has changed, and never else", function()
      local server = assert(sandbox.start { seconds = 0.2 })
      finally(function() server:close() end)
      listener = assert(runway.listener())
      local client = assert(runway.client { provider = case[1], api_key = "sk-0123456789", base_url = server.base_url,
        callback = listener })
      local began = core.now()
      local task = assert(assert(client:generate(case[2])):wait())
      assert.equal("SUCCEEDED", task.status)
      assert.is_true(core.now() - began < 19) -- before it is asked without one
      local queries = 0
      for _, request in ipairs(server.requests) do
        if request.path:find(case[3]) then queries = queries + 1 end
      end
      assert.is_true(queries <= 2, queries)   -- it runs, it has ended
    end)
  end

  it("serves a batch, whose journal it knows, and the accounts beside it", function()
    local files = scratch.new()
    finally(function() files:remove() end)
    local said = child.run([[
      local core, runway, sandbox = require "runway.core", require "runway", require "runway.sandbox"
      local server, listener = assert(sandbox.start { seconds = 0.2 }), assert(runway.listener())
      local client = assert(runway.client { provider = "cometapi", api_key = "sk-0123456789",
        base_url = server.base_url, callback = listener })
      local began = core.now()
      local made = assert(runway.batch(client, { { prompt_text = "a cat", key = "a" },
        { prompt_text = "a dog", key = "b", provider = "qimu", ratio = "16:9", duration = 5 } }, { directory = ... }))
      print(made.exit_code, made.counts.done, core.now() - began < 19)
    ]], { arguments = { files:path "out" }, before = "export QIMU_API_KEY=sk-0123456789;" })
    assert.equal("0\t2\ttrue", said)
  end)

  it("wakes no wait of a provider without callbacks, which is asked as ever", function()
    local server = assert(sandbox.start { seconds = 0 })
    finally(function() server:close() end)
    listener = assert(runway.listener())
    local client = assert(runway.client { api_key = "k-0123456789", base_url = server.base_url, callback = listener,
      poll_interval = 0.05 })
    local task = assert(client:generate(mocked.clip()))
    assert(task:wait())
  end)
end)
