-- The night that `make demo` ends with: a list of shots at the sandbox, some of which go wrong.

local child = require "spec.support.child"
local command = require "spec.support.command"
local json = require "runway.json"
local journal = require "runway.journal"
local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

local LIST = "examples/night/shots.csv"

describe("the example of a night", function()
  local here
  before_each(function() here = scratch.new() end)
  after_each(function() here:remove() end)

  it("makes twenty shots, of which some fail, and prints last where they are", function()
    local line = "exec 2>&1 </dev/null; %s export LUA=%s; sh examples/night/run.sh %s; echo \"code $?\""
    local pipe = assert(io.popen(line:format(child.paths(), child.quote(lua), child.quote(here:path "out"))))
    local said = pipe:read "a"
    pipe:close()
    assert.truthy(said:find("\n" .. here:path "out" .. "[^\n]*\ncode 0\n$"), said)
    assert.truthy(said:find("runway: 17 of 20 done, 2 failed, 1 unknown; 876 of 2000 credits spent or held back\n", 1,
      true), said)
    local j = assert(journal.open(here:path "out/runway.db"))
    local totals = j:totals()
    j:close()
    assert.same({ 17, 3, 1 }, { totals.states.done, totals.states.failed, totals.states.unknown }) -- one made anew
    for _, key in ipairs { "01-harbour", "08-storm", "20-harbour-again" } do
      assert.truthy(here:content("out/" .. key .. ".mp4"):find "^....ftyp", key)
    end
    assert.is_nil(here:content "out/11-brawl.mp4")
  end)

  it("has a list without a fault, whose pictures are small, and whose price is known", function()
    command.setup { RUNWAYML_API_SECRET = "key_0123456789" }
    local code, out, err = command.run({ "estimate", LIST, "--json" }, {})
    command.teardown()
    assert.equal(0, code, err)
    local sums = assert(json.decode(out:match "([^\n]+)\n$"))
    assert.same({ 20, 0 }, { sums.shots, sums.without_price })
    local pipe = assert(io.popen "find examples/night -type f -size +7k")
    assert.equal("", pipe:read "a")
    pipe:close()
  end)
end)
