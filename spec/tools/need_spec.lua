-- What a target needs is installed with someone's leave only: asked for on a terminal where it is just a
-- build, said where something is to run. The programs that would do it are played.

local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

local debian = io.open "/etc/debian_version"
if debian then debian:close() end

describe("what is missing", function()
  local here

  before_each(function()
    here = scratch.new()
    -- The user's number is in a file; what would install only says that it was called.
    here:write("id", "#!/bin/sh\ncat '" .. here:path "uid" .. "'\n")
    here:write("sudo", "#!/bin/sh\necho sudo >>'" .. here:path "called" .. "'\nexec \"$@\"\n")
    here:write("apt-get", "#!/bin/sh\necho \"$@\" >>'" .. here:path "called" .. "'\n")
    here:write("apt-cache", "#!/bin/sh\n")
    here:write("lua5.4", "#!/bin/sh\nexit 1\n")
    assert(os.execute(("chmod +x '%s'/*"):format(here.directory)))
  end)

  after_each(function() here:remove() end)

  -- Needs a Lua that is not there, and more. What it said, its exit code, and what was called.
  local function need(install, uid, before, words)
    here:write("uid", uid .. "\n")
    here:write("try", ("PATH='%s':$PATH LUA=lua5.4 LUA_VERSION=5.4 INSTALL=%s %s exec tools/need.sh build run\n")
      :format(here.directory, install, words or ""))
    local pipe = assert(io.popen(((before or "%s </dev/null"):format("sh '" .. here:path "try" .. "'"))
      .. " 2>&1; echo \"exit $?\""))
    local said, code = pipe:read("a"):match "^(.*)exit (%d+)\n$"
    pipe:close()
    return said, tonumber(code), here:content "called" or ""
  end

  -- The same by someone who sits at a terminal, and answers.
  local function asked(answer)
    return need("ask", 1000, ("printf '%s\\n' | script -qec \"%%s\" /dev/null"):format(answer))
  end

  if not debian then return it("is installed", function() pending "this is no Debian" end) end

  it("is named and not installed where no one can be asked", function()
    local said, code, called = need("ask", 1000)
    assert.equal("", called)
    assert.equal(1, code)
    assert.truthy(said:find("missing Lua 5.4 (LUA=lua5.4 does not run)", 1, true), said)
    assert.truthy(said:find("apt-get install lua5.4", 1, true), said)
  end)

  -- By a PATH on which there is next to nothing.
  it("is what is large, too, where all is asked for", function()
    os.execute(("mkdir '%s/bin' && cd '%s/bin' && for name in sh cat dirname env grep id mktemp rm sed sort tr; do "
      .. "ln -s \"$(command -v $name)\" $name; done"):format(here.directory, here.directory))
    local function missing(full)
      local pipe = assert(io.popen(("PATH='%s/bin' LUA=lua5.4 LUA_VERSION=5.4 INSTALL=no FULL=%s "
        .. "tools/need.sh test 2>&1"):format(here.directory, full)))
      local said = pipe:read "a"
      pipe:close()
      return said
    end
    local some, all = missing "no", missing "yes"
    assert.truthy(some:find("busted", 1, true), some)
    assert.is_nil(some:find("Chromium", 1, true))
    assert.truthy(all:find("Chromium", 1, true), all)
  end)

  it("is installed through sudo by who says yes, and not by who does not", function()
    if not os.execute("script -qec true /dev/null >/dev/null 2>&1") then return pending "no terminal can be made" end
    local said, _, called = asked "n"
    assert.truthy(said:find("? [y/N]", 1, true), said)
    assert.equal("", called)
    said, _, called = asked "y"
    assert.truthy(said:find("? [y/N]", 1, true), said)
    assert.truthy(called:find("^sudo\n.*install.* lua5%.4"), called)
  end)

  it("is installed without a question by root, and where something is to run", function()
    local said, _, called = need("ask", 0)
    assert.truthy(called:find("install.* lua5%.4"), said .. called)
    assert.is_nil(called:find("sudo", 1, true))
    os.remove(here:path "called")
    said, _, called = need("yes", 1000)
    assert.truthy(said:find("installing with apt-get: lua5.4", 1, true), said)
    assert.truthy(called:find("^sudo\n"), called)
  end)

  it("is not installed where no package is it: it says in one line what to do", function()
    here:write("apt-cache", "#!/bin/sh\n[ $1 = pkgnames ] && echo lua5.4 || [ $3 != lua5.5 -a $3 != liblua5.5-dev ]\n")
    for words, advice in pairs {
      ["LUA=/no/lua"] = "LUA=/no/lua does not run as Lua 5.4: is it spelt right%? [^\n]*make LUA=lua5.4",
      ["LUA=lua5.9 LUA_VERSION=5.9"] = "LUA=lua5.9 is Lua 5.9; runway is built for [^\n]*: make LUA=lua5.4",
      ["LUA=lua5.5 LUA_VERSION=5.5"] = "no package here is Lua 5.5: make LUA=lua5.4 [^\n]*LUA_CFLAGS=%-I/its/headers",
      ["LUA=" .. lua .. " LUA_VERSION=" .. _VERSION:sub(5) .. " CC=nocc"] = "CC=nocc makes no program of C: is it "
        .. "spelt right%? [^\n]*: make CC=cc",
    } do
      local said, code, called = need("yes", 0, nil, words)
      assert.matches("^runway: " .. advice .. "\n$", said)
      assert.equal(1, code)
      assert.equal("", called)
    end
  end)

  it("is never installed against a word", function()
    local said, code, called = need("no", 0)
    assert.equal("", called)
    assert.equal(1, code)
    assert.truthy(said:find("apt-get install", 1, true), said)
  end)

  -- A group's end and what it says, for a Lua that finds no module.
  local function bare(group)
    local path = here:write("bare-lua", ("#!/bin/sh\nexec %s -e 'package.path, package.cpath = \"\", \"\"' \"$@\"\n")
      :format(lua))
    assert(os.execute("chmod +x '" .. path .. "'"))
    local pipe = assert(io.popen(("LUA='%s' LUA_VERSION=%s INSTALL=no tools/need.sh %s 2>&1"):format(
      path, _VERSION:sub(5), group)))
    local said = pipe:read "a"
    return pipe:close(), said
  end

  it("for a build is nothing that only running needs", function()
    assert.is_true(bare "build")
    assert.is_nil(bare "run")
  end)

  it("of a group is also what it stands on", function()
    for group, module in pairs { demo = "argparse", bench = "argparse", rock = "argparse", test = "busted",
      check = "busted", valgrind = "busted" } do
      local ready, said = bare(group)
      assert.is_nil(ready)
      assert.matches(module, said, 1, true)
    end
  end)

  it("is not what lies where an ordinary user does not look: specs find it there", function()
    local there = io.open "/usr/sbin/nghttpd"
    if not there then return pending "no nghttpd in /usr/sbin" end
    there:close()
    local function run(command)
      local pipe = assert(io.popen(("PATH=/usr/local/bin:/usr/bin:/bin LUA='%s' LUA_VERSION=%s INSTALL=no "
        .. "bash -c '%s' 2>&1"):format(lua, _VERSION:sub(5), command)))
      local said = pipe:read "a"
      pipe:close()
      return said
    end
    assert.is_nil(run "tools/need.sh test":find "nghttpd")
    assert.equal("/usr/sbin/nghttpd\n", run ". tools/checkout.sh; command -v nghttpd")
  end)

  it("is asked for by a build, and installed by what runs", function()
    local function install(goal)
      local pipe = assert(io.popen("echo '$(info INSTALL=$(INSTALL))' | make -n -f Makefile -f - " .. goal .. " 2>&1"))
      local said = pipe:read "a"
      pipe:close()
      return said:match "INSTALL=(%S*)"
    end
    assert.same({ "ask", "ask", "yes", "yes", "no" },
      { install "", install "install", install "demo", install "test SPEC=x", install "test INSTALL=no" })
  end)

  it("is not installed for a word that is misspelt: it is refused, as is any that is no answer", function()
    local function make(words)
      local pipe = assert(io.popen("make -n need-build " .. words .. " 2>&1"))
      local said = pipe:read "a"
      return pipe:close(), said
    end
    for _, word in ipairs { "INSTALL=0", "INSTALL=NO", "INSTALL=", "SQLITE=0", "POSTGRESQL=", "LISTENER=off",
      "FULL=1" } do
      local ok, said = make(word)
      assert.is_nil(ok, word)
      assert.truthy(said:find(word .. ": it is yes or no", 1, true), said)
    end
    local ok, said = make "INSTALL='install -p'"   -- Fedora's %make_install: what copies
    assert.is_true(ok, said)
    assert.truthy(said:find("INSTALL='no' tools/need.sh", 1, true), said)
    local _, code, called = need("maybe", 0)
    assert.equal(1, code)
    assert.equal("", called)
  end)
end)
