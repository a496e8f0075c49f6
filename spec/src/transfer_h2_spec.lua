-- HTTP/2 where it is offered: against nghttpd, which speaks nothing else.

local certs = require "spec.support.certs"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local interpreter = require "spec.support.interpreter"
local runway = require "runway"

describe("a server that offers HTTP/2", function()
  local directory, port
  local pids = {}

  local function log(name)
    local file = io.open(directory .. "/" .. (name or "log"))
    local text = file and file:read "a" or ""
    if file then file:close() end
    return text
  end

  local function get(path, more)
    local request = { url = ("https://localhost:%d%s"):format(port, path), ca_file = directory .. "/ca.pem" }
    for name, value in pairs(more or {}) do request[name] = value end
    return request
  end

  -- A port that was free a moment ago; another is tried when someone was quicker.
  local function start(options, to)
    local deadline = core.now() + 20
    repeat
      port = 20000 + math.random(20000)
      local command = ("nghttpd %s --no-content-length -d . %d good.key good.pem"):format(options, port)
      local shell = io.popen(("cd '%s' && { %s >%s 2>&1 & echo $!; }"):format(directory, command, to))
      pids[#pids + 1] = shell:read "l"
      shell:close()
      local answered
      repeat
        answered = exchange.run(get("/body")).status
      until answered or log(to):find "failed" or core.now() > deadline
      assert(core.now() < deadline, "nghttpd did not start: " .. log(to))
    until answered
  end

  setup(function()
    directory = certs.make()
    local file = assert(io.open(directory .. "/body", "w"))
    file:write(("x"):rep(200000))
    file:close()
    start("-v", "log")
  end)

  teardown(function()
    os.execute("kill " .. table.concat(pids, " ") .. " 2>/dev/null")
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

  -- With a receive buffer of 16 KiB libcurl 7.88 never saw the end of some of these. Of others, when they came
  -- at once, it saw it when it was called the next time, which was when their time was over.
  describe("is seen to end whatever the size of an answer whose length is not told, its head", function()
    setup(function()
      local all = ("x"):rep(65536)
      for n = 0, 65536, 50 do
        local file = assert(io.open(("%s/%d.bytes"):format(directory, n), "w"))
        file:write(all:sub(1, n))
        file:close()
      end
    end)

    for _, head in ipairs { 200, 800, 1400, 2000 } do
      it(("of %d bytes"):format(head), function()
        -- The type of a file makes the head so large.
        local types = assert(io.open(directory .. "/types", "w"))
        types:write("text/", ("a1-Z"):rep(head // 4), " bytes")
        types:close()
        start("--mime-types-file=types", "log" .. head)
        local ids, size = {}, {}
        for n = 0, 65536, 50 do
          local id = exchange.start(get(("/%d.bytes"):format(n), { lane = 3, lane_limit = 16 }))
          ids[#ids + 1], size[id] = id, n
        end
        for _, id in ipairs(ids) do
          local result = exchange.finish(id)
          assert.is_nil(result.error, size[id] .. " bytes")
          assert.equal(size[id], #result.body)
          assert.is_true(result.timings.total < 15, size[id] .. " bytes were there and not looked at")
          assert.equal(head, #result.headers["content-type"] - #"text/")
          assert.is_nil(result.headers["content-length"])
        end
      end)
    end
  end)
end)

-- libcurl begins some of these again by itself, and the gate stops it; its count of what has left begins
-- again with them.
describe("a paid request to a server with nothing but HTTP/2", function()
  local directory

  setup(function() directory = certs.make() end)
  teardown(function() certs.remove(directory) end)

  -- What came of `work(url)` at a server that does as planned (see h2reset.lua), and how many requests it
  -- has read whole.
  local function at(plan, work)
    -- The shell becomes the server: its number comes first, whoever is quicker.
    local pipe = assert(io.popen(("echo $$; exec %s spec/support/h2reset.lua %s %s 2>&1"):format(interpreter,
      directory, plan)))
    local pid, port = pipe:read "l", pipe:read "l"
    local ok, result = pcall(work, ("https://localhost:%s/"):format(port))
    os.execute("kill " .. pid)
    local _, count = pipe:read("a"):gsub("request", "")
    pipe:close()
    if not ok then error(result, 0) end
    return result, count
  end

  local function pay(plan, body)
    return at(plan, function(url)
      local result = exchange.run { method = "POST", url = url, body = body or "{}", gate = true, timeout = 5,
        ca_file = directory .. "/ca.pem" }
      assert.is_nil(result.status)
      assert.equal("network", result.error.kind)
      return result
    end)
  end

  for plan, what in pairs {
    ["13"] = "bids it come by HTTP/1.1", ["2"] = "ends its stream", ["8"] = "cancels its stream",
    ["goaway-1"] = "leaves, and may have looked at it", ["bye-13"] = "bids it come by HTTP/1.1, and leaves",
  } do
    it("is told as sent when the server reads all of it and " .. what, function()
      local result, count = pay(plan)
      assert.is_true(result.sent)
      assert.equal(1, count)
    end)
  end

  for plan, what in pairs {
    ["7"] = "refuses its stream", ["goaway-0"] = "leaves without a look at it", leaving = "was leaving already",
  } do
    it("is told as not sent when the server " .. what, function()
      local result, count = pay(plan)
      assert.is_false(result.sent)
      assert.matches("turned the request away unread", result.error.message)
      assert.is_true(count <= 1)
    end)
  end

  for _, plan in ipairs { "half-8", "half-13", "half-7" } do
    it(("is told as not sent when its stream ends in the middle of it (%s)"):format(plan:match "%d+"), function()
      local result, count = pay(plan, ("x"):rep(5000000))
      assert.is_false(result.sent)
      assert.equal(0, count)
    end)
  end

  it("is made again when it was turned away, and pays for one task", function()
    local task, count = at("7,goaway-0,ok", function(url)
      local client = runway.client { api_key = "k", base_url = url, ca_file = directory .. "/ca.pem" }
      local task, err = client:generate { prompt = "a lighthouse", duration = 5, ratio = "1280:720", model = "gen4.5" }
      assert.is_nil(err)
      client:close()
      return task
    end)
    assert.equal("17f20503-6c24-4c16-946b-35dbbce2af2f", task.id)
    assert.equal(3, count)
  end)
end)
