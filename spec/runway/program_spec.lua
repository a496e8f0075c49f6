-- Another program, run beside the loop: its end is awaited as all else is, and it never outlives its use.

local core = require "runway.core"
local program = require "runway.program"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local function is_alive(id)
  return os.execute(("kill -0 %d 2>/dev/null"):format(id)) == true
end

-- Until it is so, for as long as anyone would wait.
local function until_true(what, condition)
  local limit = core.now() + 20
  while not condition() do
    assert(core.now() < limit, what)
    runway.sleep(0.01)
  end
end

describe("a program", function()
  local directory

  before_each(function() directory = scratch.new() end)
  after_each(function() directory:remove() end)

  -- A script that says its id, and never comes to its end; with a child of its own.
  local function endless()
    return { "sh", "-c", ("sleep 1000 & echo $! $$ >'%s'; mv '%s' '%s'; wait"):format(directory:path "new",
      directory:path "new", directory:path "ids") }
  end

  local function ids()
    until_true("it never began", function() return directory:content "ids" end)
    return directory:content("ids"):match "(%d+) (%d+)"
  end

  local function both_are_gone(child, shell)
    until_true("it lives on", function() return not is_alive(child) and not is_alive(shell) end)
  end

  it("gives its exit code and what it said", function()
    local result = assert(program.run({ "sh", "-c", "echo out; echo err >&2; exit 3" }, { timeout = 20 }))
    assert.same({ code = 3, stdout = "out\n", stderr = "err\n" }, result)
  end)

  it("gives each argument as it is, through no shell", function()
    local odd = { "", " ", "$HOME", "`id`", "a'b\"c\\", "*", "-n", "\n", "\195\164" }
    local argv = { "sh", "-c", 'for w; do printf "%s|" "$w"; done', "sh" }
    for _, word in ipairs(odd) do argv[#argv + 1] = word end
    assert.equal(table.concat(odd, "|") .. "|", assert(program.run(argv, { timeout = 20 })).stdout)
  end)

  it("has an empty input, and none of our descriptors", function()
    local file = assert(io.open(directory:write("open", "x")))
    local result = assert(program.run({ "sh", "-c", "cat; ls -l /proc/self/fd" }, { timeout = 20 }))
    file:close()
    assert.falsy(result.stdout:find("open", 1, true))
    assert.falsy(result.stdout:find("socket", 1, true))
  end)

  it("says a signal that ended it as a shell does", function()
    assert.equal(128 + 15, assert(program.run({ "sh", "-c", "kill -TERM $$" }, { timeout = 20 })).code)
  end)

  it("that talks without measure is heard to its end, and its last words are kept", function()
    local result = assert(program.run({ "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo last" },
      { timeout = 60 }))
    assert.equal(0, result.code)
    assert.equal(65536, #result.stdout)
    assert.equal("xlast\n", result.stdout:sub(-6))
  end)

  it("is over when it has ended, whoever still holds its output", function()
    local result = assert(program.run({ "sh", "-c", "sleep 1000 & echo $!" }, { timeout = 100 }))
    assert.equal(0, result.code)
    os.execute("kill " .. result.stdout)
  end)

  it("that has no end is killed with its children, and the error says so", function()
    local result, err = program.run(endless(), { timeout = 2 })
    assert.is_nil(result)
    assert.equal("timeout", err.kind)
    assert.matches("/sh came to no end within 2 s$", err.message)
    both_are_gone(ids())
  end)

  it("that has left its group is killed as well, and not waited for", function()
    local _, err = program.run({ "perl", "-e", "setpgrp(0, getpgrp(getppid())); sleep 3; open(F, '>', $ARGV[0])",
      directory:path "lived" }, { timeout = 0.5 })
    assert.equal("timeout", err.kind)
    assert.is_nil(directory:content "lived")
  end)

  it("is killed with the job that waits for it", function()
    local job = runway.spawn(program.run, endless(), { timeout = 1000 })
    local child, shell = ids()
    job:cancel()
    local _, err = job:join()
    assert.equal("cancelled", err.kind)
    both_are_gone(child, shell)
  end)

  it("lets everything else go on", function()
    local turns, done = 0, false
    local ticking = runway.spawn(function()
      while not done do
        turns = turns + 1
        runway.sleep(0.001)
      end
    end)
    local job = runway.spawn(function()
      assert(program.run({ "sh", "-c", ("while [ ! -e '%s' ]; do sleep 0.01; done"):format(directory:path "go") },
        { timeout = 60 }))
      done = true
    end)
    until_true("nothing else went on", function() return turns > 20 end)
    assert.is_false(done)
    directory:write("go", "")
    assert(runway.all { job, ticking })
  end)

  it("waits for its turn beyond four, and one that waits can be given up", function()
    local script = { "sh", "-c", ("echo >>'%s'; while [ ! -e '%s' ]; do sleep 0.01; done"):format(
      directory:path "begun", directory:path "go") }
    local running = {}
    for i = 1, 4 do running[i] = runway.spawn(program.run, script, { timeout = 100 }) end
    until_true("four never ran at once", function() return directory:content "begun" == "\n\n\n\n" end)
    local fifth = runway.spawn(program.run, script, { timeout = 100 })
    local sixth = runway.spawn(program.run, script, { timeout = 100 })
    runway.sleep(0.05)
    sixth:cancel()
    local _, err = sixth:join()
    assert.equal("cancelled", err.kind)
    directory:write("go", "")
    running[5] = fifth
    assert(runway.all(running))
    assert.equal("\n\n\n\n\n", directory:content "begun")
  end)

  it("that is not there, or can be no program, is an error and no exit code", function()
    local _, err = program.run({ "no-such-program-here" }, { timeout = 1 })
    assert.equal("io no_program", err.kind .. " " .. err.code)
    assert.matches('there is no program "no%-such%-program%-here" in the PATH', err.message)
    local script = directory:write("broken", "\127ELF and no more")
    _, err = program.run({ script }, { timeout = 1 })
    assert.equal("no_program", err.code)
    assert(os.execute(("chmod +x '%s'"):format(script)))
    _, err = program.run({ script }, { timeout = 1 })
    assert.equal("io start", err.kind .. " " .. err.code)
    assert.matches("^cannot start .*broken: ", err.message)
  end)

  it("is found in the PATH, and nowhere else", function()
    assert.matches("^/.*/sh$", program.find "sh")
    assert.is_nil(program.find "no-such-program-here")
    assert.is_nil(program.find(directory.directory))
    local script = directory:write("mine", "#!/bin/sh\n")
    assert.is_nil(program.find(script))
    assert(os.execute(("chmod +x '%s'"):format(script)))
    assert.equal(script, program.find(script))
    assert.is_nil(program.find "mine")
    local getenv, path = os.getenv, nil
    finally(function() os.getenv = getenv end) -- luacheck: ignore 122
    os.getenv = function(name) return name == "PATH" and path or getenv(name) end -- luacheck: ignore 122
    path = "tools:" .. directory.directory    -- a relative place is anyone's
    assert.is_nil(program.find "specs.sh")
    assert.equal(script, program.find "mine")
  end)

  it("takes words, and a time", function()
    for _, wrong in ipairs { false, {}, "sh", { "" }, { "sh", 1 }, { "sh", "a\0b" } } do
      assert.has_error(function() program.run(wrong or nil, { timeout = 1 }) end)
    end
    assert.error_matches(function() program.run({ "sh" }) end, "timeout is missing")
    assert.error_matches(function() program.run({ "sh" }, { timeout = 0 }) end, "option timeout must be")
    assert.error_matches(function() program.run({ "sh" }, { time = 1 }) end, "unknown option .time.")
  end)
end)
