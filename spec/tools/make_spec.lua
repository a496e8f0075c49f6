-- The words that make takes, and what a build directory was made with, from one call to the next. Only what stands
-- in $(BUILD)/flags is made: that is what everything else is made anew for.

local child = require "spec.support.child"
local content = require "spec.support.content"
local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

describe("what make is told", function()
  local function make(words, goal)
    local pipe = assert(io.popen(("env -u MAKEFLAGS -u MAKELEVEL make -n INSTALL=no LUA='%s' %s %s 2>&1"):format(lua,
      words, goal or "need-build")))
    local said = pipe:read "a"
    return pipe:close(), said
  end

  it("is refused where it is nearly a word of its own, which would be passed over", function()
    for words, name in pairs { ["PREFX=/x"] = "PREFIX", ["prefix=/x"] = "PREFIX", ["DESDTIR=/x"] = "DESTDIR",
      ["LUA_DIR=/x"] = "LUADIR", ["SQLLITE=no"] = "SQLITE", ["LISTNER=no"] = "LISTENER", ["CFLAG=-g"] = "CFLAGS" } do
      local ok, said = make(words)
      assert.is_nil(ok, words)
      assert.matches(words:match "^[^=]*=" .. ": it is " .. name, said, 1, true)
    end
  end)

  it("may be what other programs read, or distributions tell every make", function()
    local ok, said = make("COMETAPI_KEY=x CXX=g++ LD=ld AS=as FFLAGS=-O DFLAGS=-O CXXFLAGS=-O VERBOSE=1 "
      .. "AM_UPDATE_INFO_DIR=no JOBS=1 sbindir=/x")
    assert.is_true(ok, said)
  end)

  it("names a program where one is wanted", function()
    for _, word in ipairs { "LUA=", "CC=" } do
      local ok, said = make(word)
      assert.is_nil(ok)
      assert.matches("^[^\n]*" .. word .. ": it is the name of a program[^\n]*\n$", said)
    end
  end)

  it("names what there is, where one thing is wanted that there is not", function()
    local _, said = make("ONLY=cost", "bench")
    assert.matches("there is no bench cost (there are: queue tasks costs frames)", said, 1, true)
    for words, there in pairs { ["torture/fuzz.sh 0 adress"] = "address", ["torture.sh kill"] = "kills%.lua" } do
      local pipe = assert(io.popen("tools/" .. words .. " 2>&1"))
      assert.matches("there are: [^\n]*%f[%w]" .. there .. "%f[%W]", pipe:read "a")
      pipe:close()
    end
  end)

  it("leaves out the demo's sandbox, or its list, with words", function()
    local ok, said = make("LISTENER=no", "demo")
    assert.is_nil(ok)
    assert.matches("LISTENER=no leaves out the sandbox", said, 1, true)
    ok, said = make("SQLITE=no", "demo")
    assert.is_true(ok, said)
    assert.matches("SQLITE=no leaves out the list of shots", said, 1, true)
    assert.is_nil(said:find("night/run.sh", 1, true), said)
    assert.is_true((make("LISTENER=no PROVIDER=cometapi", "demo")))
  end)

  it("leaves out of a test what specs do without, and is refused where they do not", function()
    assert.is_true((make("POSTGRESQL=no", "test")))
    for _, word in ipairs { "LISTENER=no", "SQLITE=no" } do
      local ok, said = make(word, "test")
      assert.is_nil(ok)
      assert.matches("run them without +" .. word, said)
    end
  end)

  it("need not name where a distribution's Lua looks for modules in C", function()
    local here = scratch.new()
    local other = here:write("lua", ([[#!/bin/sh
[ "$1" = -E ] || exec %s "$@"
shift
exec %s -E -e 'package.cpath = "/usr/local/lib/lua/%s/?.so;/usr/lib64/lua/%s/?.so;./?.so"' "$@"
]]):format(lua, lua, _VERSION:sub(5), _VERSION:sub(5)))
    assert(os.execute("chmod +x '" .. other .. "'"))
    for prefix, place in pairs { ["/usr"] = "/usr/lib64", ["/usr/"] = "/usr/lib64", ["/usr/local"] = "/usr/local/lib",
      ["/opt/x"] = "/opt/x/lib" } do
      local _, said = make(("LUA='%s' PREFIX=%s"):format(other, prefix), "uninstall")
      assert.matches(("LIBDIR='%s/lua/%s'"):format(place, _VERSION:sub(5)), said, 1, true)
    end
    here:remove()
  end)
end)

describe("the flags of a build", function()
  local here

  before_each(function() here = scratch.new() end)
  after_each(function() here:remove() end)

  -- What the compiler is called with, after `make` with these words.
  local function flags(words, environment)
    local build = here:path "build"
    local pipe = assert(io.popen(("env -u CC -u CFLAGS -u CPPFLAGS -u LDFLAGS %s make INSTALL=no LUA='%s' BUILD='%s' "
      .. "MODULES= MANUAL= '%s' all %s 2>&1"):format(environment or "", lua, build, build .. "/flags", words or "")))
    local said = pipe:read "a"
    local built = pipe:close()
    return content(build .. "/flags"), built, said
  end

  it("are the usual ones where none were named, and the environment's where it names some", function()
    assert.matches(" -O2 -g ", flags(), 1, true)
    assert.matches(" -O3 ", flags(nil, "CFLAGS=-O3"), 1, true)
    assert.matches(" -O1 ", flags(nil, "CFLAGS=-O1"), 1, true)
    assert.matches(" -O1 ", flags(), 1, true)   -- as root by sudo has it: without that environment
  end)

  it("are named once, and hold until others are", function()
    local first = flags [[CFLAGS="-O1 -DNAME='\"it is #1\"'" LDFLAGS='-Wl,-rpath,$$ORIGIN' CC=gcc HARDEN=]]
    assert.matches([[gcc .*-O1 %-DNAME='"it is #1"']], first)
    assert.is_nil(first:find("-fstack-protector", 1, true), first)
    assert.matches("$ORIGIN", first, 1, true)
    assert.equal(first, flags())
    assert.equal(first, flags(nil, "CFLAGS=-O3 CC=cc"))   -- a distribution's, beside what its recipe named
    local second = flags "CFLAGS=-O2"
    assert.matches("^gcc .* -O2 ", second)
    assert.equal(second, flags())
  end)

  it("are not kept where nothing was built with them", function()
    local first = flags "CFLAGS=-O1"
    local _, built, said = flags "CFLAGS=-frobnicate MODULES='$(RUNWAY_SO)'"
    assert.is_nil(built)
    assert.matches("-frobnicate", said, 1, true)
    assert.equal(first, flags())
  end)

  it("name _FORTIFY_SOURCE once: a distribution's, or ours where it names none", function()
    for words, level in pairs {
      [""] = 2, ["CPPFLAGS='-Wdate-time -D_FORTIFY_SOURCE=3'"] = 3, ["CFLAGS='-O2 -Wp,-D_FORTIFY_SOURCE=3'"] = 3,
    } do
      local said = flags(words)
      local _, times = said:match "^[^\n]*":gsub("-D_FORTIFY_SOURCE=" .. level, "")
      assert.equal(1, times, said)
      assert.equal(level == 2, said:find("-U_FORTIFY_SOURCE", 1, true) ~= nil, said)
      assert.matches("-fstack-protector-strong", said, 1, true)
      os.remove(here:path "build/named")
    end
  end)

  it("are kept in one path, without spaces and quotes, that is no directory of the source", function()
    for path, why in pairs { ["/a b"] = "it is one path, without spaces and quotes", ["a'b"] = "it is one path",
      ['a"b'] = "it is one path", src = "that is a directory of the source", ["./lua/"] = "that is a directory of",
      ["."] = "that is a directory of the source", ["src/../lua"] = "that is a directory of the source",
      [os.getenv "PWD" .. "/src"] = "that is a directory of the source" } do
      local pipe = assert(io.popen(("make -n clean INSTALL=no BUILD=%s 2>&1"):format(child.quote(path))))
      assert.matches(("BUILD=%s: %s"):format(path, why), pipe:read "a", 1, true)
      pipe:close()
    end
  end)

  it("go, with all that was made and nothing of others, by make clean", function()
    local build = here:path "build"
    for _, name in ipairs { "runway.so", "runway/sqlite.so", "obj/a.o", "obj/a.d", "static/librunway.a", "librunway.a",
      "share/man/man1/runway.1", "flags", "named" } do
      assert(os.execute(("mkdir -p '%s'"):format((build .. "/" .. name):match "^(.*)/")))
      here:write("build/" .. name, "")
    end
    here:write("build/share/man/man1/ls.1", "")
    local function clean() assert(os.execute(("make -s clean INSTALL=no BUILD='%s' V=1 >/dev/null"):format(build))) end
    local function left()
      local pipe = assert(io.popen(("find '%s' ! -type d 2>/dev/null"):format(build)))
      local said = pipe:read "a"
      pipe:close()
      return said
    end
    clean()
    assert.equal(build .. "/share/man/man1/ls.1\n", left())
    assert(os.remove(build .. "/share/man/man1/ls.1"))
    clean()
    assert.is_nil(os.rename(build, build))
    clean()                                   -- nor does it mind that there is nothing
  end)
end)
