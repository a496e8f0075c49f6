-- The manual page and the completions: made of the same data as the parser, so that they say what it takes.

local command = require "spec.support.command"
local commands = require "runway.cli.commands"
local exits = require "runway.cli.exits"
local lua = require "spec.support.interpreter"
local manual = require "runway.cli.manual"
local scratch = require "spec.support.scratch"

local function shell(line)
  local pipe = assert(io.popen("exec 2>&1 </dev/null\n" .. line))
  local said = pipe:read "a"
  return said, pipe:close()
end

local function has(program) return (select(2, shell("command -v " .. program .. " >/dev/null"))) == true end

local function each_command(fn, data, name)
  for _, one in ipairs(data.commands or {}) do
    fn(name .. " " .. one[1], one)
    each_command(fn, one, name .. " " .. one[1])
  end
end

describe("the manual page", function()
  local page = manual.page "0.0.0"
  local plain = page:gsub("\\f[BIR]", ""):gsub("\\%-", "-"):gsub("\\%(aq", "'")

  it("tells every command, every option and every exit code", function()
    each_command(function(name, data)
      assert.truthy(plain:find(".SS " .. name, 1, true), name)
      for _, option in ipairs(data.options or {}) do
        assert.truthy(plain:find(option[1]:match "%-%-%S+", 1, true), option[1])
      end
    end, commands, "runway")
    for _, row in ipairs(exits.list) do assert.truthy(plain:find(row[2], 1, true), row[2]) end
    for _, adapter in pairs(require "runway.providers") do
      assert.truthy(plain:find(adapter.env.api_key, 1, true))
    end
  end)

  it("parts no word, for what is copied from it", function()
    assert.matches("^[^\n]*%.TH[^\n]*\n%.nh\n", page)
  end)

  it("is without fault for roff", function()
    for line in page:gmatch "[^\n]+" do
      local is_text = not line:find "^[.']"
      assert.truthy(is_text or line:find "^%.[A-Z]" or line:find "^%.[nf][fih]$", line)
    end
    if not has "groff" then return pending "groff is not installed" end
    local here = scratch.new()
    local said = shell(("groff -man -Tutf8 -ww -z '%s'"):format(here:write("runway.1", page)))
    here:remove()
    assert.equal("", said)
  end)

  it("is made by make, without anything that was built", function()
    local here = scratch.new()
    local said = shell(("env -u LUA_CPATH LUA_CPATH='/usr/share/none/?.so' %s tools/manual.lua '%s/a/runway.1'")
      :format(lua, here.directory))
    assert.equal("", said)
    assert.truthy(here:content "a/runway.1":find("^%.TH RUNWAY 1"))
    here:remove()
  end)
end)

describe("the completions", function()
  local here

  before_each(function()
    command.setup {}
    here = scratch.new()
  end)
  after_each(function()
    command.teardown()
    here:remove()
  end)

  local function script(name)
    local code, out = command.run { "completion", name }
    assert.equal(0, code)
    return here:write("script", out)
  end

  it("are for three shells", function()
    assert.equal(2, (command.run { "completion", "tcsh" }))
    assert.equal(2, (command.run { "completion" }))
  end)

  it("of bash complete commands and options", function()
    if not has "bash" then return pending "bash is not installed" end
    local said = shell(([[bash -c '. "%s"
      complete_it() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _runway; echo "${COMPREPLY[*]}"; }
      complete_it runway gen; complete_it runway task --over; complete_it runway journal se;
      complete_it runway task --provider comet; complete_it runway generate --model gen4_t;
      complete_it runway sandbox --scenario slow_; complete_it runway task --he;
      complete_it runway completion ""
      complete_it runway task --provider = comet; complete_it runway generate --fit =']]):format(script "bash"))
    assert.equal("generate\n--overwrite\nsettle\ncometapi\ngen4_turbo\nslow_file\n--help\n"
      .. "bash zsh fish\ncometapi\ncrop pad\n", said)
  end)

  it("of bash complete files with spaces in their names, and behind @", function()
    if not has "bash" then return pending "bash is not installed" end
    local there = scratch.new()
    there:write("Bild 2.png", "x")
    local said = shell(([[bash -c '. "%s"; cd "%s"
      complete_it() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _runway 2>/dev/null
        echo "${#COMPREPLY[@]} ${COMPREPLY[0]}"; }
      complete_it runway generate --image Bi; complete_it runway generate --prompt @ Bi
      complete_it runway generate --param image =@ Bi; complete_it runway generate --prompt @
      complete_it runway generate --image = Bi']]):format(script "bash", there.directory))
    there:remove()
    assert.equal(("1 Bild 2.png\n"):rep(5), said)
  end)

  it("offer the shells there are to fish and zsh, too", function()
    for _, name in ipairs { "fish", "zsh" } do
      local _, out = command.run { "completion", name }
      assert.matches("bash zsh fish", out, 1, true)
    end
  end)

  it("of zsh can be read by it", function()
    if not has "zsh" then return pending "zsh is not installed" end
    assert.equal("", (shell("zsh -n '" .. script "zsh" .. "'")))
  end)

  it("of zsh take a value behind = as well, and none for a flag", function()
    local _, out = command.run { "completion", "zsh" }
    for _, line in ipairs { '"--provider=[Whose', '"*--image=[A picture',
      '{-o,--output=}"[The file', '"--json[Print' } do
      assert.matches(line, out, 1, true)
    end
  end)

  it("of fish complete commands and options", function()
    if not has "fish" then return pending "fish is not installed" end
    local path = script "fish"
    assert.equal("", (shell("fish -n '" .. path .. "'")))
    local said = shell(("HOME='%s' fish -c 'source %s; complete -C \"runway gen\"; complete -C \"runway task --over\"'")
      :format(here.directory, path))
    assert.truthy(said:find("generate\t", 1, true), said)
    assert.truthy(said:find("--overwrite\t", 1, true), said)
  end)
end)
