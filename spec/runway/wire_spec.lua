-- Lines that do not hold each other up, over real sockets.

local adapters = require "spec.support.adapters"
local core = require "runway.core"
local leftovers = require "spec.support.leftovers"
local rawserver = require "spec.support.rawserver"
local runway = require "runway"

describe("files on their way, however slow and many,", function()
  local server, directory

  setup(function()
    server = rawserver.start()
    directory = os.tmpname()
    os.remove(directory)
    assert(os.execute("mkdir '" .. directory .. "'"))
    local file = assert(io.open(directory .. "/picture.png", "wb"))
    file:write("\137PNG\r\n\26\n", ("\0"):rep(600))
    file:close()
  end)
  teardown(function()
    server:stop()
    os.execute("rm -rf '" .. directory .. "'")
  end)

  -- A client that may have two requests under way at once, where one look finishes a task.
  local function client()
    return assert(runway.client { api_key = "k", base_url = server:url "", timeout = 10, max_in_flight = 2,
      max_retries = 0, provider = adapters.own {
        submit = function() return { method = "POST", path = "/echo?submit", json = { id = "t1" } } end,
        query = function() return { path = "/body/2" } end,
        task = function() return { status = "SUCCEEDED", output = { server:url "/stall-mid-body?film" } } end,
        upload = function(file)
          return { request = { method = "POST", path = "/hang?upload", safe = true, file = file.path } }
        end,
      } })
  end

  local function nothing_waits(path, work)
    local c = client()
    local jobs = {}
    for i = 1, 20 do jobs[i] = runway.spawn(work, c, i) end
    local deadline = core.now() + 20
    while #server:seen(path) < 2 do
      assert(core.now() < deadline, "never under way")
      runway.step(0.02)
    end
    local task = assert(c:generate { prompt = "a lighthouse", deadline = 8 })
    assert.equal("SUCCEEDED", assert(task:refresh()).status)
    for _, job in ipairs(jobs) do job:cancel() end
    c:close()
    leftovers.let_end()
  end

  it("keep neither a query nor a submit from leaving: downloads", function()
    nothing_waits("/stall-mid-body?film", function(c, i)
      local task = c:task("f" .. i)
      assert(task:refresh())
      task:download(directory .. "/" .. i .. ".mp4")
    end)
  end)

  it("keep neither a query nor a submit from leaving: uploads", function()
    nothing_waits("/hang?upload", function(c) c:upload(directory .. "/picture.png") end)
  end)
end)
