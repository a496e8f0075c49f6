-- HTTP/2 where it is offered: against nghttpd, which speaks nothing else.

local certs = require "spec.support.certs"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local interpreter = require "spec.support.interpreter"

describe("a server that offers HTTP/2", function()
  local directory, pid, port

  -- A port that was free a moment ago; another is tried when someone was quicker.
  local function start(number)
    local command = ("cd '%s' && { nghttpd -v --no-content-length -d . %d good.key good.pem >log 2>&1 & echo $!; }")
      :format(directory, number)
    local shell = io.popen(command)
    pid, port = shell:read "l", number
    shell:close()
  end

  local function log()
    local file = io.open(directory .. "/log")
    local text = file and file:read "a" or ""
    if file then file:close() end
    return text
  end

  local function get(path, more)
    local request = { url = ("https://localhost:%d%s"):format(port, path), ca_file = directory .. "/ca.pem" }
    for name, value in pairs(more or {}) do request[name] = value end
    return request
  end

  setup(function()
    directory = certs.make()
    local file = assert(io.open(directory .. "/body", "w"))
    file:write(("x"):rep(200000))
    file:close()
    local deadline = core.now() + 20
    repeat
      start(20000 + math.random(20000))
      local answered
      repeat
        answered = exchange.run(get("/body")).status
      until answered or log():find "failed" or core.now() > deadline
      assert(core.now() < deadline, "nghttpd did not start: " .. log())
    until answered
  end)

  teardown(function()
    if pid then os.execute("kill " .. pid) end
    certs.remove(directory)
  end)

  local function connections()
    local _, count = log():gsub("SSL/TLS handshake completed", "")
    return count
  end

  it("is spoken to over connections that are used again", function()
    local before = connections()
    for round = 1, 5 do
      local ids = {}
      for index = 1, 4 do ids[index] = exchange.start(get("/body", { lane_limit = 4 })) end
      for _, id in ipairs(ids) do
        local result = exchange.finish(id)
        assert.is_nil(result.error)
        assert.equal(200, result.status)
        assert.equal(200000, #result.body)
        assert.is_true(result.sent)
      end
      assert.is_true(connections() <= before + 4, "round " .. round)
    end
  end)

  -- A paid request offers HTTP/1.1 alone. This server has only HTTP/2 and takes such a connection without
  -- a word: nothing is sent on it, and HTTP/2 is offered on the next.
  it("gets each paid request on a connection of its own, once, though it has nothing but HTTP/2", function()
    for _ = 1, 3 do
      local result = exchange.run(get("/body", { method = "POST", body = "{}", gate = true }))
      assert.is_true(result.sent)
      assert.is_number(result.status)
    end
    local posts, used = 0, {}
    for connection in log():gmatch "%[id=(%d+)%][^\n]*:method: POST" do
      posts = posts + 1
      assert.is_nil(used[connection], "two paid requests on connection " .. connection)
      used[connection] = true
    end
    assert.equal(3, posts)
  end)

  -- With a receive buffer of 16 KiB libcurl 7.88 never saw the end of some of these.
  it("is seen to end whatever the size of an answer whose length is not told", function()
    local file = io.open(directory .. "/all", "w")
    file:write(("x"):rep(65536))
    file:close()
    assert(os.execute(("cd '%s' && for n in $(seq 0 50 65536); do head -c $n all >size$n; done"):format(directory)))
    local ids, size = {}, {}
    for n = 0, 65536, 50 do
      local id = exchange.start(get("/size" .. n, { lane = 3, lane_limit = 16 }))
      ids[#ids + 1], size[id] = id, n
    end
    for _, id in ipairs(ids) do
      local result = exchange.finish(id)
      assert.is_nil(result.error, size[id] .. " bytes")
      assert.equal(size[id], #result.body)
      assert.is_nil(result.headers["content-length"])
    end
  end)
end)

-- libcurl begins such a request again by itself; its count of what has left begins again with it.
describe("a paid request whose stream a server resets after reading all of it", function()
  for _, how in ipairs { "13", "7", "2", "goaway" } do
    it(("leaves once, and is told as sent (%s)"):format(how), function()
      local directory = certs.make()
      -- The shell becomes the server: its number comes first, whoever is quicker.
      local pipe = assert(io.popen(("echo $$; exec %s spec/support/h2reset.lua %s %s 2>&1"):format(interpreter,
        directory, how)))
      local pid, port = pipe:read "l", pipe:read "l"
      local result = exchange.run { method = "POST", url = ("https://localhost:%s/"):format(port), body = "{}",
        gate = true, ca_file = directory .. "/ca.pem", timeout = 5 }
      os.execute("kill " .. pid)
      local _, count = pipe:read("a"):gsub("request", "")
      pipe:close()
      certs.remove(directory)
      assert.is_nil(result.status)
      assert.is_true(result.sent)
      assert.equal(1, count)
    end)
  end
end)
