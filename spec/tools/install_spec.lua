-- What `make install` puts where, and that all of it goes away again. Played with modules of no content:
-- `make check` installs the real ones.

local child = require "spec.support.child"
local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

local VERSION = _VERSION:sub(5)

describe("installing", function()
  local here, prefix

  before_each(function()
    here = scratch.new()
    prefix = here:path "prefix"
    local build = here:path "build"
    assert(os.execute(("mkdir -p '%s/runway' '%s/share/man/man1' '%s/share/zsh/site-functions'"):format(
      build, build, build)))
    for _, name in ipairs { "runway.so", "runway/sqlite.so", "share/man/man1/runway.1",
      "share/zsh/site-functions/_runway" } do
      here:write("build/" .. name, name)
    end
  end)

  after_each(function() here:remove() end)

  -- tools/install.sh as make runs it; `places` take the place of what follows from the prefix;
  -- `under` is shell before it.
  local function run(what, places, under)
    local set = {
      DESTDIR = "", PREFIX = prefix,
      LUADIR = prefix .. "/share/lua/" .. VERSION, LIBDIR = prefix .. "/lib/lua/" .. VERSION,
      BINDIR = prefix .. "/bin", MANDIR = prefix .. "/share/man", DOCDIR = prefix .. "/share/doc/runway",
      INCLUDEDIR = prefix .. "/include",
      BUILD = here:path "build", MODULES = "runway.so runway/sqlite.so", INSTALL = "install",
      LUA = lua, LUA_VERSION = VERSION,
    }
    for name, value in pairs(places or {}) do set[name] = value end
    local words = {}
    for name, value in pairs(set) do words[#words + 1] = name .. "=" .. child.quote(value) end
    local pipe = assert(io.popen((under or "") .. table.concat(words, " ") .. " tools/install.sh " .. what
      .. " 2>&1; echo \"exit $?\""))
    local said, code = pipe:read("a"):match "^(.*)exit (%d+)\n$"
    pipe:close()
    return tonumber(code), said
  end

  local function files_in(directory)
    local pipe = assert(io.popen(("cd '%s' 2>/dev/null && find . ! -type d"):format(directory)))
    local set, n = {}, 0
    for line in pipe:lines() do set[line:sub(3)], n = true, n + 1 end
    pipe:close()
    return set, n
  end

  it("puts modules, command, man page, completions, pages and licence below the prefix", function()
    local code, said = run "install"
    assert.equal(0, code, said)
    local there = files_in(prefix)
    for _, path in ipairs { "share/lua/" .. VERSION .. "/runway/client.lua", "lib/lua/" .. VERSION .. "/runway.so",
      "lib/lua/" .. VERSION .. "/runway/sqlite.so", "bin/runway", "share/man/man1/runway.1",
      "share/zsh/site-functions/_runway", "share/doc/runway/README.md", "share/doc/runway/CHANGELOG.md",
      "share/doc/runway/LICENSE", "share/doc/runway/docs/adapters.md", "share/doc/runway/examples/night/run.sh" } do
      assert.is_true(there[path], path)
    end
  end)

  it("does without a man page and completions where none were made, and says what they want", function()
    assert(os.execute("rm -r '" .. here:path "build/share" .. "'"))
    local code, said = run("install", { DESTDIR = here:path "stage" })
    assert.equal(0, code, said)
    assert.is_nil(files_in(here:path "stage" .. prefix)["share/man/man1/runway.1"])
    assert.matches("^runway: no completions for shells are installed: [^\n]*argparse[^\n]*\ninstalled [^\n]*\n$", said)
  end)

  it("puts the archive for programs in C only where it was asked for, which `make test` does not", function()
    run "install"
    local there, archive = files_in(prefix), "lib/lua/" .. VERSION .. "/librunway.a"
    assert.same({ true, nil }, { there["include/runway.h"], there[archive] })
    here:write("build/librunway.a", "")
    run "install"
    assert.is_true(files_in(prefix)[archive])
    assert.equal(0, (run "uninstall"))
    assert.equal(0, (select(2, files_in(prefix))))
    local pipe = assert(io.popen(("make -n test INSTALL=no BUILD='%s' LUA='%s' 2>&1"):format(here:path "made", lua)))
    local said = pipe:read "a"
    pipe:close()
    assert.matches(here:path "made" .. "/static/librunway.a", said, 1, true)
    assert.is_nil(said:find("made/librunway.a", 1, true), said)
  end)

  it("takes away all of it, and nothing of others", function()
    run "install"
    here:write("prefix/share/doc/runway/docs/mine.md", "")
    here:write("prefix/share/lua/" .. VERSION .. "/runways.lua", "")
    assert.equal(0, (run "uninstall"))
    local there, n = files_in(prefix)
    assert.equal(2, n)
    assert.is_true(there["share/doc/runway/docs/mine.md"] and there["share/lua/" .. VERSION .. "/runways.lua"])
  end)

  describe("for two Luas, at the same places,", function()
    local OTHER = VERSION == "5.4" and "5.3" or "5.4"
    local other, program

    -- An interpreter that says it is the other; the words of an install for it.
    before_each(function()
      program = here:write("lua" .. OTHER, ([[#!/bin/sh
[ "$1" != -e ] || exec %s -e '_VERSION = "Lua %s"' "$@"
]]):format(lua, OTHER))
      assert(os.execute("chmod +x '" .. program .. "'"))
      other = { LUADIR = prefix .. "/share/lua/" .. OTHER, LIBDIR = prefix .. "/lib/lua/" .. OTHER, LUA = program,
        LUA_VERSION = OTHER }
    end)

    local function uninstall(places)
      return run("uninstall", places, ("PATH='%s':$PATH "):format(here.directory))
    end

    -- The command, pages and modules of one of them are there, and those of the other are gone.
    local function is_whole(version)
      local there, n = files_in(prefix)
      for _, path in ipairs { "bin/runway", "share/man/man1/runway.1", "share/zsh/site-functions/_runway",
        "include/runway.h", "share/doc/runway/README.md", "share/lua/" .. version .. "/runway/client.lua",
        "lib/lua/" .. version .. "/runway/sqlite.so" } do
        assert.is_true(there[path], path)
      end
      for path in pairs(there) do
        assert.is_nil(path:find("/lua/" .. (version == VERSION and OTHER or VERSION), 1, true), path)
      end
      local command = here:content "prefix/bin/runway"
      assert.truthy(command:find(('lib_dir = "%s/lib/lua/%s"'):format(prefix, version), 1, true), command)
      return n, command
    end

    it("leaves what they share to the one that stays, whichever went first", function()
      run "install"
      local _, before = files_in(prefix)
      run("install", other)
      local code, said = uninstall {}
      assert.equal(0, code, said)
      assert.equal(before, (is_whole(OTHER)))
      assert.matches("the command and its pages stay, for " .. other.LIBDIR .. "/runway.so", said, 1, true)
      run "install"
      assert.equal(0, (uninstall(other)))
      assert.equal(before, (is_whole(VERSION)))
      assert.equal(0, (uninstall {}))
      assert.equal(0, (select(2, files_in(prefix))))
    end)

    it("makes the command that of the one that stays, and of its interpreter", function()
      run("install", other)
      run "install"
      assert.equal(0, (uninstall {}))
      local _, command = is_whole(OTHER)
      assert.equal("#!" .. program, command:match "^[^\n]*")
      assert.equal(0, (uninstall(other)))
      assert.equal(0, (select(2, files_in(prefix))))
    end)

    it("leaves the modules in Lua that both read", function()
      local places = { LUADIR = prefix .. "/share/runway" }
      other.LUADIR = places.LUADIR
      run("install", places)
      run("install", other)
      assert.equal(0, (uninstall(places)))
      assert.is_true(files_in(prefix)["share/runway/runway/client.lua"])
      assert.equal(0, (uninstall(other)))
      assert.equal(0, (select(2, files_in(prefix))))
    end)
  end)

  it("says in one line that nothing is there to take away, and where", function()
    local code, said = run "uninstall"
    assert.equal(0, code)
    assert.matches("^nothing of runway for Lua " .. VERSION .. " is in " .. prefix .. "/lib/lua/[^\n]*\n$", said)
  end)

  it("takes nothing away, and says so in one line, where it may not take all", function()
    run "install"
    local _, before = files_in(prefix)
    local sealed = prefix .. "/lib/lua/" .. VERSION
    local is_root = os.execute "[ $(id -u) = 0 ]"
    assert(os.execute(("chmod a-w '%s'"):format(sealed)))
    for what, advice in pairs { uninstall = "as root %(sudo%)", install = "install as root" } do
      local code, said = run(what, {}, is_root and "setpriv --reuid=65534 --regid=65534 --clear-groups env " or "")
      if said:find "setpriv" or said:find "not found" then return pending "no other user can read this tree" end
      assert.equal(2, code, said)
      assert.matches("^runway: %S+ may not take away " .. prefix .. "/%S+: " .. advice .. "[^\n]*\n$", said)
      assert.equal(before, (select(2, files_in(prefix))))
    end
    assert(os.execute(("chmod u+w '%s'"):format(sealed)))
  end)

  it("takes along what an older version had and this one has not", function()
    run "install"
    local old = "prefix/share/lua/" .. VERSION .. "/runway/gone.lua"
    here:write(old, "")
    run "install"
    assert.is_nil(here:content(old))
  end)

  it("installs what was built, with the flags it was built with, unless it is given others", function()
    local build = here:path "build"
    here:write("build/flags", "")
    for words, anew in pairs { [""] = false, ["CFLAGS=-O1"] = true, ["all"] = true } do
      local pipe = assert(io.popen(("env -u CFLAGS make -n install %s BUILD='%s' LUA='%s' 2>&1"):format(words, build,
        lua)))
      local said = pipe:read "a"
      pipe:close()
      assert.matches("tools/install.sh install", said, 1, true)
      assert.equal(anew, said:find("flags.new", 1, true) ~= nil, words)
    end
  end)

  it("puts what a page leads to beside it", function()
    run "install"
    local there, links = files_in(prefix .. "/share/doc/runway"), 0
    for page in pairs(there) do
      local text = page:find "%.md$" and assert(io.open(prefix .. "/share/doc/runway/" .. page)):read "a" or ""
      for link in text:gmatch "%]%(([^)#:]+)[)#]" do
        local path = (page:match "^.*/" or "") .. link
        path = path:gsub("[^/]+/%.%./", "")
        assert.is_true(there[path] or link:sub(-1) == "/", ("%s: %s"):format(page, link))
        links = links + 1
      end
    end
    assert.is_true(links > 20)
  end)

  it("says of what a page names and is not installed that it lies in the source", function()
    run "install"
    local doc, n = prefix .. "/share/doc/runway/", 0
    local installed = files_in(doc)
    -- the command and the modules in Lua, and what `make static` makes
    local elsewhere = { bin = true, lua = true, build = true }
    -- these are for who has it before him, and say so at their beginning
    local of_source = { ["CONTRIBUTING.md"] = true, ["docs/architecture.md"] = true, ["docs/coverage.md"] = true }
    local function check(page, text)
      for path in text:gmatch "`([%w_.]+/[%w_./]*)" do
        if os.rename(path, path) and not elsewhere[path:match "^[^/]*"] then
          n = n + 1
          local is_there = installed[path] or path:find "/$" and os.rename(doc .. path, doc .. path)
          assert.is_true(is_there or text:find("source", 1, true) ~= nil, ("%s: %s"):format(page, path))
        end
      end
    end
    for page in pairs(installed) do
      local text = page:find "%.md$" and assert(io.open(doc .. page)):read "a" .. "\n\n" or ""
      if of_source[page] then
        assert.matches("^# [^\n]*\n\n[^\n]*in %l+ source", text)
      else
        for paragraph in text:gmatch "(.-)\n\n" do check(page, paragraph) end
      end
    end
    assert.is_true(n > 8)
  end)

  it("goes where a packager says, with DESTDIR before it, and tells the command without", function()
    local places = { DESTDIR = here:path "stage", PREFIX = "/usr", LUADIR = "/usr/lua", LIBDIR = "/usr/lib64/lua",
      BINDIR = "/usr/games", MANDIR = "/usr/man", DOCDIR = "/usr/doc" }
    local code, said = run("install", places)
    assert.equal(0, code, said)
    -- how it is found is said by who installs the package
    local stage = here:path "stage"
    assert.equal(("installed below %s: /usr/games/runway, /usr/lua/runway, /usr/lib64/lua/runway.so\n"):format(stage),
      said)
    local there = files_in(here:path "stage/usr")
    for _, path in ipairs { "lua/runway/client.lua", "lib64/lua/runway.so", "games/runway", "man/man1/runway.1",
      "doc/README.md", "share/zsh/site-functions/_runway" } do
      assert.is_true(there[path], path)
    end
    local command = here:content "stage/usr/games/runway"
    assert.truthy(command:find('local lua_dir = "/usr/lua"', 1, true), command)
    assert.truthy(command:find('local lib_dir = "/usr/lib64/lua"', 1, true), command)
    assert.is_nil(command:find("checkout", 1, true), command)
    code, said = run("uninstall", places)
    assert.equal(0, code, said)
    assert.equal(("taken away below %s: /usr/games/runway, /usr/lua/runway, /usr/lib64/lua/runway.so, "):format(stage)
      .. prefix .. "/include/runway.h\n", said)
    assert.equal(0, (select(2, files_in(here:path "stage"))))
  end)

  it("tells what it did not find where it was told to look, and names only what it took", function()
    run("install", { BINDIR = prefix .. "/games", LUADIR = prefix .. "/lua" })
    local code, said = run "uninstall"
    assert.equal(0, code, said)
    local taken, lacks = said:match "^taken away: ([^\n]*)\nnot there: ([^\n]*)\n$"
    assert.equal(("%s/lib/lua/%s/runway.so, %s/include/runway.h"):format(prefix, VERSION, prefix), taken, said)
    assert.matches(("%s/bin/runway, %s/share/lua/%s/runway. What was put elsewhere goes with the words"):format(prefix,
      prefix, VERSION), lacks, 1, true)
    assert.matches("BINDIR=", lacks, 1, true)
    run("uninstall", { BINDIR = prefix .. "/games", LUADIR = prefix .. "/lua" })
    assert.equal(0, (select(2, files_in(prefix))))
    local moved = {}                          -- all but the completions, which have no word of their own
    for _, name in ipairs { "LUADIR", "LIBDIR", "BINDIR", "MANDIR", "DOCDIR", "INCLUDEDIR" } do
      moved[name] = here:path("moved/" .. name)
    end
    run("install", moved)
    code, said = run "uninstall"
    assert.equal(0, code, said)
    assert.matches("^taken away: " .. prefix .. "/share/zsh/site%-functions/_runway, … %(1 files in all%)\nnot there:",
      said)
    run("uninstall", moved)
    assert.equal(0, (select(2, files_in(here:path "moved"))))
  end)

  it("says for LUA_PATH and LUA_CPATH what Lua would else not find", function()
    local code, said = run "install"
    assert.equal(0, code)
    local lines = {}
    for line in said:gmatch "  (export [^\n]*)" do lines[#lines + 1] = line end
    assert.equal(2, #lines)
    -- they do what they promise, for who has no such variable and for who has one
    local had = { ["unset LUA_PATH LUA_CPATH"] = ";;", ["export LUA_PATH=/mine LUA_CPATH=/mine"] = ";/mine" }
    for before, after in pairs(had) do
      local pipe = assert(io.popen(before .. "; " .. table.concat(lines, "; ") .. "; " .. lua
        .. [[ -e 'print(package.searchpath("runway.client", package.path))' ]]
        .. [[ -e 'print(package.searchpath("runway", package.cpath))'; echo $LUA_PATH]]))
      local found = pipe:read "a"
      pipe:close()
      assert.truthy(found:find(prefix .. "/share/lua/" .. VERSION .. "/runway/client.lua", 1, true), found)
      assert.truthy(found:find(prefix .. "/lib/lua/" .. VERSION .. "/runway.so", 1, true), found)
      assert.truthy(found:find(after .. "\n", 1, true), found)
    end
  end)

  it("says which variables hide these two", function()
    local _, said = run "install"
    for kind, variable in pairs { path = "LUA_PATH", cpath = "LUA_CPATH" } do
      local own = variable .. "_" .. VERSION:gsub("%.", "_")
      assert.matches(own .. " ", said, 1, true)
      local pipe = assert(io.popen(("%s=this %s=that %s -e 'print(package.%s)'"):format(own, variable, lua, kind)))
      assert.equal("this\n", pipe:read "a")
      pipe:close()
    end
  end)

  it("says how bash comes to its completion, where there is one", function()
    local _, said = run "install"
    assert.is_nil(said:find("bash", 1, true), said)
    assert(os.execute("mkdir -p '" .. here:path "build/share/bash-completion/completions" .. "'"))
    here:write("build/share/bash-completion/completions/runway", "complete -W 'batch work' runway\n")
    _, said = run "install"
    local line = said:match "bash completes [^\n]*else after:  ([^\n]*)"
    local pipe = assert(io.popen("bash -c " .. child.quote(line .. "; complete -p runway")))
    assert.equal("complete -W 'batch work' runway\n", pipe:read "a")
    pipe:close()
  end)

  it("says nothing of variables where Lua looks by itself", function()
    local found = ("package.path = \"%s/share/lua/%s/?.lua\" package.cpath = \"%s/lib/lua/%s/?.so\""):format(
      prefix, VERSION, prefix, VERSION)
    local other = here:write("lua", ("#!/bin/sh\nexec %s -e '%s' \"$@\"\n"):format(lua, found))
    assert(os.execute("chmod +x '" .. other .. "'"))
    local code, said = run("install", { LUA = other })
    assert.equal(0, code)
    assert.truthy(said:find("installed: ", 1, true), said)
    assert.is_nil(said:find("export", 1, true), said)
  end)

  it("is for everyone to read, also by who makes files for himself alone", function()
    assert.equal(0, (run("install", {}, "umask 077; ")))
    local pipe = assert(io.popen(("find '%s' -mindepth 1 ! -perm -a=rX"):format(prefix)))
    assert.equal("", pipe:read "a")
    pipe:close()
  end)

  it("copies by the program that a packager's macros name", function()
    here:write("build/runway.so", "x")
    assert(os.execute("touch -d 2001-02-03 '" .. here:path "build/runway.so" .. "'"))
    assert.equal(0, (run("install", { INSTALL = "install -p" })))
    local pipe = assert(io.popen(("find '%s' -name runway.so ! -newermt 2001-02-04"):format(prefix)))
    assert.truthy(pipe:read "a":find "runway.so\n$")
    pipe:close()
  end)

  it("refuses a place that is no whole path, which the command could not find again", function()
    local code, said = run("install", { LUADIR = "here/lua" })
    assert.equal(2, code)
    assert.truthy(said:find("LUADIR is not a path from the root: here/lua", 1, true), said)
  end)

  it("refuses a place that Lua, or a shell, would read as something else", function()
    for _, sign in ipairs { ";", "?", "'", '"', "\\" } do
      local code, said = run("install", { LIBDIR = "/x/a" .. sign .. "b" })
      assert.equal(2, code)
      assert.truthy(said:find("LIBDIR must do without", 1, true), said)
      assert.truthy(said:find("/x/a" .. sign .. "b\n", 1, true), said)
    end
    local pipe = assert(io.popen([[make -s uninstall INSTALL=no PREFIX="/x/it's" 2>&1]]))
    assert.truthy(pipe:read "a":find("PREFIX must do without", 1, true))
    pipe:close()
  end)

  it("says what to do where it may not write", function()
    local code, said = run("install", { LUADIR = here:path "build/runway.so" .. "/lua" })
    assert.equal(2, code)
    assert.matches("may not write to .*/lua[^\n]*: install as root %(sudo%), or elsewhere: PREFIX=$HOME/.local", said)
  end)

  it("names places without a slash too many", function()
    local _, said = run("install", { BINDIR = prefix .. "//bin/", LUADIR = prefix .. "//lua" })
    assert.truthy(said:find("installed: " .. prefix .. "/bin/runway, " .. prefix .. "/lua/runway,", 1, true), said)
  end)
end)
