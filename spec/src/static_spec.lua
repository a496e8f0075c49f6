-- What `make static` makes, linked into programs that have none of runway's Lua files.

local interpreter = require "spec.support.interpreter"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local VERSION = _VERSION:sub(5)
local BUILD = (os.getenv "RUNWAY_BUILD" or "build"):gsub("^([^/])", os.getenv "PWD" .. "/%1")
local MADE = BUILD .. "/static"

describe("runway as a part of a program", function()
  if not scratch.read(MADE .. "/librunway.a") or os.getenv "LUA_INIT" then
    return it("is linked", function() pending "make static was not run, or not for this build" end)
  end

  local here, server
  local found = ("LD_PRELOAD= LUA_PATH=/nowhere/?.lua LUA_CPATH='%s' RUNWAYML_API_SECRET=key_0123456789 ")
    :format(package.cpath:gsub("[^;]*" .. BUILD:gsub("%p", "%%%0") .. "[^;]*;?", ""))

  local function shell(command)
    local pipe = assert(io.popen(("cd '%s' && { %s; } 2>&1; echo \"exit $?\""):format(here.directory, command)))
    local text, code = pipe:read("a"):match "^(.*)exit (%d+)\n$"
    pipe:close()
    return tonumber(code), text
  end

  local function compile(line)
    assert.same({ 0, "" }, { shell(line:gsub("lua5%.4", "lua" .. VERSION) .. (os.getenv "SPEC_CFLAGS" or "")) })
  end

  -- Runs a program while the sandbox answers it.
  local function run(command)
    os.remove(here:path "code")
    os.execute(("cd '%s' && { %s RUNWAYML_BASE_URL=%s %s >said 2>&1 </dev/null; echo $? >code; } &"):format(
      here.directory, found, server.base_url, command))
    repeat runway.step(0.02) until here:content "code" and here:content "code" ~= ""
    return tonumber((here:content "code")), here:content "said"
  end

  setup(function()
    here = scratch.new()
    server = assert(sandbox.start { seconds = 0.2 })
    assert(os.execute(("ln -s '%s' '%s' && cp examples/embed/host.c '%s'"):format(MADE, here:path "build",
      here.directory)))
  end)
  teardown(function()
    server:close()
    here:remove()
  end)

  it("makes a clip in the example's loop of frames, by the example's own lines", function()
    local line = scratch.read("examples/embed/host.c"):match "(cc [^\n]*%-lm)\n"
    compile(line:gsub("examples/embed/host.c", "host.c"):gsub("%-o build/host", "-Wall -Wextra -pedantic -o host"))
    local code, said = run "./host clip.mp4"
    assert.equal(0, code, said)
    assert.matches("^clip%.mp4 after %d+ frames, of which runway took %d+%.%d+ ms at most\n$", said)
    assert.equal("ftyp", here:content("clip.mp4"):sub(5, 8))
    code, said = run "./host clip.mp4"          -- what goes wrong is said, by the host
    assert.equal(1, code)
    assert.matches("^host: .*clip%.mp4", said)
  end)

  -- Lua in any number of states, each in a thread of its own.
  local function takes_part(program)
    here:write("many.lua", [[
      local runway = require "runway"
      local client = assert(runway.client { poll_interval = 0.05 })
      local task = assert(client:generate { kind = "text_to_video", model = "gen4.5", ratio = "1280:720", duration = 5,
        prompt_text = "fog" })
      assert(task:wait())
      local ok, said = pcall(function() client:generate { model = 7 } end)
      assert(not ok and said:find("many.lua:6:", 1, true), said)
      local _, trace = xpcall(function() client:generate(7) end, debug.traceback)
      assert(trace:find("lua/runway/client.lua:%d+: in"), trace)
      for _, room in ipairs { "batch", "work", "sandbox", "providers.cometapi" } do require("runway." .. room) end
      package.loaded["runway.mine"], package.preload["runway.mine"] = nil, function() return "the host's" end
      assert(require "runway.mine" == "the host's")
    ]])
    local code, said = run(("./%s 4 many.lua"):format(program))
    assert.equal(0, code, said)
  end

  it("works in several threads at once", function()
    assert(os.execute(("cp spec/support/host.c '%s/many.c'"):format(here.directory)))
    compile("cc -std=gnu11 -O1 -Ibuild $(pkg-config --cflags lua5.4) many.c -o many build/librunway.a "
      .. "$(pkg-config --libs lua5.4 libcurl) -pthread -lm ")
    takes_part "many"
  end)

  it("is one file as well, with its licence in it, without a warning", function()
    assert.truthy(scratch.read(MADE .. "/runway_all.c"):find("Permission is hereby granted", 1, true))
    assert(os.execute(("cp spec/support/host.c '%s/many.c'"):format(here.directory)))
    local flags = "-std=c11 -O0 -Wall -Wextra -pedantic -Werror -Ibuild $(pkg-config --cflags lua5.4 libcurl) "
    compile("cc " .. flags .. "-c build/runway_all.c -o all.o ")
    compile("cc -std=gnu11 -O1 -Ibuild $(pkg-config --cflags lua5.4) many.c all.o -o many_all "
      .. "$(pkg-config --libs lua5.4 libcurl) -pthread -lm ")
    takes_part "many_all"
    compile("cc " .. flags .. "-c build/runway_all.c -o all.o -DRUNWAY_LISTENER -DRUNWAY_SQLITE -DRUNWAY_POSTGRESQL "
      .. "$(pkg-config --cflags libmicrohttpd sqlite3 libpq) ")
    local code, said = shell(("cd '%s' && c++ -fsyntax-only -xc++ build/runway_all.c"):format(
      here.directory))
    assert.equal(1, code)
    assert.matches("#error \"runway is C: compile this with cc", said, 1, true)
  end)

  it("has all Lua files as they are", function()
    here:write("same.lua", [[
      for line in io.popen("cd ']] .. os.getenv "PWD" .. [[' && find lua -name '*.lua'"):lines() do
        local name = line:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
        assert(package.preload[name], name)
      end
    ]])
    local code, said = run "./many 1 same.lua"
    assert.equal(0, code, said)
    code, said = shell(("cd '%s' && %s tools/static.lua rooms | cc -fsyntax-only -std=c11 -pedantic -Werror -Isrc "
      .. "-xc -"):format(os.getenv "PWD", interpreter))
    assert.same({ 0, "" }, { code, said })
  end)
end)
