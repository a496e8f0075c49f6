local child = require "spec.support.child"
local columns = require "runway.columns"
local mocked = require "spec.support.mocked"
local progress = require "runway.progress"
local scheduler = require "runway.scheduler"

local clip, task_is, SUBMIT = mocked.clip, mocked.task, mocked.SUBMIT

describe("runway.progress", function()
  local written, stream, path

  before_each(function()
    written = {}
    stream = { flush = function() end }
    function stream.write(_, ...) written[#written + 1] = table.concat { ... } end
    path = os.tmpname()
  end)
  after_each(function()
    mocked.close()
    os.remove(path)
  end)

  local function submitted(list)
    table.insert(list, 1, SUBMIT)
    return assert(mocked.client(list, { poll_interval = 5 }):generate(clip()))
  end

  local function show(terminal)
    return { label = "shot 1", stream = stream, terminal = terminal }
  end

  local function showing_file(terminal)
    local options = show(terminal)
    options.overwrite = true
    return options
  end

  local RUN = { task_is("PENDING"), task_is("RUNNING", { progress = 0.5 }), task_is "SUCCEEDED" }

  local function run_of()
    return { RUN[1], RUN[2], RUN[3] }
  end

  it("writes plain lines where there is no terminal: one for each change", function()
    local task = submitted(run_of())
    assert.equal(task, progress.wait(task, show(false)))
    assert.same({
      "shot 1  [..............................]   0%  PENDING\n",
      "shot 1  [###############...............]  50%  RUNNING\n",
      "shot 1  [##############################] 100%  SUCCEEDED\n",
    }, written)
  end)

  it("tells no status of an id before its provider has", function()
    local function attached()
      return mocked.client({ task_is("RUNNING", { progress = 0.5 }), task_is "SUCCEEDED" }):task "t1"
    end
    assert(progress.wait(attached(), show(false)))
    assert.matches("^shot 1  .* 50%%  RUNNING\n$", written[1])
    written = {}
    assert(progress.wait(attached(), show(true)))
    assert.equal("\rshot 1  0:00\27[K", written[1])
    for _, text in ipairs(written) do assert.is_nil(text:find("PENDING", 1, true)) end
    local task = attached()
    assert(task:refresh())
    written = {}
    assert(progress.wait(task, show(false)))
    assert.matches("50%%  RUNNING", written[1])
  end)

  it("cuts a long label between two characters", function()
    local label = "a" .. ("é"):rep(40)
    progress.wait(submitted { task_is "SUCCEEDED" }, { label = label, stream = stream, terminal = false })
    assert.equal("a" .. ("é"):rep(23) .. "  [", written[1]:match "^[^%[]*%[")
    progress.wait(submitted { task_is "SUCCEEDED" }, { label = ("貓"):rep(20) .. "\255", stream = stream,
      terminal = false })
    assert.equal(("貓"):rep(12) .. "  [", written[#written]:match "^[^%[]*%[")
  end)

  -- What stands on the terminal's line after each redraw.
  local function redrawn()
    local lines = {}
    for line in table.concat(written):gmatch "\r([^\27]*)\27%[K" do lines[#lines + 1] = line end
    return lines
  end

  for _, wide in ipairs { 1, 8, 20, 40, 80, 200 } do
    it(("fits a terminal of %d columns"):format(wide), function()
      local task = submitted { task_is("RUNNING", { progress = 0.1 }), task_is("RUNNING", { progress = 0.5 }),
        task_is "SUCCEEDED", { "GET https://cdn.example/clip.mp4", body = ("x"):rep(2500000), delay = 10 } }
      local options = { label = "貓 in fog", stream = stream, terminal = true, columns = wide }
      assert(progress.wait(task, options))
      options.overwrite = true
      assert(progress.download(task, path, options))
      local lines = redrawn()
      assert.is_true(#lines > 10)
      local longest = 0
      for _, line in ipairs(lines) do
        longest = math.max(longest, columns.of(line))
        assert.is_true(columns.of(line) < math.max(wide, 2), line)
        assert.is_truthy(utf8.len(line))
      end
      assert.is_true(wide < 40 or longest >= math.min(wide - 3, 60))
      local all = table.concat(lines, "\n")
      if wide == 20 then assert.matches("\n50%%  RUNNING", all) end
      if wide >= 40 then
        assert.matches("%[#+%.+%]  50%%  RUNNING", all)
        assert.matches("0:%d%d left", all)
      end
      if wide >= 80 then
        assert.matches("貓 in fog  [", all, 1, true)
        assert.matches("1%.3 MB of 2%.5 MB  %d+ KB/s  0:0%d left  0:%d%d", all)
      end
      assert.is_nil(lines[#lines]:find "left")
    end)
  end

  it("tells how long it still takes by how long it took", function()
    local task = submitted { task_is("RUNNING", { progress = 0.2 }), task_is("RUNNING", { progress = 0.4 }),
      task_is "SUCCEEDED" }
    progress.wait(task, { stream = stream, terminal = true, columns = 80, })
    local left = {}
    for _, line in ipairs(redrawn()) do left[#left + 1] = line:match "(%d+:%d%d) left" end
    -- a fifth in the seconds between two queries: three times that is left, and less each time it is drawn
    assert.matches("^0:1[5-9]$", left[1])
    for i = 2, #left do assert.is_true(left[i] <= left[i - 1]) end
  end)

  it("shows the bytes of a film whose length no one knows, and no bar", function()
    local function download(terminal)
      local task = submitted { task_is "SUCCEEDED" }
      assert(task:wait())
      task.download = function(_, _, opts)
        for i = 1, 40 do
          opts.on_progress(i * 100000, nil)
          if terminal then scheduler.sleep(0.5) end
        end
        return { path = path, bytes = 4000000 }
      end
      assert(progress.download(task, path, { label = "file", stream = stream, terminal = terminal, columns = 80 }))
    end
    download(true)
    local lines = redrawn()
    assert.matches("^file  2%.0 MB  [12]%d%d KB/s  0:%d%d$", lines[#lines // 2])
    for _, line in ipairs(lines) do assert.is_nil(line:find "%[") end
    written = {}
    download(false)
    assert.is_true(#written > 3 and #written < 8, "now and then")
    assert.equal("file  100 KB\n", written[1])
  end)

  it("is a bar only where one is wanted", function()
    for said, before in pairs {
      ["false"] = "NO_COLOR=1 TERM=xterm", ["false "] = "TERM=dumb", ["false  "] = "TERM=",
      ["true"] = "NO_COLOR= TERM=xterm",
    } do
      local got = child.run([[
        require "runway.core".terminal = function() return true, 80 end
        print(require "runway.progress".is_terminal())
      ]], { before = before })
      assert.equal((said:gsub(" ", "")), got)
    end
  end)

  it("does not repeat itself in a log", function()
    local running = task_is("RUNNING", { progress = 0.42 })
    running.times = 300
    progress.wait(submitted { running, task_is "SUCCEEDED" }, show(false))
    assert.equal(3, #written)
  end)

  it("redraws one line on a terminal, and ends it", function()
    progress.wait(submitted(run_of()), show(true))
    local text = table.concat(written)
    assert.equal("\r", text:sub(1, 1))
    assert.equal(1, select(2, text:gsub("\n", "")))
    assert.equal("\27[K\n", text:sub(-4))
    assert.is_true(select(2, text:gsub("\r", "")) > 10)  -- the clock goes on between two answers
    assert.truthy(text:find("0:05", 1, true))
    assert.is_nil(scheduler.timeout())
  end)

  it("gives what wait gives, and its failures", function()
    local task = submitted { task_is("FAILED", { failure = "no", progress = 1 }) }
    local done, err = progress.wait(task, show(true))
    assert.is_nil(done)
    assert.equal("task_failed", err.kind)
    assert.is_nil(table.concat(written):find("100%", 1, true))
    done, err = progress.wait(mocked.client({ function() return task_is("RUNNING") end }):task "t1",
      { stream = stream, terminal = false, timeout = 0 })
    assert.is_nil(done)
    assert.equal("timeout", err.kind)
  end)

  it("ends its line, and its timer, when the wait is interrupted", function()
    local task = submitted { task_is "RUNNING" }
    task.wait = function() error("interrupted!", 0) end
    assert.has_error(function() progress.wait(task, show(true)) end, "interrupted!")
    assert.equal("\n", written[#written]:sub(-1))
    assert.is_nil(scheduler.timeout())
  end)

  it("asks no command whether there is a terminal: Ctrl-C would be that command's alone", function()
    local said = child.run [[
      os.execute = function() error "a command was run" end
      print(require "runway.progress".is_terminal())
    ]]
    assert.is_true(said == "true" or said == "false", said)
  end)

  it("shows a download by its size", function()
    local task = submitted { task_is "SUCCEEDED",
      { "GET https://cdn.example/clip.mp4", body = ("x"):rep(2500000), delay = 10 } }
    assert(task:wait())
    local options = showing_file(false)
    options.receipt = true
    local file = assert(progress.download(task, path, options))
    assert.equal(2500000, file.bytes)
    assert.is_true(os.remove(file.receipt))
    assert.is_true(#written >= 10 and #written <= 12)
    assert.equal("shot 1  [##############################] 100%  2.5 MB of 2.5 MB\n", written[#written])
  end)

  it("gives the failure of a download", function()
    local task = submitted { task_is "SUCCEEDED", { "GET https://cdn.example/clip.mp4", status = 400 } }
    assert(task:wait())
    local file, err = progress.download(task, path, showing_file(false))
    assert.is_nil(file)
    assert.equal("invalid_request", err.kind)
    assert.same({}, written)
  end)

  it("does not let a label break the line", function()
    local task = submitted(run_of())
    progress.wait(task, { label = "a\nb\27[2J" .. ("x"):rep(500), stream = stream, terminal = false })
    for _, line in ipairs(written) do
      assert.is_nil(line:sub(1, -2):find "%c")
      assert.is_true(#line < 80)
    end
  end)

  it("raises at its caller's line what makes no sense", function()
    local task = submitted {}
    for says, call in pairs {
      ["progress.wait takes a task first, not nil"] = function() progress.wait() end,
      ["progress.download takes a task first, not string"] = function() progress.download("a.mp4") end,
      ["progress.wait: unknown option \"lable\" (did you mean label?)"] = function()
        progress.wait(task, { lable = "a" })
      end,
      ["progress.wait: option timeout must be"] = function() progress.wait(task, { timeout = -1 }) end,
      ["progress.wait: option stream must be a file"] = function() progress.wait(task, { stream = 1 }) end,
      ["progress.wait: options must be a table"] = function() progress.wait(task, 5) end,
      ["progress.download: unknown option \"timeout\""] = function() progress.download(task, path, { timeout = 1 }) end,
      ["progress.download: option max_bytes must be"] = function() progress.download(task, path, { max_bytes = 0 }) end,
      ["progress.download takes the path of the file to write: none was given with the request"] = function()
        progress.download(task, { overwrite = true })
      end,
      ["progress.download takes the path of the file to write"] = function() progress.download(task, "") end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.matches("progress_spec.lua:%d+: ", err)
      assert.matches(says, err, 1, true)
    end
    assert.same({}, written)
  end)

  it("says of a failure which call it was, and where it was made", function()
    local task = submitted { task_is("FAILED", { failure = "no" }) }
    local _, err = progress.wait(task, show(false))
    assert.equal("progress.wait", err.call)
    assert.matches("progress_spec.lua:%d+$", err.where)
    _, err = progress.download(task, path, showing_file(false))
    assert.equal("progress.download", err.call)
    assert.matches("progress_spec.lua:%d+$", err.where)
  end)

  it("takes a download's options alone, of a task that has an output", function()
    os.remove(path)
    local task = assert(mocked.client { SUBMIT, task_is "SUCCEEDED",
      { "GET https://cdn.example/clip.mp4", body = "a film" } }:generate(clip { output = path }))
    assert(task:wait())
    assert.equal(path, assert(progress.download(task, show(false))).path)
  end)
end)
