-- What may come over a connection, and what the user gets: one spec for each line of the catalogue of hostile
-- inputs, named as the line. Where a request leads, and how it gets there: http_and_tcp_ways_spec.lua.

local by_path = require "spec.support.by_path"
local poll = require "runway.poll"
local rawserver = require "spec.support.rawserver"
local retry = require "runway.retry"
local runway = require "runway"
local scratch = require "spec.support.scratch"
local transport = require "runway.transport"

describe("HTTP and TCP:", function()
  local server, here, client, film
  local count, delay, pace = 0, retry.delay, poll.delay

  setup(function()
    server = rawserver.start { tls = true }
    local function none() return 0 end        -- what is proven here does not hang on time
    retry.delay, poll.delay = none, none
  end)
  teardown(function()
    retry.delay, poll.delay = delay, pace
    server:stop()
  end)
  before_each(function()
    here = scratch.new()
    film = here:path "film.mp4"
    client = by_path.client(server:url "")
  end)
  after_each(function()
    client:close()
    here:remove()
  end)

  -- A path that no other request of these specs has.
  local function own(path)
    count = count + 1
    return path .. (path:find("?", 1, true) and "&" or "?") .. "n=" .. count
  end

  -- How many requests of a method a target got.
  local function got(method, target)
    local number = 0
    for _, request in ipairs(server:seen(target)) do
      if request.method == method and request.target == target then number = number + 1 end
    end
    return number
  end

  -- A submit of which nobody can say whether it was taken: one POST, told so, with the id if one came.
  local function unknown(path, id, options)
    path = own(path)
    local c = options and by_path.client(server:url "", options) or client
    local task, err = by_path.submit(c, path)
    assert.is_nil(task, path)
    assert.equal("unknown_submit", err.kind, path)
    assert.equal("yes", err.sent, path)
    assert.is_false(err.retryable)
    assert.equal(1, err.attempts)
    assert.equal(id, err.task_id, path)
    assert.equal(id, err.task and err.task.id)
    assert.equal(1, got("POST", path))
    if options then c:close() end
    return err
  end

  -- One look at a task that is answered so.
  local function look(path, kind)
    local task = client:task(own(path))
    local seen, err = task:refresh()
    assert.is_nil(seen, path)
    assert.equal(kind, err.kind, path .. ": " .. err.message)
    assert.equal(task.id, err.task_id)
    assert.equal(task, err.task)
    return err
  end

  -- The wait for a task that was just made goes on when its first query is answered so.
  local function goes_on(path)
    local target = own(path:gsub("^/", "/first/"))
    local task = assert(by_path.submit(client, own(by_path.json('{"id":"' .. target .. '"}'))))
    assert.equal(target, task.id)
    assert.equal(task, task:wait { timeout = 60 })
    assert.equal("SUCCEEDED", task.status)
    assert.equal(2, got("GET", target), path)
  end

  -- A film whose server answers so is none.
  local function no_film(path, kind, options)
    local task = by_path.made(client, server:url(own(path)))
    local file, err = task:download(film, options)
    assert.is_nil(file, path)
    assert.equal(kind, err.kind, path .. ": " .. err.message)
    assert.equal(task.id, err.task_id)
    assert.is_nil(here:content "film.mp4")
    return err
  end

  -- Is spoilt in whatever place it comes.
  local function is_no_http(path, id)
    unknown(path, id)
    look(path, "protocol")
    goes_on(path)
    no_film(path, "protocol")
  end

  -- A task whose film is planned, and its bytes.
  local function planned(size, steps)
    count = count + 1
    local name = "tcp" .. count
    server:film(name, { size = size, seed = count, steps = steps })
    return by_path.made(client, server:url("/film/" .. name)), rawserver.film_bytes(count, size), name
  end

  it("endless chunked body -> cap -> too_large", function()
    assert.equal("too_large", unknown("/chunked-forever").code)
    assert.equal("too_large", look("/chunked-forever", "limit").code)
    assert.equal("too_large", no_film("/chunked-forever", "limit", { max_bytes = 100000 }).code)
  end)

  it("slowloris headers 1 B/s -> total limit -> timeout (submit unknown)", function()
    local slow = by_path.client(server:url "", { timeout = 0.5 })
    local function never(path)
      local task, err = by_path.submit(slow, own(path))
      assert.is_nil(task)
      -- a machine may be too busy to send anything in that time
      assert.equal(err.sent == "yes" and "unknown_submit" or "timeout", err.kind)
    end
    local function wait(path)
      local _, err = slow:task(own(path)):refresh()
      assert.equal("timeout", err.kind)
      assert.is_true(err.retryable)
    end
    local jobs = {}
    for _, path in ipairs { "/slow-header?pause=1", "/slow-header?pause=0.05", "/slow-body?pause=0.05" } do
      jobs[#jobs + 1] = runway.spawn(never, path)
      jobs[#jobs + 1] = runway.spawn(wait, path)
    end
    local _, failures = runway.all(jobs)
    assert.is_nil(failures and next(failures) and tostring(select(2, next(failures))))
    slow:close()
  end)

  it("slow body on download -> LOW_SPEED -> resume", function()
    -- A film's patience, a minute without a byte, is a second here.
    local stalls = {}
    local hasty = setmetatable({
      start = function(_, wire, done)
        if wire.save then
          stalls[#stalls + 1] = wire.stall
          wire.stall = 1
        end
        return transport:start(wire, done)
      end,
    }, { __index = transport })
    client:close()
    client = by_path.client(server:url "", { transport = hasty, max_retries = 4 })
    local task, bytes, name = planned(200000, { "cut:120000", "hang:0" })
    local file = assert(task:download(film))
    assert.equal(60, stalls[1])
    assert.equal(#bytes, file.bytes)
    assert.is_true(here:content "film.mp4" == bytes)
    assert.is_true(got("GET", "/film/" .. name) >= 3)
  end)

  it("Content-Length larger than body -> 18 -> resume/unknown", function()
    unknown "/short-body"
    unknown("/cut-json", "task-PAID-123")
    assert.equal("closed", look("/short-body", "network").code)
    goes_on "/short-body"
    no_film("/short-body", "network")
    client:close()
    client = by_path.client(server:url "", { max_retries = 4 })
    local task, bytes, name = planned(200000, { "cut:50000", "cut:90000" })
    assert(task:download(here:path "resumed.mp4"))
    assert.is_true(here:content "resumed.mp4" == bytes)
    assert.equal(3, got("GET", "/film/" .. name))
  end)

  it("Content-Length smaller/negative/duplicated/huge (2^63) -> libcurl error -> bad_response", function()
    unknown "/short-length"                   -- and never a part of an id
    look("/short-length", "protocol")
    goes_on "/short-length"
    for _, path in ipairs { "/negative-length", "/dup-length", "/odd-length", "/list-length", "/huge-length" } do
      is_no_http(path)
    end
    unknown("/odd-length-json", "task-PAID-123") -- what came before it was seen is read
  end)

  it("chunk size overflow / bad trailer -> same", function()
    for _, path in ipairs { "/chunk-overflow", "/bad-chunk", "/bad-trailer" } do is_no_http(path) end
    unknown "/trailers-forever"
    assert.equal("too_large", look("/trailers-forever", "limit").code)
  end)

  for path, line in pairs {
    ["/header-flood"] = "20,000 headers -> stop at 256 KB", ["/header-1mb"] = "one header of 1 MB -> same",
  } do
    it(line, function()
      assert.equal("too_large", unknown(path).code)
      assert.equal("too_large", look(path, "limit").code)
      assert.equal("too_large", no_film(path, "limit").code)
    end)
  end

  it("header with NUL -> bad_response", function()
    is_no_http "/header-nul"
  end)

  it("100 endless 1xx -> total limit", function()
    local hasty = by_path.client(server:url "", { timeout = 0.3 })
    local _, err = hasty:task(own "/1xx-forever?pause=0.02"):refresh()
    assert.equal("timeout", err.kind)
    hasty:close()
    -- without a pause, that of their size comes first
    unknown "/1xx-forever"
    assert.equal("too_large", look("/1xx-forever", "limit").code)
  end)

  it("204 on submit -> unknown", function()
    unknown "/status/204"
    unknown "/status/205"
    goes_on "/status/204"
    no_film("/status/204", "protocol")
  end)

  it("206 without Range asked -> bad_response", function()
    unknown "/206"
    look("/206", "protocol")
    goes_on "/206"
    no_film("/206", "protocol")
    -- JSON that is whole under it says what it says: its task is not thrown away.
    local task = by_path.submit(client, own(by_path.json('{"id":"t-9"}'):gsub("200", "206")))
    assert.equal("t-9", task and task.id)
  end)

  it("304/412 unasked -> bad_response", function()
    for _, status in ipairs { 304, 412, 416 } do
      local path = own("/status/" .. status)
      local task, err = by_path.submit(client, path)
      assert.is_nil(task)
      assert.equal("protocol", err.kind)
      assert.equal("yes", err.sent)
      assert.is_false(err.retryable)
      assert.equal(1, got("POST", path))
      assert.matches(status .. ", which nothing asked for", err.message, 1, true)
      look("/status/" .. status, "protocol")
      goes_on("/status/" .. status)
      no_film("/status/" .. status, "protocol")
    end
  end)

  it("connection closed on idle keep-alive at submit -> fresh connection, exactly 1 POST", function()
    for _, on in ipairs { "plain", "good" } do
      local c = by_path.client(server:url("", on), { ca_file = server.ca_file, max_retries = 4 })
      local idle, paid = own "/close-idle-reuse?idle", own "/busy/200?times=0"
      c:request { path = idle }
      local task = assert(by_path.submit(c, paid))
      assert.equal("task-after-1", task.id)
      assert.equal(1, got("POST", paid))
      assert.is_not.equal(server:seen(idle)[1].connection, server:seen(paid)[1].connection)
      c:close()
    end
  end)

  it("RST after POST -> unknown", function()
    for _, path in ipairs { "/reset-after-request", "/close-before-answer", "/reset-mid-body", "/header-cut" } do
      unknown(path)
      unknown(path, nil, { base_url = server:url("", "good"), ca_file = server.ca_file })
    end
  end)
end)
