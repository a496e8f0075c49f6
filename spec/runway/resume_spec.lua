-- A download that breaks off goes on where it broke off, over real sockets, in the same run or a later
-- one; and never puts together what does not belong together.

local child = require "spec.support.child"
local core = require "runway.core"
local keeps_parts = require "spec.support.keeps_parts"
local rawserver = require "spec.support.rawserver"
local retry = require "runway.retry"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local SIZE = 200000
local OVERLAP = 1024                          -- fetched twice at each cut
local HEAD = 400                              -- bytes of an answer's head, at most

describe("a download that breaks off", function()
  local server, here, client, marks
  local count, name, film = 0, nil, nil
  local delay = retry.delay

  local function connect(more)
    local options = { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = server:url "" }
    for key, value in pairs(more or {}) do options[key] = value end
    return assert(runway.client(options))
  end

  setup(function()
    server = rawserver.start()
    retry.delay = function() return 0 end     -- what is proven here does not hang on time
    marks = keeps_parts(server)
  end)
  teardown(function()
    retry.delay = delay
    server:stop()
  end)
  before_each(function()
    here = scratch.new()
    count = count + 1
    name, film = "film" .. count, rawserver.film_bytes(count, SIZE)
    client = connect()
  end)
  after_each(function()
    client:close()
    here:remove()
  end)

  local function plan(steps, more)
    local all = { size = SIZE, seed = count, steps = steps }
    for key, value in pairs(more or {}) do all[key] = value end
    server:film(name, all)
    return assert(client:get(name))
  end

  local function path() return here:path "a.mp4" end
  local function part() return here:content "a.mp4.part" end
  local function requests() return server:seen("/film/" .. name .. "?") end

  -- From where each request asked, "-" for the start.
  local function asked()
    local list = {}
    for i, request in ipairs(requests()) do list[i] = (request.headers.range or "-"):match "^bytes=(%d+)%-$" or "-" end
    return list
  end

  local function fetched()
    local sum = 0
    for _, request in ipairs(requests()) do sum = sum + request.sent end
    return sum
  end

  local function assert_there(file, err, bytes)
    bytes = bytes or film
    assert.is_truthy(file, tostring(err))
    assert.is_true(here:content "a.mp4" == bytes, "the file is not the film")
    assert.same({ #bytes, core.sha256(bytes) }, { file.bytes, file.sha256 })
    assert.is_nil(part())
  end

  -- `it`, where there are marks.
  local function resumes(what, fn)
    it(what, function()
      if not marks then return pending "no extended attributes here" end
      fn()
    end)
  end

  resumes("goes on, and fetches nothing twice but a little", function()
    assert_there(plan { "cut:50000", "reset:60000", "cut:70000" }:download(path()))
    local list = asked()
    assert.same({ 4, "-", tostring(50000 - OVERLAP) }, { #list, list[1], list[2] })
    assert.equal(('"%d-0"'):format(count), requests()[2].headers["if-range"])
    assert.is_true(fetched() <= SIZE + 3 * OVERLAP + 4 * HEAD)
  end)

  resumes("does not use up its attempts while it comes further", function()
    local steps = {}
    for i = 1, 9 do steps[i] = "cut:20000" end
    assert_there(plan(steps):download(path()))
    assert.equal(10, #requests())
  end)

  it("goes on where a server that told no length hung up in the middle of a film", function()
    assert_there(plan({ "endless:50000" }):download(path()))
    assert.equal(2, #requests())
  end)

  it("gives up when it comes no further", function()
    local steps = {}
    for i = 1, 20 do steps[i] = i == 1 and "cut:20000" or "cut:500" end
    local _, err = plan(steps):download(path())
    assert.equal("network", err.kind)
    assert.is_true(#requests() <= 6)
    assert.is_nil(here:content "a.mp4")
  end)

  describe("begins anew", function()
    -- What the second request meets, and how many there are in all.
    for step, most in pairs {
      whole = 2, changed = 2, blind = 3, blindest = 3, ["start:100"] = 3, ["lie:100"] = 3, ["total:5"] = 3, norange = 3,
      noname = 3, other = 3, labelled = 3, ["status:416"] = 3, ["status:400"] = 3, ["status:501"] = 3,
    } do
      resumes("when the rest is answered with " .. step, function()
        if step:find "^changed" or step:find "^blind" then film = rawserver.film_bytes(count + 1, SIZE) end
        assert_there(plan({ "cut:50000", step }):download(path()))
        local list = asked()
        assert.equal(most, #list)
        assert.not_equal("-", list[2])
        if most == 3 then assert.equal("-", list[3]) end
      end)
    end

    for what, more in pairs {
      ["has no name"] = { bare = 1 }, ["has a weak tag"] = { weak = 1 }, ["has a date of just now"] = { dated = 5 },
      ["is labelled as packed"] = { labelled = 1 },
    } do
      it("where the server's file " .. what, function()
        assert_there(plan({ "cut:50000" }, more):download(path()))
        assert.same({ "-", "-" }, asked())
      end)
    end
  end)

  resumes("goes on by a date, when that is old enough to mean these bytes", function()
    assert_there(plan({ "cut:50000" }, { dated = 3600 }):download(path()))
    assert.same({ "-", tostring(50000 - OVERLAP) }, asked())
    assert.matches("^%a+, .* GMT$", requests()[2].headers["if-range"])
  end)

  resumes("goes on when the length was not told at first", function()
    assert_there(plan({ "cut:50000" }, { chunked = 1 }):download(path()))
    assert.same({ "-", tostring(50000 - OVERLAP) }, asked())
  end)

  resumes("takes less than it asked for as a step of the way", function()
    assert_there(plan { "cut:50000", "short:60000", "short:60000" }:download(path()))
    assert.equal(4, #asked())
  end)

  resumes("does not take the end of a connection for the end of the file", function()
    assert_there(plan { "cut:50000", "endless:60000" }:download(path()))
    assert.same({ "-", tostring(50000 - OVERLAP), tostring(110000 - 2 * OVERLAP) }, asked())
  end)

  resumes("asks for the rest on every hop", function()
    assert_there(plan { "cut:50000", "redirect", "redirect" }:download(path()))
    local from = tostring(50000 - OVERLAP)
    assert.same({ "-", from, from, from }, asked())
  end)

  resumes("refuses to be led astray with the rest as with the whole", function()
    local task = plan { "cut:50000", "away" }
    local _, err = task:download(path())
    assert.equal("forbidden_url", err.code)
    assert.equal(50000, #part())
    assert_there(task:download(path()))
  end)

  for _, step in ipairs { "status:503", "status:500", "page" } do
    resumes("loses nothing to an answer that is no file: " .. step, function()
      assert_there(plan { "cut:50000", step }:download(path()))
      assert.same({ "-", tostring(50000 - OVERLAP), tostring(50000 - OVERLAP) }, asked())
    end)
  end

  describe("whose URL expires", function()
    resumes("goes on by the new one, as often as it comes further", function()
      assert_there(plan { "cut:50000", "expire", "cut:50000", "expire" }:download(path()))
      local list = requests()
      assert.equal(5, #list)
      assert.same({ "1", "1", "2", "2", "3" }, { list[1].target:match "%d$", list[2].target:match "%d$",
        list[3].target:match "%d$", list[4].target:match "%d$", list[5].target:match "%d$" })
      assert.is_true(fetched() <= SIZE + 2 * OVERLAP + 5 * HEAD)
    end)

    resumes("begins anew when the new one leads to other bytes", function()
      film = rawserver.film_bytes(count + 1, SIZE)
      assert_there(plan { "cut:50000", "expire", "changed" }:download(path()))
    end)

    it("asks for it again, for some seconds, when it does not come further", function()
      local task = plan { "expire", "expire", "expire" }
      assert.is_nil((task:download(path(), { deadline = 0.5 })))
      assert.is_true(#requests() <= 3)
      assert_there(task:download(path()))
    end)

    it("sends the key with none of these", function()
      plan { "cut:50000", "expire" }:download(path())
      for _, request in ipairs(requests()) do assert.is_nil(request.headers.authorization) end
    end)
  end)

  describe("in a run that ends", function()
    -- A download in a process that is killed when `at` bytes are there.
    local function killed_at(at)
      local _, code = child.run([[
        local runway, url, name, path, at = require "runway", ...
        local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef",
          base_url = url })
        assert(client:get(name)):download(path, { on_progress = function(received)
          if received >= tonumber(at) then os.execute "kill -9 $PPID" end
        end })
      ]], { arguments = { server:url "", name, path(), tostring(at) } })
      assert.equal(128 + 9, code)
      assert.equal(at, #part())
    end

    local function killed(steps, at, more)
      plan(steps, more)
      killed_at(at)
    end

    local function again() return assert(client:get(name)):download(path()) end

    resumes("goes on in the next, after a kill -9", function()
      killed({ "hang:120000" }, 120000)
      assert_there(again())
      assert.same({ "-", tostring(120000 - OVERLAP) }, asked())
    end)

    resumes("goes on as often as it is killed", function()
      killed({ "hang:60000", "hang:60000", "hang:60000" }, 60000)
      for i = 2, 3 do killed_at(60000 * i - OVERLAP * (i - 1)) end
      assert_there(again())
      assert.is_true(fetched() <= SIZE + 3 * OVERLAP + 4 * HEAD)
    end)

    resumes("needs no more than a look when all of it was there", function()
      killed({ "hang:" .. SIZE }, SIZE, { chunked = 1 })
      assert_there(again())
      assert.same({ "-", tostring(SIZE - OVERLAP) }, asked())
    end)

    resumes("begins anew in the next when the file has changed", function()
      killed({ "hang:120000", "changed" }, 120000)
      film = rawserver.film_bytes(count + 1, SIZE)
      assert_there(again())
    end)

    resumes("goes on also when the client was closed, or the job cancelled", function()
      local task, job = plan { "hang:50000", "hang:50000" }, nil
      local function download(at, stop)
        job = runway.spawn(task.download, task, path(), { on_progress = function(received)
          if received >= at then stop() end
        end })
        return select(2, job:join())
      end
      assert.equal("cancelled", download(50000, function() client:close() end).kind)
      client = connect()
      task = assert(client:get(name))
      assert.equal("cancelled", download(100000 - OVERLAP, function() job:cancel() end).kind)
      assert_there(again())
      assert.is_true(fetched() <= SIZE + 2 * OVERLAP + 3 * HEAD)
    end)

    resumes("is another's when another task is to write there", function()
      killed({ "hang:120000" }, 120000)
      local other = name
      count = count + 1
      name, film = "film" .. count, rawserver.film_bytes(count, SIZE)
      assert_there(plan({}):download(path()))
      assert.same({ "-" }, asked())
      assert.not_equal(other, name)
    end)

    for what, change in pairs {
      ["is not what was written"] = function(bytes) return bytes:sub(1, -501) .. ("\0"):rep(500) end,
      ["is longer than the film"] = function(bytes) return bytes .. ("x"):rep(SIZE) end,
      ["is all but empty"] = function() return "\0\0\0" end,
    } do
      resumes("begins anew where what is left " .. what, function()
        killed({ "hang:120000" }, 120000)
        local bytes = change(part())
        local file = assert(io.open(path() .. ".part", "r+b"))
        file:write(bytes):close()
        if #bytes < 120000 then os.execute(("truncate -s %d '%s.part'"):format(#bytes, path())) end
        assert_there(again())
      end)
    end

    it("neither takes for its own nor touches what is another's, though it be the same", function()
      here:write("a.mp4.part", film:sub(1, 120000))
      assert.is_truthy(plan { "cut:150000" }:download(path()))
      assert.is_true(here:content "a.mp4" == film)
      assert.is_true(part() == film:sub(1, 120000))
      assert.equal("-", asked()[1])
    end)

    resumes("does not mix with another that is at it", function()
      local task = plan { "hang:50000" }
      local job = runway.spawn(task.download, task, path())
      repeat runway.step(0.01) until #(part() or "") == 50000
      local second = connect()
      local _, err = assert(second:get(name)):download(path())
      assert.equal("locked", err.code)
      assert.equal(1, #requests())
      second:close()
      job:cancel()
      assert_there(again())
      assert.same({ "-", tostring(50000 - OVERLAP) }, asked())
    end)
  end)
end)
