-- The engine in the life of its program: signals, limits, the environment, and the end.

local child = require "spec.support.child"
local core = require "runway.core"
local faults = require "spec.support.faults"
local rawserver = require "spec.support.rawserver"

-- What every program below begins with.
local PREAMBLE = [[
local core = require "runway.core"
local function finish(request)
  request.method, request.timeout = request.method or "GET", request.timeout or 15
  local id = assert(core.start(request))
  while true do
    local taken, result = core.take()
    if taken == id then return result end
    core.wait(15)
  end
end
local function describe(result)
  local e = result.error
  print(result.status, e and e.kind, e and e.code, result.sent)
end
]]

describe("a program with an engine", function()
  local server, directory

  setup(function()
    server = rawserver.start { tls = true }
    directory = server.directory
  end)
  teardown(function() server:stop() end)

  local function run(code, options)
    options = options or {}
    local started = core.now()
    local output, status = child.run(PREAMBLE .. code, options)
    return output, status, core.now() - started
  end

  local function exists(path)
    local file = io.open(path)
    if file then file:close() end
    return file ~= nil
  end

  it("without standard streams has none of its own descriptors in their places", function()
    local path = directory .. "/unheard.mp4"
    local output, status = run([[
      local url, path, seen = ...
      local id = assert(core.start { method = "GET", url = url, timeout = 15, save = { path = path } })
      repeat core.wait(0.01) until (core.progress(id) or 0) > 0
      local own = io.open("/proc/self/stat"):read "n"
      os.execute(("for n in 0 1 2; do readlink /proc/%d/fd/$n; done >%s"):format(own, seen))
      core.say "said to no one\n"
      if io.stderr:write "nor is this" then io.stderr:flush() end
      if io.stdout:write "nor this" then io.stdout:flush() end
      local taken, result
      repeat core.wait(15) taken, result = core.take() until taken == id
      os.exit(result.status == 200 and not result.error and 0 or 1)
    ]], { arguments = { server:url "/slow-body?pause=0.001", path, path .. ".seen" },
      before = "exec <&- >&- 2>&-;" })
    assert.same({ "", 0 }, { output, status })
    for name, expected in pairs { [path] = ("x"):rep(1000), [path .. ".seen"] = ("/dev/null\n"):rep(3) } do
      local file = assert(io.open(name))
      assert.equal(expected, file:read "a")
      file:close()
    end
  end)

  -- Transfers in every stage of life: connecting, unanswered, half there, standing in line.
  local BUSY = [[
    local plain, deaf, target = ...
    for index = 1, 20 do
      core.start { method = "POST", url = plain .. "/hang", body = "x", gate = true, timeout = 60 }
      core.start { method = "GET", url = plain .. "/slow-body", timeout = 60, lane = 1,
                   lane_limit = 2 }
      core.start { method = "GET", url = deaf, timeout = 60, connect_timeout = 60 }
    end
    local id = core.start { method = "GET", url = plain .. "/stall-mid-body", timeout = 60,
                            lane = 2, save = { path = target } }
    repeat core.wait(0.01) until core.progress(id) == 500
  ]]

  for how, code in pairs {
    ["by coming to its end"] = "",
    ["by os.exit"] = "os.exit(7)",
    ["by os.exit with a closed state"] = "os.exit(7, true)",
    ["by an error"] = "error 'enough'",
    ["after closing the engine"] = "core.close() core.close()",
    ["after collecting everything"] = "core = nil package.loaded['runway.core'] = nil "
      .. "collectgarbage() collectgarbage()",
  } do
    it("ends at once, whatever is under way, " .. how, function()
      local target = directory .. "/clip.mp4"
      local output, status, took = run(BUSY .. code, { arguments = {
        server:url "", (server:url("/", "deaf"):gsub("^http:", "https:")), target } })
      local expected = code:find "os.exit" and 7 or code:find "error" and 1 or 0
      assert.equal(expected, status, output)
      assert.is_true(took < 15, "it waited for its transfers")
      assert.is_false(exists(target))
      if code ~= "os.exit(7)" then assert.is_false(exists(target .. ".part")) end
      os.remove(target .. ".part")
    end)
  end

  it("lets the engine go without waiting for what is under way", function()
    local output = run(BUSY .. [[
      local before = core.now()
      core.close()
      print(core.now() - before < 1 and "prompt" or core.now() - before)
    ]], { arguments = { server:url "", (server:url("/", "deaf"):gsub("^http:", "https:")),
                        directory .. "/closed.mp4" } })
    assert.equal("prompt", output)
  end)

  it("lets the engine go while a film comes faster than it is written", function()
    local fault = faults.new()
    finally(function() fault:remove() end)
    local output = run([[
      local url, target, lfs = ..., select(2, ...), require "lfs"
      local function threads()
        local n = 0
        for _ in lfs.dir "/proc/self/task" do n = n + 1 end
        return n
      end
      core.start { method = "GET", url = url .. "/body/10", timeout = 60 }
      repeat core.wait(0.1) until core.take()
      core.close()
      os.execute "sleep 0.5"
      local before = threads()                -- ThreadSanitizer begins one of its own beside the first
      local id = core.start { method = "GET", url = url .. "/body/100000000", timeout = 600, save = { path = target } }
      repeat core.wait(0.01) until core.progress(id) > 0
      core.close()
      local deadline = core.now() + 15
      while threads() > before and core.now() < deadline do os.execute "sleep 0.1" end
      print(threads() - before, "left")
    ]], { arguments = { server:url "", directory .. "/slow.mp4" }, before = fault:before("write=SLOW", directory) })
    assert.equal("0\tleft", output)
  end)

  it("is interrupted in a wait, and can go on afterwards", function()
    -- The interpreter's own handler raises from a hook: Lua has to be running for that.
    local output, status = run([[
      local pid = io.popen("echo $PPID"):read("n")
      core.start { method = "GET", url = ... .. "/hang", timeout = 60 }
      os.execute(("(sleep 0.1; kill -INT %d) &"):format(pid))
      local before = core.now()
      local fine, problem = pcall(function() while true do core.wait(60) end end)
      print(fine, problem, core.now() - before < 30)
      describe(finish { url = ... .. "/ok" })
    ]], { arguments = { server:url "" } })
    assert.equal(0, status, output)
    assert.matches("^false\t.*interrupted!\ttrue\n200\tnil\tnil\ttrue$", output)
  end)

  it("is not killed by a peer that hangs up", function()
    local output, status = run([[
      local body = ("x"):rep(4000000)
      for _, path in ipairs { "/reset-after-request", "/close-before-answer", "/refuse-early" } do
        for _ = 1, 3 do finish { method = "POST", url = ... .. path, body = body, gate = true } end
      end
      finish { method = "POST", url = select(2, ...), body = body, gate = true }
      print "alive"
    ]], { arguments = { server:url "", server:url("/", "reset") } })
    assert.equal("alive", output)
    assert.equal(0, status)
  end)

  it("is told when no descriptor is left, and can go on when there are some again", function()
    local output, status = run([[
      local held = {}
      describe(finish { url = ... .. "/ok" }) -- what the engine needs is open
      while true do
        local file = io.open("/dev/null")
        if not file then break end
        held[#held + 1] = file
      end
      describe(finish { method = "POST", url = ... .. "/ok?starved", gate = true })
      describe(finish { url = ... .. "/ok", save = { path = select(2, ...) } })
      for _, file in ipairs(held) do file:close() end
      describe(finish { method = "POST", url = ... .. "/ok?fed", gate = true })
    ]], { arguments = { server:url "", directory .. "/starved.mp4" }, before = "ulimit -n 40;" })
    assert.equal(0, status, output)
    local lines = {}
    for line in output:gmatch("[^\n]+") do lines[#lines + 1] = line end
    assert.equal("200\tnil\tnil\ttrue", lines[1])
    assert.matches("^nil\tio\t%S+\tfalse$", lines[2])
    assert.matches("^nil\tio\t%S+\tfalse$", lines[3])
    assert.equal("200\tnil\tnil\ttrue", lines[4])
    assert.equal(0, #server:seen "?starved")
    assert.equal(1, #server:seen "?fed")
  end)

  it("is told when a file may grow no further, and keeps no piece of it", function()
    local target = directory .. "/full.mp4"
    local output, status = run([[
      describe(finish { url = ... .. "/body/1000000", save = { path = select(2, ...) } })
    ]], { arguments = { server:url "", target }, before = "ulimit -f 8;" })
    assert.equal(0, status, output)
    assert.matches("^200\tio\t%S+\ttrue$", output)
    assert.is_false(exists(target))
    assert.is_false(exists(target .. ".part"))
  end)

  describe("whose environment names a proxy", function()
    local function connections() return server:connected "quiet" end

    it("goes through it", function()
      local output = run([[
        describe(finish { url = "https://status-502.example/" })
      ]], { before = "HTTPS_PROXY=" .. server:url "" })
      assert.equal("nil\tnetwork\tproxy\tfalse", output)
      assert.equal(1, #server:seen "status-502.example:443")
    end)

    it("still goes nowhere private where the proxy is not used", function()
      local port = server.ports.quiet
      local url = ("https://rebound.example:%d/"):format(port)
      local code = ([[
        describe(finish { url = %q, address = "public", proxy = select(1, ...),
                          resolve = { ["rebound.example:%d"] = "127.0.0.1" } })
      ]]):format(url, port)
      local before = connections()
      for _, environment in ipairs {
        "http_proxy=http://127.0.0.1:1", -- for http only, and this is https
        "https_proxy=http://127.0.0.1:1 no_proxy='*'",
        "ALL_PROXY=http://127.0.0.1:1 NO_PROXY=rebound.example",
      } do
        assert.matches("^nil\tinvalid_request\tforbidden_address\tfalse$",
          (run(code, { before = environment })))
      end
      code = code:gsub("rebound.example", "%0.") -- the same name, fully spelled
      run(code, { before = "https_proxy=http://127.0.0.1:1 no_proxy=rebound.example" })
      local output = run(code, { before = "no_proxy='*'", arguments = { server:url "" } })
      assert.matches("^nil\t%S+\t%S+\tfalse$", output)
      assert.equal(before, connections(), "a private address was called")
    end)

    it("does not go through it to this machine", function()
      local output = run("describe(finish { url = ... })", {
        before = "http_proxy=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1",
        arguments = { server:url "/ok" },
      })
      assert.equal("200\tnil\tnil\ttrue", output)
    end)
  end)

  it("that cannot start says so, and raises nothing", function()
    local output = child.run([[
      local core = require "runway.core"
      local taken = {}
      for i = 1, 1000 do taken[i] = io.open "/dev/null" end
      local id, message, kind = core.start { method = "GET", url = "https://api.example/" }
      print(id, message, kind)
      print(core.probe "/etc/hostname")
      print(core.fd())
      print(core.notify_fd())
      print(core.wait(0))
      taken = nil
      collectgarbage()
      print(math.type(core.start { method = "GET", url = "https://127.0.0.1:1/" }))
    ]], { before = "ulimit -n 40;" })
    local refused = "nil\tno file descriptors left for the engine\tlimit\n"
    assert.equal(refused:rep(4) .. "false\ninteger", output)
  end)
end)
