-- What the body of an answer may be, and what the user gets: one spec for each line of the catalogue of hostile
-- inputs, named as the line. What stands in it, the fields of a task: json_and_body_fields_spec.lua.

local answered = require "spec.support.answered"
local by_path = require "spec.support.by_path"
local child = require "spec.support.child"
local exchange = require "spec.support.exchange"
local mocked = require "spec.support.mocked"
local rawserver = require "spec.support.rawserver"

local unknown, polled, fails = answered.unknown, answered.polled, answered.fails

local RUNNING = '{"id":"t1","status":"RUNNING"}'
local MIB = 1024 * 1024

-- Nonsense in place of a query's answer: told as such to who looks once, after all the tries; no end for who
-- waits for a task that is there.
local function is_transient(body, words)
  local task, asked = polled({ body, body, body, body, body })
  local err = fails(task, "refresh", "protocol")
  assert.equal(5, err.attempts)
  assert.equal(5, asked())
  if words then assert.matches(words, err.message, 1, true) end
  task, asked = polled({ body, RUNNING, body, body, body, body, body, body })
  assert.equal(task, task:wait())
  assert.equal("SUCCEEDED", task.status)
  assert.equal(9, asked())
end

-- Text of two bytes a character.
local function wide(text) return "\255\254" .. text:gsub(".", "%0\0") end

describe("JSON and body:", function()
  after_each(answered.close)

  it("empty 200 body on submit -> unknown (accepted? no id)", function()
    for _, body in ipairs { "", " ", "\r\n", "\0", "\239\187\191" } do
      assert.matches("empty", unknown(body).message, 1, true)
    end
  end)

  it("empty 200 on poll -> transient, P", function()
    is_transient("", "empty")
  end)

  it("HTML page with 200 (wrong host, captive portal) on submit -> unknown, message says HTML and the first 80 bytes; "
    .. "on poll transient x4 then bad_response", function()
    local page = "<!DOCTYPE html>\n<html><title>Log in</title>" .. ("<p>hotel</p>"):rep(100)
      .. '<script>{"id":"5f2c1d7e-0001"}</script>' -- which is anything's
    local beginning = (page:gsub("\n", " ")):sub(1, 80)
    for _, body in ipairs { page, "\239\187\191 \n" .. page } do
      local err = unknown(body)
      assert.matches("HTML", err.message, 1, true)
      assert.matches(beginning:sub(1, 70), err.message, 1, true)
      assert.is_nil(err.message:find(page:sub(100, 140), 1, true))
      is_transient(body, beginning:sub(1, 70))
    end
    -- Of a task that no one has seen yet, and was not made here, a page ends the wait too.
    local client, m = mocked.client(function() return { body = page } end)
    local err = fails(client:task "t1", "wait", "protocol")
    assert.equal(5, err.attempts)
    assert.equal(5, #m.requests)
  end)

  it("truncated JSON -> submit unknown, poll retry", function()
    local whole = '{"id":"t1","status":"RUNNING","createdAt":"2026-01-01T00:00:00Z"}'
    for last = 2, #whole - 1 do
      local err = unknown(whole:sub(1, last), last >= #'{"id":"t1"' and "t1" or nil) -- never a part of an id
      assert.matches("the answer is not JSON", err.message, 1, true)
    end
    is_transient(whole:sub(1, 20), "not JSON")
  end)

  it("depth 100,000 -> bad_response, no stack growth", function()
    -- Four million would need more stack than there is, if each took some.
    for _, depth in ipairs { 100000, 4 * MIB - 100 } do
      for _, bracket in ipairs { "[", '{"a":' } do
        local deep = bracket:rep(depth // #bracket)
        unknown(deep)
        unknown('{"id":"t1","x":' .. deep, "t1")
        fails(polled({ deep }, { max_retries = 0 }), "refresh", "protocol")
      end
    end
    is_transient(("["):rep(100000) .. ("]"):rep(100000), "nested too deeply")
  end)

  it("trailing garbage after JSON -> bad_response", function()
    for _, garbage in ipairs { " x", "}", '{"id":"t2"}', "<br>", "null" } do
      unknown(RUNNING .. garbage, "t1")
      is_transient(RUNNING .. garbage, "not JSON")
    end
  end)

  it("UTF-16 -> bad_response", function()
    -- Read all the same: a relay that writes it has made the task, and said which.
    local task, err = answered.submit(wide(RUNNING))
    assert.equal("t1", task.id)
    assert.equal("broken_answer", err.code)
    assert.matches("UTF-16", err.message, 1, true)
    task = polled { wide(RUNNING) }
    assert.equal("RUNNING", assert(task:refresh()).status)
  end)

  it("NaN, Infinity, 0x10 -> bad_response", function()
    -- What some encoders write for a number that is none costs no task: it is read as null.
    for _, word in ipairs { "NaN", "Infinity", "-Infinity", "nan", "inf", "1e999" } do
      local body = ('{"id":"t1","status":"RUNNING","progress":%s}'):format(word)
      local task, err = answered.submit(body)
      assert.equal("t1", task.id)
      assert.equal("broken_answer", err.code)
      assert.equal(task, err.task)
      assert.matches(word, err.message, 1, true)
      task = polled { body }
      assert.is_nil(assert(task:refresh()).progress)
      assert.equal("RUNNING", task.status)
      unknown(word)
    end
    for _, word in ipairs { "0x10", "01", "1.", ".5", "+1", "undefined" } do
      local body = ('{"id":"t1","status":"RUNNING","progress":%s}'):format(word)
      unknown(body, "t1")
      is_transient(body, "not JSON")
    end
  end)

  it("top level array, string, number, null -> bad_response", function()
    for body, what in pairs { ['"hello"'] = "string", ["17"] = "number", ["null"] = "null", ["true"] = "boolean" } do
      local words = ("the answer is a JSON %s, not an object"):format(what)
      assert.matches(words, unknown(body).message, 1, true)
      is_transient(body, words)
    end
    unknown "[]"
    unknown('[{"id":"t9"}]', "t9")            -- an id that is there is told
    unknown('"5f2c1d7e-0001"', "5f2c1d7e-0001")
    is_transient("[]", "not in the answer")
    is_transient('["t1"]', "not in the answer")
  end)
end)

describe("JSON and body, over a socket:", function()
  local server, client

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)
  before_each(function() client = by_path.client(server:url "") end)
  after_each(function() client:close() end)

  -- A submit to a path: its task or error, and what was counted.
  local function submit(path)
    local task, err = by_path.submit(client, path)
    assert.equal(1, #server:seen(path))
    assert.equal("POST", server:seen(path)[1].method)
    return task, err
  end

  it("5 MB JSON on status -> too_large, transfer stopped at 4 MiB", function()
    for _, path in ipairs { "/body/5000000?poll", "/body/5000000?chunked=1&poll", "/chunked-forever?poll" } do
      local task = client:task(path)
      local done, err = task:wait()
      by_path.forget(task)
      assert.is_nil(done)
      assert.equal("limit", err.kind)
      assert.equal("too_large", err.code)
      assert.matches("4194304", err.message, 1, true)
      assert.equal(task, err.task)
      assert.equal(path, err.task_id)
      assert.equal(1, #server:seen(path))
    end
    -- What never ends was not read to its end: no more left the server than the sockets hold beyond the cap.
    local seen = exchange.until_true(function()
      local request = server:seen("/chunked-forever?poll")[1]
      return server:log().connections[request.connection].closed and request
    end, "the server to notice")
    assert.is_true(seen.sent < 32 * MIB)
    local _, err = submit "/body/5000000?submit"
    assert.equal("unknown_submit", err.kind)
    assert.equal("yes", err.sent)
  end)

  it("gzip although not asked -> bad_response naming the encoding", function()
    -- It is decoded, asked for or not: whoever sends it means it, and the bytes say what they are.
    local pipe = assert(io.popen([[printf '{"id":"t1","status":"RUNNING"}' | gzip -9 | od -An -v -tx1]]))
    local hex = pipe:read("a"):gsub("%s", "")
    pipe:close()
    for i, label in ipairs { "gzip", "x-gzip", "", "identity", "br" } do
      local task, err = submit(("/coded?hex=%s&label=%s&n=%d"):format(hex, label, i))
      assert.equal("t1", task and task.id, label .. ": " .. tostring(err))
    end
    -- What cannot be decoded is no answer, and names the encoding.
    for i, label in ipairs { "gzip", "br", "zstd", "compress", "aes128gcm" } do
      local err = select(2, submit(("/coded?hex=deadbeef&label=%s&broken=%d"):format(label, i)))
      assert.equal("unknown_submit", err.kind)
      assert.equal("yes", err.sent)
      assert.matches("(its Content-Encoding is " .. label .. ")", err.message, 1, true)
      local task = client:task(("/coded?hex=deadbeef&label=%s&poll=%d"):format(label, i))
      err = select(2, task:refresh())
      assert.equal("protocol", err.kind)
      assert.equal(task, err.task)
      assert.matches("(its Content-Encoding is " .. label .. ")", err.message, 1, true)
    end
  end)

  it("gzip bomb with compression on -> stop at decoded cap, RSS <= cap", function()
    -- 160 MB out of 160 KB, in a process of its own, so that its memory can be looked at.
    local said, code = child.run([[
      local by_path, core = require "spec.support.by_path", require "runway.core"
      local client = by_path.client(...)
      local function most() -- KB of memory that the process has had
        for line in io.lines "/proc/self/status" do
          if line:find "^VmHWM" then return tonumber(line:match "%d+") end
        end
      end
      client:request { path = "/ok" }
      local before = most()
      for _, path in ipairs { "/gzip?size=160000000&get", "/gzip?size=160000000&post" } do
        local done, err
        if path:find "get" then done, err = client:request { path = path } else
          done, err = by_path.submit(client, path)
        end
        print(done, err.kind, err.sent, err.message:find "4194304" and "capped")
      end
      print(most() - before < 100000 and "small" or most() - before)
    ]], { arguments = { server:url "" } })
    assert.equal(0, code, said)
    assert.equal("nil\tlimit\tyes\tcapped\nnil\tunknown_submit\tyes\tcapped\nsmall", said)
    assert.equal(1, #server:seen "160000000&post")
  end)
end)
