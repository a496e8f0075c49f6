-- runway inside a program that embeds Lua and links the C files in: several states in several
-- threads, a fork, a state closed in the middle of everything.

local child = require "spec.support.child"
local databases = require "spec.support.databases"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"

describe("another Lua than the one it was built for", function()
  local own = "lua" .. _VERSION:sub(5)

  for _, other in ipairs { "lua5.1", "luajit", "lua5.2", "lua5.3", "lua5.4", "lua5.5" } do
    if other ~= own then
      it("is told so: " .. other, function()
        local path = ("LUA_PATH='%s' LUA_CPATH='%s'"):format(package.path, package.cpath)
        if not os.execute("command -v " .. other .. " >/dev/null") then return pending(other .. " is not here") end
        if os.getenv "LUA_INIT" then return pending "a sanitized module loads nowhere else" end
        for _, module in ipairs { "runway", "runway.core", "runway.json", "runway.listener" } do
          local pipe = assert(io.popen(("LD_PRELOAD= %s %s -e 'print(select(2, pcall(require, \"%s\")))' 2>&1")
            :format(path, other, module)))
          local said = pipe:read "a"
          pipe:close()
          assert.truthy(said:find("built for " .. _VERSION, 1, true), said)
        end
      end)

      if other == "lua5.1" or other == "lua5.2" or other == "luajit" then
        it("is not built for: " .. other, function()
          if not os.execute("command -v " .. other .. " >/dev/null") then return pending(other .. " is not here") end
          if os.getenv "LUA_INIT" then return pending "a sanitizer is preloaded into every Lua" end
          local pipe = assert(io.popen(("MAKEFLAGS= make LUA=%s INSTALL=no BUILD=/nowhere/build 2>&1"):format(other)))
          local said = pipe:read "a"
          assert.is_nil(pipe:close())
          assert.truthy(said:find("built for Lua 5.3, 5.4 or 5.5", 1, true), said)
        end)
      end

      it("is told so by the command: " .. other, function()
        if not os.execute("command -v " .. other .. " >/dev/null") then return pending(other .. " is not here") end
        if os.getenv "LUA_INIT" then return pending "a sanitized module loads nowhere else" end
        local pipe = assert(io.popen(("LD_PRELOAD= RUNWAY_BUILD='%s' %s bin/runway --version 2>&1")
          :format(os.getenv "RUNWAY_BUILD" or "build", other)))
        local said = pipe:read "a"
        local _, _, code = pipe:close()
        local theirs = other:match "5%.[345]$"
        local more = theirs and ", or .*make LUA=lua" .. theirs or "; runway runs on Lua 5.3, 5.4 or 5.5"
        assert.matches(("^runway: it was built for %s, and this is Lua [^\n]*: start it by lua%s%s[^\n]*\n$"):format(
          _VERSION, _VERSION:sub(5), more), said)
        assert.is_nil(said:find("stack traceback", 1, true), said)
        assert.equal(2, code)
      end)
    end
  end
end)

describe("a host that has not opened one of Lua's libraries that runway needs", function()
  for name, call in pairs {
    assert = 'base library, which this host has not opened: luaL_requiref(L, "_G", luaopen_base, 1)',
    string = 'string library, which this host has not opened: luaL_requiref(L, "string", luaopen_string, 1)',
    table = 'table library, which this host has not opened: luaL_requiref(L, "table", luaopen_table, 1)',
    math = 'math library, which this host has not opened: luaL_requiref(L, "math", luaopen_math, 1)',
    coroutine = 'coroutine library, which this host has not opened: '
      .. 'luaL_requiref(L, "coroutine", luaopen_coroutine, 1)',
  } do
    it("is told which, in one line: " .. name, function()
      local said, code = child.run("local pcall, print, select = pcall, print, select\n" .. name .. " = nil\n" .. [[
        local runway = require "runway"
        for _ = 1, 2 do print((select(2, pcall(function() return runway.spawn end)))) end
      ]])
      assert.equal(0, code, said)
      local line = "[^\n]*:%d+: runway needs Lua's " .. call:gsub("%p", "%%%0")
      assert.matches("^" .. line .. "\n" .. line .. "\n?$", said)
    end)
  end
end)

describe("a program that links runway in", function()
  local server, here, directory, program

  local function shell(command)
    local pipe = assert(io.popen(command .. " 2>&1; echo \"exit $?\""))
    local output = pipe:read "a"
    pipe:close()
    local text, code = output:match "^(.*)exit (%d+)\n$"
    return tonumber(code), text
  end

  setup(function()
    server = rawserver.start {}
    here = scratch.new()
    directory = here.directory
    -- By the lines of docs/embedding.md, in a directory that has beside the sources only the host's own.
    assert(os.execute(("cp spec/support/host.c spec/support/host.cpp '%s' && ln -s \"$PWD/src\" '%s'"):format(
      directory, directory)))
    local lines = {}
    for line in io.lines "docs/embedding.md" do
      if line:find "^c[c+]+ %-" and not line:find "%-Ibuild" then lines[#lines + 1] = line end
    end
    assert.equal(3, #lines)
    lines = (table.concat(lines, "\n") .. "\n"):gsub("lua5%.4", "lua" .. _VERSION:sub(5))
      :gsub("(%S+)(%S*) %*%.o %-o host ", "%1%2 *.o -o %1.run ")
    -- what the modules it loads are instrumented with, a program must be as well
    lines = lines:gsub("%-Isrc", "-Isrc -Wall -Wextra -pedantic " .. (os.getenv "SPEC_CFLAGS" or ""))
    local code, said = shell(("cd '%s' && set -e && %s"):format(directory, lines))
    assert(code == 0 and said == "", said)
    program = directory .. "/host.c.run"
  end)

  teardown(function()
    server:stop()
    here:remove()
  end)

  it("is included in C and C++, whatever comes before it and wherever Lua's own headers are", function()
    for language, compiler in pairs { c = "cc", ["c++"] = "c++" } do
      assert.same({ 0, "" }, { shell(("echo '#include \"runway.h\"' | %s -x %s -Wall -Wextra -Werror -pedantic"
        .. " -fsyntax-only -Isrc -"):format(compiler, language)) })
    end
  end)

  -- Runs a script in the program; raises what it says when it fails.
  local function run(threads, script, ...)
    local path = here:write("script.lua", script)
    local command = ("LD_PRELOAD= LUA_PATH='%s' LUA_CPATH='%s' '%s' %d '%s'")
      :format(package.path, package.cpath, program, threads, path)
    for _, argument in ipairs { ... } do command = command .. " '" .. argument .. "'" end
    local code, said = shell(command)
    assert(code == 0, said)
    return said
  end

  it("is linked into C and C++ alike", function()
    local script = here:write("once.lua", [[
      local client = assert(require("runway").client { api_key = "test", base_url = ..., max_retries = 0 })
      assert(client:request { path = "/ok" })
    ]])
    local found = ("LD_PRELOAD= LUA_PATH='%s' LUA_CPATH='%s'"):format(package.path, package.cpath)
    for _, host in ipairs { "host.c.run' '0", "host.cpp.run" } do
      assert.same({ 0, "" }, { shell(("%s '%s/%s' '%s' '%s'"):format(found, directory, host, script, server:url "")) })
    end
  end)

  local CLIENT = [[
    local runway = require "runway"
    local url = ...
    local client = assert(runway.client { api_key = "test", base_url = url, max_retries = 0 })
  ]]

  it("has one independent engine for each state of each thread", function()
    run(8, CLIENT .. [[
      assert(not rawget(_G, "runway"))
      runway.run(function()
        local jobs = {}
        for i = 1, 20 do
          jobs[i] = runway.spawn(function() return assert(client:request { path = "/echo?" .. i }).status end)
        end
        local statuses, failures = runway.all(jobs)
        assert(not failures)
        for i = 1, 20 do assert(statuses[i] == 200) end
      end)
    ]], server:url "")
  end)

  it("may close a state while transfers of every kind are under way", function()
    run(8, CLIENT .. [[
      for i = 1, 20 do
        runway.spawn(function() client:request { path = "/hang" } end)
        runway.spawn(function() client:request { method = "POST", path = "/hang", json = { i } } end)
      end
      for _ = 1, 5 do runway.step(0.01, math.huge) end
    ]], server:url "")
  end)

  it("gets an error in a forked child, and goes on in the parent", function()
    local said = run(0, CLIENT .. [[
      assert(client:request { path = "/ok" })
      local child = host.fork()
      if child == 0 then
        local answer, err = client:request { path = "/ok" }
        print(answer, err and err.kind, err and err.message:match("fork"), err and err.sent,
          require("runway.core").stats().started)
        host.exit(7)
      end
      assert(host.wait(child) == 7)
      assert(client:request { path = "/ok" })
      assert(require("runway.core").stats().started == 2)
      print "parent fine"
    ]], server:url "")
    assert.equal("nil\tconfig\tfork\tno\t0\nparent fine\n", said)
  end)

  it("is told in a forked child why a job that was under way cannot be joined there", function()
    local said = run(0, CLIENT .. [[
      local job = runway.spawn(function() return client:request { path = "/hang" } end)
      runway.step(0)
      local child = host.fork()
      if child == 0 then
        print(pcall(function() job:join() end))
        host.exit(7)
      end
      assert(host.wait(child) == 7)
      assert(not job:done())
      job:cancel()
    ]], server:url "")
    assert.matches("^false\t[^\n]*:%d+: waiting for something that cannot happen: this process was forked after runway "
      .. "had started; only the parent can use it[^\n]*\n$", said)
  end)

  it("may close its copy of the state in a forked child without harm to the parent", function()
    run(0, CLIENT .. [[
      assert(client:request { path = "/ok" })
      local job = runway.spawn(function() return assert(client:request { path = "/body/300000" }) end)
      runway.step(0)
      local child = host.fork()
      if child == 0 then os.exit(0, true) end
      assert(host.wait(child) == 0)
      assert(#job:join().body == 300000)
    ]], server:url "")
  end)

  it("may use runway in a child that was forked before the first request", function()
    run(0, CLIENT .. [[
      local child = host.fork()
      if child == 0 then
        assert(client:request { path = "/ok" })
        host.exit(7)
      end
      assert(host.wait(child) == 7)
    ]], server:url "")
  end)

  local STORE = [[
    local store = require "runway.store"
    local path = ...
    local s = assert(store.open(path))
    local function count() return assert(s:read { { "SELECT count(*) AS c FROM t" } })[1].rows[1].c end
  ]]

  it("has one database for many states in many threads", function()
    run(8, STORE .. [[
      assert(s:write { { "CREATE TABLE IF NOT EXISTS t (k BIGINT)" } })
      for i = 1, 20 do assert(s:write { { "INSERT INTO t (k) VALUES ($1)", i } }) end
      s:close()
    ]], directory .. "/threads.db")
    run(0, STORE .. "assert(count() == 160) s:close()", directory .. "/threads.db")
  end)

  it("has no part in a database in a forked child, and goes on in the parent", function()
    local said = run(0, STORE .. [[
      assert(s:write { { "CREATE TABLE t (k BIGINT)" } })
      local child = host.fork()
      if child == 0 then
        local results, err = s:write { { "INSERT INTO t (k) VALUES (1)" } }
        print(results, err.kind, err.message:match "fork first")
        s:close()
        s = nil
        collectgarbage()
        print(select(2, store.open(path)).kind)
        os.exit(7, true)
      end
      assert(host.wait(child) == 7)
      assert(s:write { { "INSERT INTO t (k) VALUES (3)" } })
      assert(count() == 1)
      print "parent fine"
    ]], directory .. "/forked.db")
    assert.equal("nil\tconfig\tfork first\nconfig\nparent fine\n", said)
  end)

  -- The second thread's states end in the midst of all they do, at another moment each time.
  local CLIPS = [[
    local runway, sandbox = require "runway", require "runway.sandbox"
    local where, directory = ...
    local server = assert(sandbox.start { seconds = 0.02 })
    local client = assert(runway.client { provider = "runwayml", api_key = "any", base_url = server.base_url,
      poll_interval = 0.01, journal = where })
    local jobs = {}
    for i = 1, 4 do
      local key = ("%d-%d-%d"):format(host.thread, host.round, i)
      jobs[i] = runway.spawn(function()
        local task = assert(client:generate { prompt = "a lighthouse", model = "gen4.5", ratio = "1280:720",
          duration = 5, key = key })
        assert(task:wait { timeout = 60 })
        return assert(task:download(directory .. "/" .. key .. ".mp4")).bytes
      end)
    end
    if host.thread == 2 then
      for _ = 1, 20 * host.round do runway.step(0.001) end
      if host.round % 3 == 1 then client:close() end
      if host.round % 3 == 2 then server:close() end
      return host.round < 12
    end
    for i = 1, 4 do assert(assert(jobs[i]:join()) > 0) end
    client:close()
    server:close()
    return host.round < 3
  ]]

  databases.each("has in each of two threads a state with its client, its listener and one journal for both,",
    function(fresh)
      it("of which one works while others are closed", function()
        local where, clips = fresh(), scratch.new()
        finally(function() clips:remove() end)
        run(2, CLIPS, where, clips.directory)
        run(0, [[
          local all = {}
          for _, e in ipairs(assert(assert(require "runway".journal(...)):entries())) do all[e.key] = e end
          for round = 1, 3 do
            for i = 1, 4 do assert(all[("1-%d-%d"):format(round, i)].state == "done") end
          end
        ]], where)
      end)
    end)

  it("hears from a state that closes of what that one has at stake, and of no other's", function()
    assert.equal("its own\nstill here\nthe other's\n", run(0, [[
      local core = require "runway.core"
      local word = core.leave_word "the other's\n"
      assert(host.state 'require("runway.core").leave_word "its own\\n"')
      io.stderr:write "still here\n"
      assert(host.state(('require("runway.core").take_back(%d)'):format(word)))
    ]]))
  end)

  it("has no names but its own", function()
    assert.is_nil(require("runway").nothing)
    assert.is_nil(require("runway")[1])
  end)

  it("runs as well under either garbage collector", function()
    for _, mode in ipairs { "incremental", "generational" } do -- Lua 5.3 has only the first
      run(2, ('pcall(collectgarbage, "%s")'):format(mode) .. CLIENT .. [[
        for i = 1, 30 do
          assert(client:request { path = "/echo?" .. i })
          collectgarbage "step"
        end
      ]], server:url "")
    end
  end)
end)
