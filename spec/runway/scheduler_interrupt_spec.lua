-- Ctrl-C: it ends a wait at once, but never loses the answer to what was just paid for.

local core = require "runway.core"
local lua = require "spec.support.interpreter"
local rawserver = require "spec.support.rawserver"
local scheduler = require "runway.scheduler"

describe("an interrupt", function()
  local server

  setup(function() server = rawserver.start {} end)
  teardown(function() server:stop() end)

  -- Starts a program; it prints its process id first.
  local function start(code)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(([[
      io.stdout:setvbuf "no"
      local shell = io.popen "echo $PPID"
      print(shell:read "l")
      shell:close()
      local runway = require "runway"
      local client = assert(runway.client { api_key = "test", base_url = %q, max_retries = 0 })
      local function pay(what)
        return client:request { method = "POST", path = "/held-body?" .. what, json = {} }
      end
    ]]):format(server:url "") .. code)
    file:close()
    local program = io.popen(("LUA_PATH='%s' LUA_CPATH='%s' %s %s 2>&1")
      :format(package.path, package.cpath, lua, path))
    return program, assert(program:read "l"), path
  end

  local function until_seen(fragment)
    local deadline = core.now() + 20
    while #server:seen(fragment) == 0 do assert(core.now() < deadline, "the request never came") end
  end

  local function finish(program, path)
    local said = program:read "a"
    program:close()
    os.remove(path)
    return said
  end

  it("waits for a paid answer, hands it out, and then ends the script", function()
    local program, pid, path = start [[
      local answer = pay "script"
      print(answer and answer.status)
      print(pcall(runway.sleep, 1000))
    ]]
    until_seen "?script"
    os.execute("kill -INT " .. pid)
    server:release()
    assert.matches("^200\nfalse\t[^\n]*interrupted!\n$", finish(program, path))
  end)

  it("lets jobs keep what they paid for, and lets none of them pay again", function()
    local program, pid, path = start [[
      print(pcall(runway.run, function()
        for number = 1, 3 do
          local answer = pay("job" .. number)
          print(answer and answer.status)
        end
      end))
    ]]
    until_seen "?job1"
    os.execute("kill -INT " .. pid)
    server:release()
    assert.matches("^200\nfalse\t.*interrupted!", finish(program, path))
    assert.equal(0, #server:seen "?job2")
  end)

  it("does the same for a host with a loop of its own", function()
    local program, pid, path = start [[
      runway.spawn(function()
        local answer = pay "loop"
        print(answer and answer.status)
      end)
      print(pcall(function() while true do runway.step(0.1, 0) end end)) -- by the smallest of frames
    ]]
    until_seen "?loop"
    os.execute("kill -INT " .. pid)
    server:release()
    assert.matches("^200\nfalse\t[^\n]*interrupted!\n$", finish(program, path))
  end)

  it("reaches a program that waits in a coroutine of its own", function()
    local program, pid, path = start [[
      local answer = coroutine.wrap(function() return pay "coroutine" end)()
      print(answer and answer.status)
      print(pcall(coroutine.wrap(function() runway.sleep(1000) end)))
    ]]
    until_seen "?coroutine"
    os.execute("kill -INT " .. pid)
    server:release()
    assert.matches("^200\nfalse\t[^\n]*interrupted!\n$", finish(program, path))
  end)

  -- Lua's hook raises it where the main thread goes on: just after the job has yielded.
  it("that comes while a job runs breaks nothing in the loop: what waits goes on waiting", function()
    local program, _, path = start [[
      local job = runway.spawn(function()
        io.popen("kill -INT $PPID"):close()
        print(pcall(runway.sleep, 0.01))
        return "well"
      end)
      print(pcall(job.join, job))
      print(job:join())
    ]]
    assert.matches("^false\t[^\n]*interrupted!\ntrue\nwell\n$", finish(program, path))
  end)

  it("is told once, and not by each job that it ended", function()
    local program, pid, path = start [[
      for number = 1, 3 do
        runway.spawn(function()
          pay("many" .. number)
          pay "again"
        end)
      end
      print(pcall(function() while true do runway.step(0.1, 0) end end)) -- by the smallest of frames
    ]]
    until_seen "?many3"
    os.execute("kill -INT " .. pid)
    server:release()
    local said = finish(program, path)
    assert.matches("^false\t[^\n]*interrupted!\n$", said)
    assert.equal(0, #server:seen "?again")
  end)

  it("that comes a second time is raised at once; the first is told, once, while an answer is still to come", function()
    local wait, turns, told = core.wait, 0, 0
    local w, timer = scheduler.waiter(), scheduler.at(scheduler.now() + 1000, print)
    w.critical = true
    scheduler.on_deferred = function() told = told + 1 end
    core.wait = function()
      turns = turns + 1
      if turns == 4 then w:wake() elseif turns ~= 2 then error(turns .. ": interrupted!", 0) end
    end
    local ok, err = pcall(scheduler.park, w)
    core.wait, scheduler.on_deferred = wait, nil
    scheduler.cancel_timer(timer)
    w:wake()
    assert.is_false(ok)
    assert.matches("^3: interrupted!", tostring(err))
    assert.same({ 3, 1 }, { turns, told })
    assert.is_true(scheduler.step(0))
  end)

  it("ends any other wait at once", function()
    local program, pid, path = start [[
      local job = runway.spawn(function() client:request { path = "/hang?free" } end)
      print(pcall(job.join, job))
    ]]
    until_seen "?free"
    os.execute("kill -INT " .. pid)
    assert.matches("^false\t[^\n]*interrupted!\n$", finish(program, path))
  end)
end)
