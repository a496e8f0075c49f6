-- Whatever a file system lets a file be called, a download may be called.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"

describe("the name of a download", function()
  local server, here

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)
  before_each(function() here = scratch.new() end)
  after_each(function() here:remove() end)

  local function start(path, name)
    return exchange.start { url = server:url(path), save = { path = here:path(name) } }
  end

  for what, name in pairs {
    ["letters"] = ("a"):rep(251) .. ".mp4",
    ["two-byte letters"] = ("é"):rep(125) .. ".mp4",
    ["two-byte letters, one byte on"] = "a" .. ("é"):rep(125) .. ".mp4",
    ["three-byte letters"] = ("灯"):rep(83) .. ".mp4",
    ["four-byte letters"] = ("🎬"):rep(62) .. ".mp4",
    ["bytes that are no letters"] = ("\x80"):rep(255),
  } do
    it("may be as long as the file system has it, in " .. what, function()
      for length = math.max(240, #name - 15), #name do
        local short = what == "letters" and name:sub(-length) or name
        local id = start("/stall-mid-body", short)
        exchange.until_received(id, 500)
        local list = here:names()
        assert.equal(1, #list)
        assert.matches("%.part$", list[1])
        assert.is_true(#list[1] <= 255)
        if utf8.len(name) then assert.truthy(utf8.len(list[1]), list[1]) end
        core.cancel(id)
        exchange.finish(id)
        local result = exchange.finish(start("/body/1000", short))
        assert.is_nil(result.error, result.error and result.error.message)
        assert.same({ short }, here:names())
        os.remove(here:path(short))
        if what ~= "letters" then break end
      end
    end)
  end

  it("has one .part for one target and another for another, however alike they are", function()
    local one, other = ("a"):rep(254) .. "1", ("a"):rep(254) .. "2"
    local first, second = start("/stall-mid-body", one), start("/stall-mid-body", other)
    exchange.until_received(first, 500)
    exchange.until_received(second, 500)
    assert.equal(2, #here:names())
    assert.equal("locked", exchange.finish(start("/ok", one)).error.code)
    for _, id in ipairs { first, second } do
      core.cancel(id)
      exchange.finish(id)
    end
    assert.same({}, here:names())
  end)

  it("may be long where another's .part lies", function()
    for length = 235, 255 do
      local name = ("b"):rep(length)
      if length <= 250 then here:write(name .. ".part", "precious") end
      assert.is_nil(exchange.finish(start("/body/1000", name)).error)
      assert.equal(rawserver.pattern(1000), here:content(name))
      if length <= 250 then assert.equal("precious", here:content(name .. ".part")) end
    end
  end)

  it("is shortened in a message before the reason is", function()
    local deep = ("d"):rep(200) .. "/"
    local cases = {
      [("n"):rep(251) .. ".mp4"] = "File exists",
      [("灯"):rep(83) .. ".mp4"] = "File exists",
      [("n"):rep(296) .. ".mp4"] = "File name too long",
      [deep:rep(10) .. "clip.mp4"] = "No such file or directory",
    }
    for name, reason in pairs(cases) do
      if reason == "File exists" then here:write(name, "old") end
      local message = exchange.finish(start("/ok", name)).error.message
      assert.matches(": cannot [%l .=()]+: " .. reason .. "$", message)
      assert.equal(here:path "" :sub(1, 10), message:sub(1, 10))
      assert.truthy(message:find(name:sub(-20) .. ": cannot ", 1, true), message)
      assert.truthy(utf8.len(message), message)
    end
    local name = ("n"):rep(251) .. ".mp4"
    os.remove(here:path(name))
    local result = exchange.run { url = server:url "/body/1000", save = { path = here:path(name), max_bytes = 99 } }
    assert.matches("n%.mp4 is larger than max_bytes %(99%)$", result.error.message)
  end)

  it("says which directory is not there, and that a target is a symbolic link", function()
    local function of(path)
      return exchange.run { url = server:url "/ok", save = { path = path } }.error.message
    end
    local gone = here:path "nodir"
    assert.equal(gone .. "/x.mp4: there is no directory " .. gone .. ": No such file or directory",
      of(gone .. "/x.mp4"))
    assert.equal("~/x.mp4: there is no directory ~ (only a shell knows what ~ stands for): No such file or directory",
      of "~/x.mp4")
    os.execute(("ln -s nowhere '%s'"):format(here:path "link.mp4"))
    assert.matches("link%.mp4: cannot write over a symbolic link", of(here:path "link.mp4"))
  end)
end)
