-- What a program is told that can have no thread, wherever it first wanted one; and that it can have all of it later.
-- A preloaded library (spec/support/holdsync.c) refuses them.

local child = require "spec.support.child"
local scratch = require "spec.support.scratch"

describe("where no thread can be had", function()
  local directory

  setup(function()
    directory = scratch.new()
    assert(os.execute(("cc -D_GNU_SOURCE -shared -fPIC -o '%s' spec/support/holdsync.c -ldl"):format(
      directory:path "holdsync.so")))
  end)
  teardown(function() directory:remove() end)

  local function run(code)
    local library, hold = directory:path "holdsync.so", directory:path "hold"
    return child.run([[
      local directory = ...
      local runway, sandbox = require "runway", require "runway.sandbox"
      local refusal = directory .. "/hold.threads"
      local function client(options)
        options.provider, options.api_key, options.max_retries = "runwayml", "key_0123456789abcdef", 0
        return runway.client(options)
      end
      -- What is said of it, without the line.
      local function said(value, err) print(value, (tostring(err):gsub("^%S+:%d+: ", ""))) end
    ]] .. code, {
      before = ("export HOLD_SYNC='%s' SPEC_PRELOAD='%s' LD_PRELOAD=\"${LD_PRELOAD:-}:%s\";")
        :format(hold, library, library),
      arguments = { directory.directory },
    })
  end

  it("not even for the engine, each call says so at once, and a step goes on", function()
    local output, code = run [[
      io.open(refusal, "w"):close()
      said(runway.preload())
      said(runway.pollfd())
      said(assert(client {}):generate { prompt_text = "a lamp", model = "gen4.5", ratio = "1280:720", duration = 5 })
      said(runway.journal(directory .. "/a.db"))
      said(sandbox.start {})
      print(runway.step(0), runway.timeout())
      os.remove(refusal)
      print(runway.preload(), math.type(runway.pollfd()))
    ]]
    local why = "the engine's thread cannot be started"
    assert.equal(table.concat({
      "nil\trunway.preload: limit: " .. why, "nil\tlimit: " .. why,
      "nil\tclient:generate: limit: " .. why .. " (runwayml)", "nil\trunway.journal: limit: " .. why, "nil\t" .. why,
      "true\tnil", "true\tinteger",
    }, "\n"), output)
    assert.equal(0, code)
  end)

  it("beside the engine's, a journal and a sandbox say so, leave nothing open, and are opened later", function()
    if os.getenv "LUA_INIT" then return pending "a sanitizer opens files of its own" end
    local output, code = run [[
      assert(runway.preload())
      io.open(refusal, "w"):close()
      said(runway.journal(directory .. "/a.db"))
      said(client { journal = directory .. "/a.db" })
      said(sandbox.start {})
      local function descriptors()
        local pipe = io.popen "ls /proc/$PPID/fd 2>/dev/null"
        local _, count = pipe:read "a":gsub("\n", "")
        pipe:close()
        return count
      end
      local before = descriptors()
      for _ = 1, 20 do
        runway.journal(directory .. "/a.db")
        sandbox.start {}
      end
      local more = descriptors() - before     -- the engine's thread, which has just begun, may open one of its own
      print(more < 20 and "none" or more)
      os.remove(refusal)
      assert(runway.journal(directory .. "/a.db")):close()
      assert(sandbox.start {}):close()
      print "opened"
    ]]
    assert.equal(table.concat({
      "nil\trunway.journal: limit: the thread of a database cannot be started",
      "nil\trunway.client: limit: the thread of a database cannot be started",
      "nil\tcannot listen on 127.0.0.1:0: its threads could not be started", "none", "opened",
    }, "\n"), output)
    assert.equal(0, code)
  end)
end)
