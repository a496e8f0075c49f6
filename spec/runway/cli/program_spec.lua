-- bin/runway as it is started: from a checkout, through links, and installed.

local child = require "spec.support.child"
local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

local function shell(line)
  local pipe = assert(io.popen("exec 2>&1 </dev/null; unset LUA_PATH LUA_CPATH RUNWAY_PROVIDER\n" .. line
    .. '\necho " $?"', "r"))
  local said = pipe:read "a"
  pipe:close()
  local text, code = said:match "^(.-)%s*(%d+)\n$"
  return text, math.tointeger(tonumber(code))
end

describe("bin/runway", function()
  local here, root, version
  local build = os.getenv "RUNWAY_BUILD"

  setup(function()
    root = shell "pwd"
    version = require("runway")._VERSION
    if build and build:sub(1, 1) ~= "/" then build = root .. "/" .. build end
  end)
  before_each(function() here = scratch.new() end)
  after_each(function() here:remove() end)

  -- What it says when it is started so: `%s` is the interpreter that the specs run under.
  local function says(line, before)
    return shell(("cd '%s'; %s %s %s"):format(here.directory, before or "",
      build and "export RUNWAY_BUILD='" .. build .. "';" or "", line:gsub("LUA", lua)))
  end

  local function link(from, to)
    from = here:path(from)
    assert(os.execute(("mkdir -p %s; ln -s %s %s"):format(child.quote(from:match "^(.*)/"), child.quote(to),
      child.quote(from))))
  end

  it("and a script, too, are told that the library is there and its Lua files are not", function()
    local said = shell(("LUA_PATH='/nowhere/?.lua' LUA_CPATH='%s/?.so' %s -e 'require(\"runway\").client {}'")
      :format(build, lua))
    assert.matches("library is there, but not its Lua files %(runway%.jobs%): LUA_PATH must lead to them", said)
    assert.matches("LUA_PATH_5_", said, 1, true)
    assert.not_matches("no file", said)
  end)

  it("and what a Lua file raises while it is loaded is raised as it is", function()
    local said = shell(("LUA_CPATH='%s/?.so' %s -e 'local mine = {} "
      .. "package.preload[\"runway.jobs\"] = function() error(mine) end "
      .. "local ok, err = pcall(function() return require(\"runway\").client end) print(ok, err == mine)'")
      :format(build, lua))
    assert.equal("false\ttrue", said)
  end)

  it("says what is missing, and not where that was looked for", function()
    local lone = here:path "bin/runway"
    assert(os.execute(("mkdir -p '%s/bin'; cp bin/runway '%s'"):format(here.directory, lone)))
    local said, code = says("env -u RUNWAY_BUILD LUA '" .. lone .. "' --version")
    assert.equal(2, code)
    assert.matches("^runway: it is not built for Lua 5%.%d, there is no [^\n]*/build[^\n]*/runway%.so: run make[^\n]*$",
      said)
    said, code = says(([[LUA -e 'package.preload["runway.core"] = function()
      error("error loading module: libcurl.so.4: cannot open shared object file: No such file or directory", 0)
    end arg = { [0] = "%s/bin/runway", "--version" } dofile(arg[0])']]):format(root))
    assert.equal(2, code)
    assert.matches("^runway: [^\n]*libcurl%.so%.4[^\n]*\nrunway: it needs libcurl [^\n]*package libcurl4%)$", said)
    said, code = says(([[LUA -e 'package.preload.cjson = function() error "not here" end arg = {
      [0] = "%s/bin/runway", "--version" } dofile(arg[0])']]):format(root))
    assert.equal(2, code)
    assert.matches("^runway: runway needs lua%-cjson [^\n]*not here$", said)
  end)

  it("runs from anywhere", function()
    assert.equal(version, says("LUA '" .. root .. "/bin/runway' --version"))
  end)

  it("runs through a link, absolute or relative, and through a link to one", function()
    link("a/runway", root .. "/bin/runway")
    link("b/it's", "../a/runway")
    link("c", "b/it's")
    link("checkout", root)
    link("d/runway", "../checkout/bin/runway")
    for _, path in ipairs { "a/runway", "./b/it\\'s", "c", here:path "c", "d/runway" } do
      assert.equal(version, (says("LUA " .. path .. " --version")), path)
    end
  end)

  it("runs through a link that is found in PATH", function()
    link("bin/runway", root .. "/bin/runway")
    if lua:find "5%.4$" then assert.equal(version, (says("runway --version", 'PATH="$PWD/bin:$PATH";'))) end
    link("bin/run way", "runway")
    assert.equal(version, (says("LUA \"$PWD/bin/run way\" --version")))
  end)

  it("ends with the command's exit code", function()
    assert.equal(2, select(2, says("LUA '" .. root .. "/bin/runway' frob")))
    link("runway", root .. "/bin/runway")
    assert.equal(2, select(2, says("LUA runway task")))
  end)

  it("says that what it prints was lost, and ends with 1", function()
    for _, words in ipairs { "--help", "--version", "models", "models --json", "completion bash", "task --help",
      "sandbox --port 0", "sandbox --port 0 --json" } do
      local said, code = says("LUA '" .. root .. "/bin/runway' " .. words .. " >/dev/full")
      assert.equal(1, code, words)
      assert.matches("^runway: standard output could not be written[^\n]*: No space left on device$", said)
    end
    local said, code = says("LUA '" .. root .. "/bin/runway' frob --json >&-")
    assert.equal(2, code)
    assert.matches("standard output could not be written", said, 1, true)
  end)

  it("does not run for ever where links lead in a circle", function()
    link("x", "y")
    link("y", "x")
    local _, code = says(("cp '%s/bin/runway' z; LUA -e 'arg[0] = \"x\"' z --version"):format(root))
    assert.equal(1, code)
  end)
end)
