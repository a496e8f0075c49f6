-- A short run of what tools/torture/failures.lua does for every call: memory that runs out, files that fail.

local failing = require "spec.support.failing"
local postgres = require "spec.support.postgres"

describe("a program in which something fails", function()
  local libraries, server
  local missing = postgres.missing()

  setup(function()
    libraries = failing.libraries()
    server = not missing and postgres.start()
  end)
  teardown(function()
    libraries:remove()
    if server then server:stop() end
  end)

  -- Lets every `step`-th fail; at least one of them must be met, and one be told of.
  local function some(plan, step, silent)
    it(failing.name(plan), function()
      if plan.journal == "postgresql" and missing then return pending(missing) end
      local range = { first = math.ceil(step / 2), step = step }
      local complaints, counts = failing.run(libraries, plan, range, server)
      assert.same({}, complaints)
      if counts.most == 0 and plan.whose ~= "files" then return pending "another library stands in for malloc" end
      assert.is_true(counts.met > 0)
      if not silent then assert.is_true(counts.told > 0) end
    end)
  end

  describe("of its memory pays at most once, tells of what it paid for, and goes on:", function()
    some({ story = "task", whose = "runway" }, 14)
    some({ story = "task", whose = "runway", journal = true, times = 5 }, 32)
    some({ story = "film", whose = "runway", times = 5 }, 12)
    some({ story = "callback", whose = "runway" }, 2)
    some({ story = "task", whose = "lua", journal = true }, 900, true)
    some({ story = "task", whose = "lua", times = 2 }, 450)
    some({ story = "task", whose = "lua", journal = true, times = 40 }, 450)
    some({ story = "task", whose = "lua", budget = true, times = 2 }, 450)
    some({ story = "task", whose = "lua", budget = true, journal = true, times = 2 }, 900)
    some({ story = "callback", whose = "lua", times = 2 }, 400)
    some({ story = "task", whose = "all", journal = true }, 1200, true)
    some({ story = "woken", whose = "runway", journal = true }, 40)
    some({ story = "woken", whose = "lua", journal = true, times = 2 }, 600)
    some({ story = "task", whose = "runway", journal = "postgresql" }, 60)
    some({ story = "woken", whose = "lua", journal = "postgresql", times = 2 }, 500)
    some({ story = "woken", whose = "all", journal = "postgresql" }, 1200, true)
  end)

  describe("of its files has none that is not whole, and says of none that it is there:", function()
    for fault, step in pairs { ["open=EMFILE@%d"] = 5, ["write=ENOSPC@%d"] = 16, ["write=EIO@%d+"] = 16,
      ["fsync=EIO@%d"] = 5, ["close=EIO@%d+"] = 4 } do
      some({ story = "task", whose = "files", fault = fault, journal = true, again = true }, step)
    end
    some({ story = "woken", whose = "files", fault = "write=EIO@%d+", journal = true, again = true }, 24)
    for fault, silent in pairs { ["write=EIO@%d"] = false, ["fsync=EIO@%d+"] = false, ["ftruncate=EIO@%d"] = false,
      ["rename=EIO@%d renameat2=EINVAL link=EPERM"] = false, ["renameat2=EIO@%d"] = true } do
      some({ story = "film", whose = "files", fault = fault, again = true }, 2, silent)
    end
  end)
end)
