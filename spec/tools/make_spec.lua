-- What a build directory was made with, as make takes it from one call to the next. Only what stands in
-- $(BUILD)/flags is made: that is what everything else is made anew for.

local content = require "spec.support.content"
local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

describe("the flags of a build", function()
  local here

  before_each(function() here = scratch.new() end)
  after_each(function() here:remove() end)

  -- What the compiler is called with, after `make` with these words.
  local function flags(words, environment)
    local build = here:path "build"
    local pipe = assert(io.popen(("env -u CC -u CFLAGS -u CPPFLAGS -u LDFLAGS %s make INSTALL=no LUA='%s' BUILD='%s' "
      .. "'%s' %s 2>&1"):format(environment or "", lua, build, build .. "/flags", words or "")))
    local said = pipe:read "a"
    assert.is_true(pipe:close(), said)
    return content(build .. "/flags")
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

  it("are kept in one path, without spaces", function()
    local pipe = assert(io.popen "make -n all INSTALL=no BUILD='/a b' 2>&1")
    assert.matches("BUILD=/a b: it is one path, without spaces", pipe:read "a", 1, true)
    pipe:close()
  end)
end)
