-- Every block of code on every page is run. The Lua of a page is one program, in the page's order, in a directory
-- that holds a picture, with clients that reach a sandbox; the lines of its shell are run one by one; C and C++ are
-- files, named in the comment of their first line, that the lines of shell compile.

local child = require "spec.support.child"
local content = require "spec.support.content"
local footage = require "spec.support.footage"
local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

local quote = child.quote

local PAGES = { "docs/embedding.md", "README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/adapters.md",
  "docs/architecture.md", "docs/callbacks.md",
  "docs/command.md", "docs/coverage.md", "docs/providers.md", "docs/reference.md",
  "docs/testing.md" }

-- Blocks that hold no code.
local NO_CODE = { [""] = true, layers = true, text = true }

-- The blocks of a page: { language =, line = (of its first line of code), code = }, in order.
local function blocks_of(text)
  local list, block, number = {}, nil, 0
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    local fence, language = line:match "^%s*(```+)%s*([%w+]*)"
    if fence and block then
      list[#list + 1], block = block, nil
    elseif fence then
      block = { language = language, line = number + 1, code = "" }
    elseif block then
      block.code = block.code .. line .. "\n"
    end
  end
  return list
end

local function of_language(blocks, language)
  local list = {}
  for _, block in ipairs(blocks) do
    if block.language == language then list[#list + 1] = block end
  end
  return list
end

---------------------------------------------------------------------------------------------------

-- One program, whose lines have the numbers that they have on the page.
local function program_of(blocks)
  local lines, at = {}, 1
  for _, block in ipairs(blocks) do
    lines[#lines + 1] = ("\n"):rep(block.line - at)
    lines[#lines + 1] = block.code
    local _, breaks = block.code:gsub("\n", "")
    at = block.line + breaks
  end
  return table.concat(lines)
end

-- What the reader of any page has before him: an account, at a sandbox; a task; words for pictures; an adapter.
local BEFORE = [[
  local chunkname = ...
  local sandbox = assert(require "runway.sandbox".start { seconds = 0 })
  runway = require "runway"
  local new = runway.client
  runway.client = function(options)
    local copy = {}
    for name, value in pairs(options or {}) do copy[name] = value end
    copy.poll_interval = math.min(copy.poll_interval or 1, 0.01) -- what a page says is for tasks of minutes
    if copy.transport == nil and type(copy.provider) ~= "table" then
      copy.base_url = copy.base_url or sandbox.base_url
    end
    copy.api_key = copy.api_key or "key_0123456789"
    return new(copy)
  end
  prompts = { "a cat", "a dog" }
  client = runway.client { provider = "runwayml" }
  task = assert(client:text_to_video { prompt_text = "a lamp", model = "gen4.5", ratio = "1280:720", duration = 5 })
  assert(task:wait())
  package.preload.reelhouse = function() return dofile "own_adapter.lua" end
  reelhouse, fields = require "reelhouse", require "runway.fields"
  local file = assert(io.open("page.lua"))
  local code = file:read "a"
  file:close()
  assert(load(code, chunkname))()
]]

local function stocked()
  local here = scratch.new()
  for name, path in pairs { ["lighthouse.png"] = "examples/lighthouse.png",
    ["own_adapter.lua"] = "examples/own_adapter.lua" } do here:write(name, content(path)) end
  here:write("shots.csv", "key,prompt_text,model,ratio,duration\none,a lighthouse,gen4.5,1280:720,5\n")
  return here
end

describe("the Lua on the page", function()
  for _, page in ipairs(PAGES) do
    local blocks = of_language(blocks_of(content(page)), "lua")
    if #blocks > 0 then
      it(page .. " runs", function()
        local here = stocked()
        here:write("page.lua", program_of(blocks))
        local said, code = child.run(BEFORE, { before = ("cd '%s';"):format(here.directory),
          arguments = { "@" .. page } })
        here:remove()
        assert(code == 0, said)
      end)
    end
  end
end)

---------------------------------------------------------------------------------------------------

local ROOT = io.popen("pwd"):read "l"

-- The id of a task that pages show. At the sandbox there is another.
local SHOWN = "17f20503%-[%x-]*"

-- Leaves a key whose submit was not answered.
local LOST = "runway generate --provider cometapi --prompt 'sandbox:drop' -o lost.mp4 --journal shots.db --key %s"

-- A command that is `runway` for the page: the checkout's, its accounts at a sandbox.
local RUNWAY = [[#!/bin/sh
case $1 in
  generate|task|batch)
    command=$1
    shift
    set -- "$command" --base-url "$SANDBOX" --poll-interval 0.01 "$@" ;;
  cancel|credits|doctor|estimate|upload)
    command=$1
    shift
    set -- "$command" --base-url "$SANDBOX" "$@" ;;
  sandbox) set -- sandbox --help ;;
esac
exec %s %s/bin/runway "$@"
]]

-- Rocks are installed by make check; the others are for who works on runway (spec/docs/contributing_spec.lua).
local ELSEWHERE = { luarocks = true, cd = true, git = true, gdb = true, export = true, ["tools/specs.sh"] = true }

local makefile = content "Makefile"

-- What `make static` makes: after `make test` it lies there; in the builds of `make check` it does not.
local BUILD = (os.getenv "RUNWAY_BUILD" or "build"):gsub("^([^/])", ROOT .. "/%1")
local archive = io.open(BUILD .. "/static/librunway.a")
if archive then archive:close() end

-- What is run of a line of shell; nil where it is run elsewhere, and false where no one does.
local function runs(line)
  -- That sandbox is another here, and the command below knows it.
  line = line:gsub("%s+#.*$", ""):gsub("%-%-base%-url http://127%.0%.0%.1:8787 ", "")
  local words = line:gsub("^sudo ", ""):gsub("^%S+=%S*%s+", "")
  local first = words:match "^%S+"
  if first == "make" then                     -- that there is such a target
    for word in words:gsub("&&.*$", ""):gsub('".-"', ""):gmatch "%S+" do
      if word:find "^%l+$" and word ~= "make" and not makefile:find("\n" .. word .. ":", 1, true) then return false end
    end
    return nil
  elseif ELSEWHERE[first] or footage.missing and line:find "^runway join" then
    return nil
  elseif first == "cc" or first == "c++" then -- for the Lua that is under test, and soon
    return (line:gsub("lua5%.4", "lua" .. _VERSION:sub(5)):gsub("%-O2", "-O0"))
  elseif first == "runway" or first == "./host" then
    return line
  end
  return false
end

describe("the shell on the page", function()
  local here, sandbox, environment

  setup(function()
    here = stocked()
    for name, text in pairs { ["scene.txt"] = "a lamp\n", ["mine.lua"] = 'return require "runway.providers".runwayml\n',
      ffplay = "#!/bin/sh\nexec cat >/dev/null\n",
      ["first.png"] = content "examples/lighthouse.png" } do here:write(name, text) end
    assert(os.execute(("cd %s && chmod +x ffplay && ln -s %s/src && ln -s %s build"):format(quote(here.directory),
      quote(ROOT), quote(BUILD .. "/static"))))
    here:write("runway", RUNWAY:format(lua, quote(ROOT)))
    os.execute("chmod +x " .. quote(here:path "runway"))
    local pipe = io.popen(("%s %s %s/bin/runway sandbox --port 0 --seconds 0 2>&1 & echo $!; wait"):format(
      child.paths(), lua, quote(ROOT)))
    local pid, line = pipe:read "l", pipe:read "l"
    local address = line and line:match "http://%S+"
    assert(address, line)
    sandbox = { pid = pid, pipe = pipe }
    environment = { LUA_PATH = package.path, LUA_CPATH = package.cpath, SANDBOX = address, RUNWAY = ROOT,
      PATH = here.directory .. ":" .. os.getenv "PATH", RUNWAYML_BASE_URL = address,
      RUNWAYML_API_SECRET = "key_0123456789", COMETAPI_KEY = "sk-0123456789" }
  end)

  teardown(function()
    os.execute("kill " .. sandbox.pid)
    sandbox.pipe:close()
    here:remove()
  end)

  local ended, running                        -- tasks

  local function run(line)
    line = line:gsub("…", ""):gsub(SHOWN, line:find "^runway cancel" and running or ended or "%0")
    local words = { "cd", quote(here.directory), ";" }
    for name, value in pairs(environment) do words[#words + 1] = ("export %s=%s;"):format(name, quote(value)) end
    words[#words + 1] = "{ " .. line .. "; } 2>&1 </dev/null; code=$?; echo; echo $code"
    local pipe = io.popen(table.concat(words, " "))
    local said = pipe:read "a"
    pipe:close()
    local text, code = said:match "^(.-)%s*\n(%d+)\n$"
    return text, tonumber(code)
  end

  it("is given two tasks", function()
    local generate = "runway generate --duration 5 --model gen4.5 --ratio 1280:720 "
    local said = run(generate .. "--prompt 'a cat' -o first.mp4")
    ended = assert(said:match "task (%S+)", said)
    said = run(generate .. "--prompt 'sandbox:stall' --timeout 0.1 -o never.mp4")
    running = assert(said:match "task (%S+)", said)
  end)

  for _, page in ipairs(PAGES) do
    for _, block in ipairs(blocks_of(content(page))) do
      if block.language == "c" or block.language == "cpp" or block.language == "c++" then
        local name = assert(block.code:match "^/[/*] ?([%w_.]+)", page .. ": no name in the first line")
        it(("%s:%d is the file %s"):format(page, block.line, name), function() here:write(name, block.code) end)
      elseif block.language == "sh" then
        it(("%s:%d runs"):format(page, block.line), function()
          if block.code:find("-Ibuild", 1, true) and not archive then return pending "make static was not run here" end
          for line in block.code:gsub("\\\n%s*", ""):gmatch "[^\n]+" do
            local command, ends = runs(line), tonumber(line:match "#.*exit code (%d+)" or 0)
            assert(command ~= false, page .. ": no one runs: " .. line)
            if command then
              local key = command:match "^runway journal settle (%S+)"
              if key then                     -- what can be settled: the answer was lost
                run(LOST:format(key))
              end
              local said, code = run(command)
              assert(code == ends, ("%s: %s: %d\n%s"):format(page, line, code, said))
            end
          end
        end)
      else
        local known = block.language == "lua" or NO_CODE[block.language]
        it(("%s:%d is code that is run"):format(page, block.line), function() assert.truthy(known, block.language) end)
      end
    end
  end
end)
