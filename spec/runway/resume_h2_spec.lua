-- A download over HTTP/2 that breaks off goes on where it broke off: the stream ends, the server leaves, the
-- connection ends.

local certs = require "spec.support.certs"
local core = require "runway.core"
local interpreter = require "spec.support.interpreter"
local retry = require "runway.retry"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local bytes_of = dofile "spec/support/rawserver/film_bytes.lua"

local SIZE = 200000
local FROM = 50000 - 1024                     -- where the rest of 50,000 bytes is asked for

describe("a download over HTTP/2 that breaks off", function()
  local directory, here
  local delay = retry.delay

  setup(function()
    directory = certs.make()
    retry.delay = function() return 0 end     -- what is proven here does not hang on time
  end)
  teardown(function()
    retry.delay = delay
    certs.remove(directory)
  end)
  before_each(function() here = scratch.new() end)
  after_each(function() here:remove() end)

  -- Downloads from a server with a plan (see h2film.lua): the result, its error, and the server's lines.
  local function download(plan, untold)
    -- The shell becomes the server: its number comes first, whoever is quicker.
    local pipe = assert(io.popen(("echo $$; exec %s spec/support/h2film.lua %s %d %s %s 2>&1"):format(interpreter,
      directory, SIZE, plan, untold and "untold" or "")))
    local pid, port = pipe:read "l", pipe:read "l"
    local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", timeout = 20,
      base_url = ("https://localhost:%s/"):format(port), ca_file = directory .. "/ca.pem" })
    local ok, file, err = pcall(function() return assert(client:get "film"):download(here:path "a.mp4") end)
    client:close()
    os.execute("kill " .. pid)
    local lines = {}
    for line in pipe:lines() do lines[#lines + 1] = line end
    pipe:close()
    if not ok then error(file, 0) end
    return file, err, lines
  end

  local function assert_whole(file, err, seed)
    local film = bytes_of(seed or 1, SIZE)
    assert.is_truthy(file, tostring(err))
    assert.is_true(here:content "a.mp4" == film, "the file is not the film")
    assert.same({ SIZE, core.sha256(film) }, { file.bytes, file.sha256 })
    assert.is_nil(here:content "a.mp4.part")
  end

  for plan, what in pairs {
    ["rst-2"] = "its stream ends with an error of the server's", ["rst-8"] = "its stream is cancelled",
    ["rst-7"] = "its stream is refused, late", ["rst-0"] = "its stream ends with no error",
    ["rst-13"] = "it is to come by HTTP/1.1", ["goaway-all"] = "the server leaves",
    ["goaway-0"] = "the server leaves and denies that it looked", ["end"] = "the connection ends",
    ["drop"] = "the connection is reset",
  } do
    for _, length in ipairs { "told", "untold" } do
      it(("goes on where %s, its length %s"):format(what, length), function()
        local file, err, lines = download(plan .. ":50000", length == "untold")
        assert_whole(file, err)
        assert.same({ "- - 200", ('%d "1" 206'):format(FROM) }, lines)
      end)
    end
  end

  it("goes on as often as it comes further", function()
    local file, err, lines = download "rst-2:50000,goaway-all:30000,end:30000,rst-8:30000"
    assert_whole(file, err)
    assert.equal(5, #lines)
    for i = 2, 5 do assert.matches('^%d+ "1" 206$', lines[i]) end
  end)

  for plan, seed in pairs { whole = 1, changed = 2 } do
    it("begins anew when the rest is answered with 200: " .. plan, function()
      local file, err, lines = download("rst-2:50000," .. plan)
      assert_whole(file, err, seed)
      assert.same({ "- - 200", ('%d "1" 200'):format(FROM) }, lines)
    end)
  end

  it("begins anew when the rest is answered with 416", function()
    local file, err, lines = download "rst-2:50000,gone"
    assert_whole(file, err)
    assert.same({ "- - 200", ('%d "1" 416'):format(FROM), "- - 200" }, lines)
  end)
end)
