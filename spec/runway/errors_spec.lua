local child = require "spec.support.child"
local effort = require "spec.support.effort"
local errors = require "runway.errors"
local mocked = require "spec.support.mocked"
local runway = require "runway"

local KEY = "key_0123456789abcdef0123456789abcdef"
local PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg+/=="

describe("an error", function()
  it("is one readable line: what happened, where, to which task", function()
    local err = errors.new {
      kind = "task_failed", message = "the provider could not make it: too bright", provider = "cometapi",
      http_status = 200, code = "SAFETY.INPUT.TEXT", task_id = "t-1", request_id = "r-9", attempts = 3,
    }
    assert.equal("task_failed: the provider could not make it: too bright (cometapi, HTTP 200, code "
      .. "SAFETY.INPUT.TEXT, task t-1, request r-9, 3 attempts)", tostring(err))
  end)

  it("says no more than it knows", function()
    assert.equal("io: disk full", tostring(errors.new { kind = "io", message = "disk full" }))
    assert.equal("config: unknown error", tostring(errors.new { kind = "config" }))
    assert.equal("io: code E1 (qimu)",
      tostring(errors.new { kind = "io", message = "code E1", code = "E1", provider = "qimu", attempts = 1 }))
    for after, words in pairs {
      [0.2] = "1 s", [599] = "599 s", [600] = "10 min", [7200] = "2 h", [2592000] = "30 days",
    } do
      local err = errors.new { kind = "rate_limited", message = "full", retry_after = after, retryable = true }
      assert.equal(("rate_limited: full (may be tried again in %s)"):format(words), tostring(err))
      err.retryable = false
      assert.equal("rate_limited: full", tostring(err))
    end
  end)

  it("stays on one line whatever a server wrote", function()
    local line = tostring(errors.new { kind = "server", message = "a\r\nSet-Cookie: b\0\27[31mc\n", code = "x\ny" })
    assert.is_nil(line:find("%c"))
  end)

  it("is retryable only when that was said", function()
    assert.is_false(errors.new { kind = "server", message = "x" }.retryable)
    assert.is_false(errors.new { kind = "server", message = "x", retryable = "yes" }.retryable)
    assert.is_true(errors.new { kind = "server", message = "x", retryable = true }.retryable)
  end)

  it("is known from other tables", function()
    assert.is_true(errors.is(errors.new { message = "x" }))
    for _, v in ipairs { {}, { kind = "io" }, "io", 5 } do assert.is_false(errors.is(v)) end
    assert.is_false(errors.is(nil))
  end)

  it("keeps 4 KiB of an answer and of a message, never half a character", function()
    local err = errors.new { kind = "server", message = ("é"):rep(1e6), body = "x" .. ("é"):rep(1e6) }
    assert.is_true(#err.message <= 4096 and #err.body <= 4096)
    assert.truthy(utf8.len(err.message))
    assert.truthy(utf8.len(err.body))
  end)
end)

describe("an error beside a text", function()
  it("is the text of both, in either order", function()
    local err = errors.new { kind = "io", message = "disk full" }
    assert.equal("it failed: io: disk full", "it failed: " .. err)
    assert.equal("io: disk full, so there", err .. ", so there")
    assert.equal("shot 3: io: disk full", "shot " .. 3 .. ": " .. err)
    assert.equal("io: disk full; io: disk full", err .. "; " .. err)
    assert.equal("io: disk fullio: disk full", err .. err)
  end)

  it("and beside what is no text is refused as Lua does, at that line", function()
    local err = errors.new { kind = "io", message = "disk full" }
    for what, fn in pairs { ["nil"] = function() return err .. nil end, ["table"] = function() return {} .. err end } do
      local ok, message = pcall(fn)
      assert.is_false(ok)
      assert.matches("^spec/runway/errors_spec.lua:%d+: attempt to concatenate a " .. what .. " value", message)
    end
  end)
end)

describe("an error of a public function", function()
  after_each(mocked.close)

  local function line() return debug.getinfo(2, "l").currentline end

  local function from(call, where, err)
    assert.same({ call, "spec/runway/errors_spec.lua:" .. where }, { err.call, err.where })
    assert.equal(err.where .. ": " .. call .. ": " .. err.kind .. ": " .. err.message,
      tostring(err):sub(1, #err.where + #call + #err.kind + #err.message + 6))
  end

  it("says which call failed, and where it was made", function()
    local client = mocked.client { { "GET /v1/tasks/t1", status = 401, times = math.huge } }
    local _, err = client:generate { kind = "no_kind", prompt_text = "x" }
    from("client:generate", line() - 1, err)
    _, err = client:text_to_video { prompt_text = "x", duration = 5000 }
    from("client:text_to_video", line() - 1, err)
    _, err = client:get "t1"
    from("client:get", line() - 1, err)
    local task = client:task "t1"
    _, err = task:wait()
    from("task:wait", line() - 1, err)
    _, err = task:download "a.mp4"
    from("task:download", line() - 1, err)
    _, err = task:download_all "."
    from("task:download_all", line() - 1, err)
    _, err = runway.client { provider = "no one" }
    from("runway.client", line() - 1, err)
    _, err = runway.journal "/nowhere/at/all.db"
    from("runway.journal", line() - 1, err)
    _, _, err = pcall(client.get, client, "t1")
    from("client:get", line() - 1, err)
  end)

  it("names the call of the script, where a room of ours made another for it: that is not what failed", function()
    local client = mocked.client { { "GET /v1/tasks/t1", status = 401, times = math.huge } }
    local _, err = require("runway.progress").wait(client:task "t1", {
      stream = { write = function() end, flush = function() end }, terminal = false,
    })
    from("progress.wait", line() - 3, err)
    assert.equal("authentication", err.kind)
  end)

  it("of a job says what failed in it", function()
    local client = mocked.client {}
    local job = runway.spawn(function()
      local _, failure = client:generate { kind = "no_kind", prompt_text = "x" }
      return nil, failure
    end)
    local at = line() - 3
    local _, err = job:join()
    from("client:generate", at, err)
    job = runway.spawn(runway.sleep, 1)
    job:cancel()
    _, err = job:join()
    from("job:join", line() - 1, err)
  end)

  it("keeps its message as it is, and shows no text of the script", function()
    local client = mocked.client {}
    local chunk = assert(load "local _, err = (...):generate { kind = 'SECRET', prompt = 'x' } return err")
    local err = chunk(client)
    assert.equal("client:generate", err.call)
    assert.is_nil(err.where)
    assert.is_nil(err.message:find("client:generate", 1, true))
  end)

  it("is what a script ends with that asserts", function()
    local text, code = child.run [[
      local runway = require "runway"
      local client = assert(runway.client { api_key = "any", provider = "runwayml" })
      assert(client:generate { kind = "no_kind", prompt_text = "x" })
    ]]
    assert.equal(1, code)
    assert.matches(":3: client:generate: invalid_request: runwayml has no kind no_kind", text, 1, true)
  end)
end)

describe("no text of an error ever holds", function()
  local function texts(text)
    local err = errors.new({
      kind = "server", message = text, body = text, code = text, request_id = text,
    }, KEY)
    return { err.message, err.body, err.code, err.request_id, tostring(err) }
  end

  local function never(secret, text)
    for _, shown in ipairs(texts(text)) do
      assert.is_nil(shown:find(secret, 1, true), shown)
    end
  end

  it("the API key", function()
    never(KEY, KEY)
    never(KEY, "Incorrect key provided: " .. KEY .. ".")
    never(KEY, '{"headers":{"Authorization":"Bearer ' .. KEY .. '"}}')
    never(KEY, KEY .. KEY .. " " .. KEY)
    assert.equal("[key][key] and [key]", errors.redact(KEY .. KEY .. " and " .. KEY, KEY))
  end)

  it("the API key, cut short", function()
    for length = 12, #KEY - 1 do
      assert.equal("… [key]", errors.redact("… " .. KEY:sub(1, length), KEY))
    end
    never("0123456789", ("x"):rep(16 * 1024 - 20) .. KEY)
    never("0123456789", ("x"):rep(4096 - 20) .. KEY)
  end)

  it("keys that begin alike, as tokens do, or hold one another", function()
    local head = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9."
    local keys = { head .. "old.AAAA", head .. "new.BBBB", head .. "new.BBBBCCCC", "WORD", "WORD_and_more_of_it",
      "in the WORD_ middle" }
    for order = 1, 2 do
      for _, key in ipairs(keys) do
        assert.equal("a [key], b", errors.redact("a " .. key .. ", b", keys))
        assert.equal("[key][key]", errors.redact(key .. key, keys))
        assert.equal("[key] and [key], [key]", errors.redact(("WORD and %s, WORD"):format(key), keys))
      end
      if order == 1 then
        for i = 1, #keys / 2 do keys[i], keys[#keys + 1 - i] = keys[#keys + 1 - i], keys[i] end
      end
    end
  end)

  it("a key with slashes behind its beginning, as JSON has it, and JSON in JSON", function()
    local key = "key_0123456789/ABCD+/EFGH"
    for _, spelt in ipairs { key, (key:gsub("/", "\\/")), (key:gsub("/", "\\\\/")),
      "key_0123456789%2FABCD%2B%2FEFGH" } do
      assert.equal("[key] [key]", errors.redact(spelt .. " " .. spelt, key))
    end
  end)

  it("a query string", function()
    for _, text in ipairs {
      "https://cdn.example/a.mp4?_jwt=SECRET", "see https://cdn.example/a.mp4?X-Sig=SECRET&x=1 for more",
      "http://cdn.example:8080/?SECRET", '{"url":"https:\\/\\/cdn.example\\/a.mp4?_jwt=SECRET"}',
      "HTTPS://CDN.EXAMPLE/A?B=SECRET", "runway://abc?token=SECRET", "GET /files/a.mp4?_jwt=SECRET: 403",
      '<a href="https://cdn.example/a?x=SECRET">', "(https://a.example/?a=1)(https://b.example/?b=SECRET)",
      "https://cdn.example/a.mp4?x='SECRET'", "/v1/tasks?cursor=abc?token=SECRET",
    } do
      never("SECRET", text)
    end
    assert.equal("https://cdn.example/a.mp4?[query] is gone", errors.redact "https://cdn.example/a.mp4?a=b is gone")
  end)

  it("a user name or password in a URL", function()
    never("SECRET", "https://me:SECRET@cdn.example/a.mp4")
    never("SECRET", "https://SECRET@cdn.example/a.mp4?x=1")
    never("SECRET", [[{"said":"{\"url\":\"https:\\/\\/me:SECRET@cdn.example\\/a\"}"}]])
  end)

  it("the bytes of a data URI", function()
    never("iVBOR", PICTURE)
    never("iVBOR", '{"promptImage":"' .. PICTURE .. '"}')
    never("iVBOR", "DATA:image/png;charset=utf-8;base64,iVBORw0KGgo=")
    never("iVBOR", '{"promptImage":"data:image\\/png;base64,iVBORw0KGgo="}')
    never("AAAA", "data:;base64,AAAA")
    never("AAAA", "data:video/mp4;base64," .. ("A"):rep(1e5))
    assert.equal("data:image/png;base64,[data]", errors.redact(PICTURE))
  end)
end)

describe("redact", function()
  it("leaves other texts as they are", function()
    for _, text in ipairs {
      "", "what is wrong? everything", "see https://docs.example/errors/#codes.", "a=b, c=d", "did you mean x?",
      "data: none, really", "the API key was refused", "give base_url = …", "key_0123456",
    } do
      assert.equal(text, errors.redact(text, KEY))
    end
  end)

  it("returns what is not a text as it is", function()
    for _, v in ipairs { 5, true, {} } do assert.equal(v, errors.redact(v, KEY)) end
    assert.is_nil(errors.redact(nil, KEY))
  end)

  it("costs no more than the text's length, whatever the text", function()
    for _, unit in ipairs { "a", "://", "data:", "?", "?a=", KEY:sub(1, 11), "https://a@", "data:,", "?=", " ",
      "%3a%2f%2f", "\\/", '"' } do
      effort.assert_linear(2 ^ 16, function(size) errors.redact(unit:rep(size), KEY) end)
    end
  end)

  it("are made of whatever an adapter says, without raising", function()
    for _, v in ipairs { true, false, 5, 0/0, {}, print } do
      local err = errors.new { kind = v, message = v, code = v, body = v, request_id = v, task_id = v, retry_after = v }
      assert.is_string(tostring(err))
      assert.is_string(err.message)
    end
    local err = errors.new { kind = "server", message = 5, code = 1001, task_id = 77 }
    assert.equal("server: 5 (code 1001, task 77)", tostring(err))
  end)
end)
