-- The command in a real terminal: tmux is one whose screen can be read. Where there is none, it is not tried.

local lua = require "spec.support.interpreter"
local sandbox = require "runway.sandbox"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"

local function output_of(line)
  local pipe = assert(io.popen("exec 2>&1 </dev/null\n" .. line))
  local said = pipe:read "a"
  pipe:close()
  return said
end

local installed = output_of("command -v tmux") ~= ""

describe("the runway command in a terminal", function()
  local here, server

  before_each(function()
    here = scratch.new()
    server = assert(sandbox.start { seconds = 0.1 })
  end)
  after_each(function()
    output_of("tmux -S '" .. here:path "tmux" .. "' kill-server")
    server:close()
    here:remove()
  end)

  local function tmux(words) return output_of("tmux -u -S '" .. here:path "tmux" .. "' " .. words) end

  -- Starts the command; its exit code is said below what it says.
  local function start(columns, words)
    local build = os.getenv "RUNWAY_BUILD"
    here:write("run.sh", table.concat({
      "trap : INT", "unset LUA_PATH LUA_CPATH NO_COLOR RUNWAY_PROVIDER",
      "export COMETAPI_KEY=any RUNWAYML_API_SECRET=key_0123456789",
      build and "export RUNWAY_BUILD='" .. build .. "'" or "", lua .. " bin/runway " .. words, "echo \"exit $?\"",
      "read -r _",
    }, "\n"))
    assert.equal("", tmux(("-f /dev/null new-session -d -x %d -y 20 \"sh '%s'\""):format(columns, here:path "run.sh")))
  end

  -- The screen, once a pattern is to be seen on it.
  local function screen(pattern)
    local by = scheduler.now() + 60
    while true do
      local seen = tmux "capture-pane -p"
      if seen:find(pattern) then return seen end
      assert(scheduler.now() < by and not seen:find "^no server running", "never seen: " .. pattern .. "\n" .. seen)
      scheduler.step(0.02)                    -- the sandbox answers in here
    end
  end

  local function generate(more)
    return ("generate --provider cometapi --base-url %s --poll-interval 0.02 --ratio 16:9 %s"):format(server.base_url,
      more)
  end

  it("lays out help for the terminal, also where it goes into a pager", function()
    if not installed then return pending "tmux is not installed" end
    start(60, ("help task | cat >'%s'"):format(here:path "help"))
    screen "exit 0"
    local longest = 0
    for line in here:content("help"):gmatch "[^\n]+" do longest = math.max(longest, #line) end
    assert.is_true(longest > 50 and longest <= 62, longest) -- a word may stand over
  end)

  for _, columns in ipairs { 40, 80, 200 } do
    it(("of %d columns has a bar on one line, and ends it with Ctrl-C"):format(columns), function()
      if not installed then return pending "tmux is not installed" end
      start(columns, generate(("--prompt 'a cat sandbox:stall' -o '%s'"):format(here:path "a.mp4")))
      local seen = screen "\ntask  %[#+%.+%]  42%%  RUNNING"
      assert.equal(1, select(2, seen:gsub("task  %[", "")), seen)
      for line in seen:gmatch "[^\n]+" do assert.is_true(#line <= columns) end
      tmux "send-keys C-c"
      seen = screen "exit 130"
      assert.equal(1, select(2, seen:gsub("task  %[", "")), seen)
      assert.truthy(seen:gsub("\n", ""):find("to go on: runway task ", 1, true), seen)
    end)

    it(("of %d columns shows a film as it comes, and its path last"):format(columns), function()
      if not installed then return pending "tmux is not installed" end
      start(columns, generate(("--prompt 'a cat sandbox:slow_file=1' -o '%s'"):format(here:path "a.mp4")))
      local seen = screen "exit 0"
      assert.truthy(seen:find("file  %[#+%] 100%%  7 KB of 7 KB"), seen)
      assert.equal(1, select(2, seen:gsub("file  %[", "")), seen)
      assert.truthy(seen:gsub("\n", ""):find("/a%.mp4exit 0"), seen)
    end)
  end

  for _, columns in ipairs { 30, 80, 200 } do
    it(("of %d columns has a line for each shot and one for all, and takes them away with Ctrl-C"):format(columns),
      function()
        if not installed then return pending "tmux is not installed" end
        local list = here:write("shots.csv", "key,prompt_text,model,ratio,duration\n"
          .. "a-key-that-is-longer-than-others,sandbox:stall,gen4.5,1280:720,5\n寿司寿司,sandbox:stall,gen4.5,1280:720,5\n"
          .. "b,sandbox:rate_limit,gen4.5,1280:720,5\nc,sandbox:fail_safety,gen4.5,1280:720,5\nd,x,gen4.5,1280:720,5\n")
        start(columns, ("batch '%s' -o '%s' --base-url %s --poll-interval 0.02 --jobs 3 --budget 900"):format(list,
          here:path "out", server.base_url))
        local seen = screen "\n2 of 5 done [^\n]*1 failed"
        if columns > 30 then assert.truthy(seen:find("寿司寿司  %[#+%.+%]  42%%  RUNNING"), seen) end
        assert.truthy(seen:find("\na%-key[%w-]* [^\n]*42%%  RUNNING"), seen)
        for _, once in ipairs { "of 5 done", "\na%-key", "\nc  failed: ", "\n寿司" } do
          assert.equal(1, select(2, ("\n" .. seen):gsub(once, "")), once .. seen)
        end
        for line in seen:gmatch "[^\n]+" do assert.is_true(columns >= require("runway.columns").of(line)) end
        tmux "send-keys C-c"
        seen = screen "exit 130"
        assert.truthy(seen:gsub("\n", ""):find("to go on: run the same command again", 1, true), seen)
        assert.is_nil(seen:find "RUNNING")
        assert.equal("1\n", tmux "display -p '#{cursor_flag}'")
      end)
  end

  it("waits at Ctrl-C for the answer to what is paid for, and ends at once with a second one", function()
    if not installed then return pending "tmux is not installed" end
    local list = here:write("shots.csv", "key,prompt_text,model,ratio,duration\n"
      .. "a,sandbox:stall,gen4.5,1280:720,5\nb,sandbox:hang,gen4.5,1280:720,5\nc,x,gen4.5,1280:720,5\n")
    start(80, ("batch '%s' -o '%s' --base-url %s --poll-interval 0.02 --jobs 2"):format(list, here:path "out",
      server.base_url))
    screen "a  [^\n]*42%%  RUNNING[^\n]*\nb  submitting"
    tmux "send-keys C-c"
    screen "a second Ctrl%-C gives up"
    tmux "send-keys C-c"
    local seen = screen("exit 130"):gsub("\n", "")
    assert.truthy(seen:find("is paid for and not lost; to go on: run the same command again", 1, true), seen)
    assert.equal(2, #server.tasks)
  end)

  it("has no more lines than it has rows", function()
    if not installed then return pending "tmux is not installed" end
    local rows = { "key,prompt_text,model,ratio,duration" }
    for i = 1, 30 do rows[i + 1] = ("k%d,sandbox:stall,gen4.5,1280:720,5"):format(i) end
    local list = here:write("shots.csv", table.concat(rows, "\n"))
    start(80, ("batch '%s' -o '%s' --base-url %s --poll-interval 0.02 --jobs 30"):format(list, here:path "out",
      server.base_url))
    local seen = screen "and 13 more\n0 of 30 done"
    assert.equal(17, select(2, seen:gsub("\nk%d+  ", "")) + (seen:find "^k1  " and 1 or 0), seen)
    tmux "send-keys C-c"
    screen "exit 130"
  end)

  it("has plain lines of a list, too, where it is dumb", function()
    if not installed then return pending "tmux is not installed" end
    local list = here:write("shots.csv", "key,prompt_text,model,ratio,duration\na,x,gen4.5,1280:720,5\n")
    start(80, ("--version; export NO_COLOR=1; %s bin/runway batch '%s' -o '%s' --base-url %s --poll-interval 0.02")
      :format(lua, list, here:path "out", server.base_url))
    local seen = screen "exit 0"
    assert.truthy(seen:find("\na  submitted  task ", 1, true), seen)
    assert.truthy(seen:find("\na  done  60 credits  (1 of 1)\n", 1, true), seen)
  end)

  it("ends with Ctrl-C where it reads a prompt", function()
    if not installed then return pending "tmux is not installed" end
    start(80, generate(("--prompt - -o '%s'"):format(here:path "a.mp4")))
    tmux "send-keys 'a cat' Enter"
    screen "a cat"
    tmux "send-keys C-c"
    screen "exit 130"
    assert.equal(0, #server.requests)
  end)

  it("refuses to write a film there", function()
    if not installed then return pending "tmux is not installed" end
    start(80, generate "--prompt x -o -")
    assert.truthy(screen "exit 2":find("would write a film to the terminal", 1, true))
    assert.equal(0, #server.requests)
  end)

  it("has help that fits", function()
    if not installed then return pending "tmux is not installed" end
    start(60, "task --help | cat; " .. lua .. " bin/runway cancel --help")
    for line in screen("exit 0"):gmatch "[^\n]+" do assert.is_true(#line <= 60) end
  end)

  it("has plain lines where it is dumb", function()
    if not installed then return pending "tmux is not installed" end
    start(80, "--version; export TERM=dumb; " .. lua .. " bin/runway " .. generate(("--prompt x -o '%s'")
      :format(here:path "a.mp4")))
    local seen = screen "exit 0"
    assert.truthy(seen:find("task  [..............................]   0%  PENDING\n", 1, true), seen)
    assert.truthy(seen:find("100%  SUCCEEDED\n", 1, true), seen)
  end)
end)
