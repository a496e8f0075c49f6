-- What a store of films, a disk and other programs may do to a download: a promise for each, as whoever calls
-- task:download meets it. Named as in the catalogue of hostile inputs.

local child = require "spec.support.child"
local core = require "runway.core"
local faults = require "spec.support.faults"
local interpreter = require "spec.support.interpreter"
local keeps_parts = require "spec.support.keeps_parts"
local mounted = require "spec.support.mounted"
local rawserver = require "spec.support.rawserver"
local retry = require "runway.retry"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local SIZE = 200000
local LARGE = 2 * 1024 * 1024                 -- more than is written at once
local OVERLAP = 1024                          -- fetched twice at each cut

-- A program of its own: its arguments are the server's URL, the film's name and a path.
local PROGRAM = [[
  io.stdout:setvbuf "no"
  local runway = require "runway"
  local url, name, path = ...
  local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = url,
    max_retries = 0, poll_interval = 0.01, journal = path .. ".db" })
  local task = assert(client:generate { model = "gen4.5", prompt_text = name, ratio = "1280:720", duration = 5,
    key = name })
  assert(task:wait())
  local file, err = task:download(path, { on_progress = function(n) print(n) end })
  print(file and file.sha256 or ("%s %s %s"):format(err.kind, err.code, err.task_id))
  print(client.journal:get(name).state)
  os.exit(0)
]]

describe("download and files:", function()
  local server, here, client, marks
  local count, name, film = 0, nil, nil
  local delay = retry.delay

  local function plan(steps, more)
    count = count + 1
    name, film = "film" .. count, rawserver.film_bytes(count, SIZE)
    local all = { size = SIZE, seed = count, steps = steps or {} }
    for key, value in pairs(more or {}) do all[key] = value end
    server:film(name, all)
    return assert(client:get(name))
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
    client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = server:url "",
      poll_interval = 0.01 })
  end)
  after_each(function()
    client:close()
    here:remove()
  end)

  local function path() return here:path "a.mp4" end
  local function part() return here:content "a.mp4.part" end

  local function requests() return server:seen("/film/" .. name .. "?") end

  -- From where each request asked, "-" for the start.
  local function asked()
    local list = {}
    for i, request in ipairs(requests()) do list[i] = (request.headers.range or "-"):match "^bytes=(%d+)%-$" or "-" end
    return list
  end

  local function there(file, err, bytes)
    assert.is_truthy(file, tostring(err))
    assert.is_true(here:content "a.mp4" == (bytes or film), "the file is not the film")
    assert.equal(core.sha256(bytes or film), file.sha256)
    assert.is_nil(part())
    for _, request in ipairs(requests()) do assert.is_nil(request.headers.authorization) end
  end

  -- An error of that kind, that has the task.
  local function fails(kind, code, ok, err)
    assert.is_nil(ok)
    assert.same({ kind, code, name, "yes" }, { err.kind, err.code, err.task_id, err.sent }, err.message)
    assert.equal(name, err.task.id)
    return err
  end

  -- From the second request on: where what is there is gone on with.
  local function resumed(list)
    if not marks then return end
    assert.same(list, asked())
  end

  ------------------------------------------------------------------- what the server does

  for _, status in ipairs { 401, 403, 404, 410 } do
    it(("expired URL %d -> new GET of task, new URL, resume"):format(status), function()
      there(plan({ "cut:50000", "expire" }, { gone = status }):download(path()))
      local from = tostring(50000 - OVERLAP)
      resumed { "-", from, from }
      local list = requests()
      assert.same({ "1", "2" }, { list[1].target:match "%d$", list[#list].target:match "%d$" })
    end)
  end

  it("Range ignored (200) -> restart from 0, no doubled bytes", function()
    there(plan { "cut:50000", "whole" }:download(path()))
    resumed { "-", tostring(50000 - OVERLAP) }
  end)

  it("ETag changed -> If-Range gives 200 -> restart", function()
    local task = plan { "cut:50000", "changed" }
    local file, err = task:download(path())
    there(file, err, rawserver.film_bytes(count + 1, SIZE))
    if marks then assert.equal(('"%d-0"'):format(count), requests()[2].headers["if-range"]) end
  end)

  it("weak ETag -> no range resume", function()
    there(plan({ "cut:50000" }, { weak = 1 }):download(path()))
    assert.same({ "-", "-" }, asked())
  end)

  it("0-byte video -> bad media", function()
    local err = fails("protocol", "bad_media", plan({}, { size = 0 }):download(path()))
    assert.matches("empty", err.message, 1, true)
    assert.is_nil(here:content "a.mp4")
  end)

  for what, more in pairs { ["whose length is told"] = {}, ["whose length is not"] = { chunked = 1 } } do
    it("bigger than `max_bytes` -> stop: one " .. what, function()
      local got = 0
      fails("limit", "too_large", plan({}, more):download(path(), { max_bytes = SIZE - 1,
        on_progress = function(n) got = n end }))
      assert.is_true(got == 0 or more.chunked == 1 and got < SIZE, "bytes of it were taken")
      assert.same({ nil, 1 }, { here:content "a.mp4", #requests() })
      there(assert(client:get(name)):download(path(), { max_bytes = SIZE }))
    end)
  end

  ------------------------------------------------------------------- what the disk does

  -- Runs the program under faults of the file system: what it said, line by line.
  local function run(list, file)
    local library = faults.new()
    local said, code = child.run(PROGRAM, { before = library:before(list, (file or path()) .. ".part"),
      arguments = { server:url "", name, file or path() } })
    library:remove()
    assert.equal(0, code, said)
    local lines = {}
    for line in said:gmatch "[^\n]+" do
      if not line:find "^%d+$" and not line:find "^runway:" then lines[#lines + 1] = line end
    end
    return lines
  end

  describe("with a journal,", function()
    local before

    before_each(function() before = #server:seen "/v1/text_to_video" end)

    local function once()
      assert.equal(before + 1, #server:seen "/v1/text_to_video")
    end

    it("disk full -> `disk_full`, part kept, resumable; job not failed", function()
      plan({}, { size = LARGE })
      film = rawserver.film_bytes(count, LARGE)
      local lines = run "write=ENOSPC@3"
      assert.same({ ("io disk_full %s"):format(name), "downloading" }, lines)
      assert.is_nil(here:content "a.mp4")
      if marks then assert.is_true(#part() > 0) end
      assert.same({ core.sha256(film), "done" }, run "")
      if marks then assert.not_equal("-", asked()[2]) end
      once()
    end)

    it("fsync error -> `io`, no \"done\"", function()
      plan()
      local lines = run "fsync=EIO"
      assert.matches("^io ", lines[1])
      assert.same({ 2, "downloading" }, { #lines, lines[2] })
      assert.is_nil(here:content "a.mp4")
      assert.same({ core.sha256(film), "done" }, run "")
      once()
    end)
  end)

  it("target exists -> error unless `overwrite`; rename no-replace", function()
    here:write("a.mp4", "precious")
    local task = plan()
    fails("io", "exists", task:download(path()))
    assert.same({ "precious", 0 }, { here:content "a.mp4", #requests() })
    there(task:download(path(), { overwrite = true }))
    -- one that comes while the film does
    os.remove(path())
    local come
    fails("io", "exists", task:download(path(), { on_progress = function()
      if not come then come = here:write("a.mp4", "precious") end
    end }))
    assert.equal("precious", here:content "a.mp4")
  end)

  for what, make in pairs { symlink = "echo precious >'%s.other' && ln -s '%s.other' '%s'", FIFO = "mkfifo '%s'",
    dir = "mkdir '%s'" } do
    it(("symlink/FIFO/dir at the .part path -> not followed, error: a %s"):format(what), function()
      local at = path() .. ".part"
      assert(os.execute((make:gsub("%%s", at))))
      local err = fails("io", "file", plan():download(path()))
      assert.matches(".part", err.message, 1, true)
      assert.same({ nil, 0 }, { here:content "a.mp4", #requests() })
      if what == "symlink" then assert.equal("precious\n", here:content "a.mp4.part.other") end
    end)
  end

  it("another process on the same target -> flock, `locked`", function()
    plan { "hang:50000", "hang:50000" }
    local script = here:write("program.lua", PROGRAM)
    local program = io.popen(("%s echo $$; exec %s '%s' '%s' %s '%s' 2>&1"):format(child.paths(), interpreter,
      script, server:url "", name, path()))
    local pid = program:read "l"
    repeat until program:read "l" == "50000"
    fails("io", "locked", assert(client:get(name)):download(path()))
    assert.same({ 50000, 1 }, { #part(), #requests() })
    os.execute("kill -9 " .. pid)
    program:close()
    server:film(name, { size = SIZE, seed = count, steps = {} })
    there(assert(client:get(name)):download(path()))
    if marks then assert.equal(tostring(50000 - OVERLAP), asked()[2]) end
  end)

  it("cross-device rename -> part lives beside the target", function()
    local other = mounted.tmpfs "2m"
    if not other then return pending "only root mounts a file system of its own" end
    finally(function() other:remove() end)
    local task = plan { "hang:50000" }
    local got = 0
    local job = runway.spawn(task.download, task, other:path "a.mp4", { on_progress = function(n) got = n end })
    repeat runway.step(0.01) until got >= 50000
    assert.equal(50000, #other:content "a.mp4.part")
    job:cancel()
    local file = assert(task:download(other:path "a.mp4"))
    assert.equal(core.sha256(film), file.sha256)
  end)

  it("file deleted while writing -> detected at rename (fstat nlink), error", function()
    local task = plan { "held:50000" }
    local gone
    local err = fails("io", "file", task:download(path(), { on_progress = function(n)
      if n < 50000 or gone then return end
      gone = os.remove(path() .. ".part")
      server:release()
    end }))
    assert.matches("deleted", err.message, 1, true)
    assert.is_nil(here:content "a.mp4")
    there(task:download(path()))
  end)

  it("file given another name while writing -> detected at rename (fstat nlink), error", function()
    local task = plan { "held:50000" }
    local given
    local err = fails("io", "file", task:download(path(), { on_progress = function(n)
      if n < 50000 or given then return end
      given = os.execute(("ln '%s.part' '%s.other'"):format(path(), path()))
      server:release()
    end }))
    assert.matches("not a plain file", err.message, 1, true)
    assert.is_nil(here:content "a.mp4")
    os.remove(path() .. ".other")
    there(task:download(path()))
  end)
end)
