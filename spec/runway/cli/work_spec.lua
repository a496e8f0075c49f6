-- `runway work`: what it says, and its exit codes.

local cli = require "runway.cli"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

describe("runway work", function()
  local files, server

  before_each(function() files, server = scratch.new(), assert(sandbox.start { seconds = 0.01 }) end)
  after_each(function()
    server:close()
    files:remove()
  end)

  local function run(...)
    local out, err = assert(io.open(files:path "out", "w+")), assert(io.open(files:path "err", "w+"))
    local code = cli.main({ "work", ... }, { stdout = out, stderr = err })
    out:close()
    err:close()
    return code, files:content "out", files:content "err"
  end

  it("makes what is queued, and says what it made", function()
    local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef",
      base_url = server.base_url, journal = files:path "j.db" })
    assert(client:enqueue { key = "a", prompt_text = "a", model = "gen4.5", ratio = "1280:720", duration = 5 })
    client:close()
    local getenv = os.getenv
    os.getenv = function(name) -- luacheck: ignore 122
      return name == "RUNWAYML_API_SECRET" and "key_0123456789abcdef" or getenv(name)
    end
    local code, out = run("--journal", files:path "j.db", "-o", files:path "films", "--until-empty", "--base-url",
      server.base_url, "--json")
    os.getenv = getenv -- luacheck: ignore 122
    assert.equal(0, code)
    local said = require("runway.json").decode(out)
    assert.same({ 1, 0, 25, false }, { said.done, said.failed, said.credits, said.drained })
    assert.matches("ftyp", files:content "films/a.mp4")
  end)

  it("needs a journal and a directory", function()
    for _, words in ipairs { { "-o", "x" }, { "--journal", "x" } } do
      local code, _, err = run(words[1], words[2])
      assert.equal(2, code)
      assert.matches("work needs", err)
    end
  end)
end)
