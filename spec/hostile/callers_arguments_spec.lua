-- What a script may hand over: a promise for each thing that is none, as whoever calls runway meets it. Named
-- as in the catalogue of hostile inputs. What is refused is refused before anything is sent: the clients here
-- have a server, which no one ever calls, and a journal, which stays empty.

local json = require "runway.json"
local mocked = require "spec.support.mocked"
local rawserver = require "spec.support.rawserver"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local KEY = "key_0123456789abcdef"
local PROVIDERS = mocked.providers()
local MODELS = { runwayml = "gen4_turbo", cometapi = "gen4_turbo", gateway = "gen4_turbo", qimu = "gen3a_turbo",
  chatgptsb = "gen3a_turbo" }
local LIMITS = { runwayml = 1000, gateway = 1000, qimu = 2000 } -- characters of a prompt, where one is documented

describe("caller's arguments:", function()
  local server, here, journal

  local function connect(more)
    local options = { provider = "runwayml", api_key = KEY, base_url = server:url("", "quiet"), journal = journal }
    for name, value in pairs(more or {}) do options[name] = value end
    return runway.client(options)
  end

  setup(function() server = rawserver.start() end)
  teardown(function()
    assert.equal(0, server:connected "quiet", "something was sent")
    server:stop()
  end)
  before_each(function()
    here = scratch.new()
    journal = assert(runway.journal(here:path "shots.db"))
  end)
  after_each(function()
    assert.equal(0, server:connected "quiet", "something was sent")
    assert.same({}, journal:entries())
    journal:close()
    mocked.close()
    here:remove()
  end)

  local function clip(more)
    local params = { model = "gen4_turbo", prompt_text = "a cat", prompt_image = "https://x.test/a.png",
      ratio = "1280:720", duration = 5 }
    for name, value in pairs(more or {}) do params[name] = value end
    return params
  end

  -- An argument error: raised where it is misuse, else told; with these words in it.
  local function refused(words, fn, ...)
    local ok, value, err = pcall(fn, ...)
    assert.is_nil(ok and value or nil)
    local message = not ok and value or err.message
    assert.matches(words, message, 1, true)
    if ok then
      assert.equal("no", err.sent)
      assert.is_truthy(err.kind == "invalid_request" or err.kind == "config", err.kind)
      assert.is_falsy(err.retryable)
    end
    return message
  end

  local function refuses_clip(words, more, provider)
    local client = assert(connect { provider = provider })
    local all = clip(more)
    all.model = more and more.model or MODELS[provider or "runwayml"]
    return refused(words, client.generate, client, all)
  end

  for what, row in pairs {
    ["CR/LF/NUL in key -> argument error, value not shown"] = {
      ["sk-SECRET\r\nX-Evil: 1"] = "a line break", ["sk-SECRET\n"] = "a line break", ["sk-SE\0CRET"] = "a zero byte" },
    ["key empty / whitespace / newline from a file -> error (trailing newline hint)"] = {
      [""] = "no API key", [" \t"] = "empty but for spaces", ["\n"] = "empty but for spaces",
      ["sk-SECRET\r\n"] = "was it read from a file with the newline at its end?" },
  } do
    it(what, function()
      for key, words in pairs(row) do
        local message = refused(words, connect, { api_key = key })
        assert.is_nil(message:find("sk-", 1, true))
        assert.is_nil(message:find("X-Evil", 1, true))
      end
    end)
  end

  it("CR/LF/NUL in header name/value -> argument error, value not shown", function()
    local client = assert(connect())
    for _, headers in ipairs { { ["X-A\r\nX-B"] = "SECRET" }, { ["X-A"] = "SECRET\r\nX-B: 1" },
      { ["X-A"] = "SECRET\n" },
      { ["X-A"] = "SECRET\0" }, { ["X-\0"] = "SECRET" }, { [""] = "SECRET" }, { ["X A"] = "SECRET" } } do
      local message = refused("a header's ", client.request, client, { path = "/v1/x", headers = headers })
      assert.is_nil(message:find("SECRET", 1, true))
    end
    for option, value in pairs { user_agent = "SECRET\r\nX-B: 1", callback_url = "https://x.test/\r\nSECRET",
      ca_file = "/SECRET\0", proxy = "http://a\r\nSECRET" } do
      assert.is_nil(refused(option, connect, { [option] = value }):find("SECRET", 1, true))
    end
  end)

  it("CR/LF, quotes, emoji, RTL in prompt -> sent intact as JSON", function()
    local other = assert(sandbox.start { seconds = 0 })
    local rtl, emoji = "\226\128\174\215\169\215\156\215\149\215\157", "\240\159\142\172"
    local prompt = 'one\r\ntwo "three" \\ ' .. rtl .. emoji .. " \0 \127 </script>"
    local client = assert(connect { base_url = other.base_url, journal = here:path "other.db" })
    local task = assert(client:generate { model = "gen4.5", prompt_text = prompt, ratio = "1280:720", duration = 5 })
    client:close()
    other:close()
    assert.equal(1, #other.requests)
    assert.equal(prompt, json.decode(other.requests[1].body).promptText)
    assert.equal(other.tasks[1].id, task.id)
  end)

  it("invalid UTF-8 prompt -> argument error with byte offset", function()
    for bytes, at in pairs { ["ab\255"] = 3, ["\195("] = 1, ["a\237\160\128"] = 2, ["ok \240\159\142"] = 4 } do
      refuses_clip(("prompt_text is not valid UTF-8 (at byte %d)"):format(at), { prompt_text = bytes })
    end
  end)

  it("prompt longer than the provider limit -> refused before any network", function()
    for provider, limit in pairs(LIMITS) do
      refuses_clip(tostring(limit), { prompt_text = ("\195\164"):rep(limit + 1) }, provider)
    end
  end)

  for _, provider in ipairs(PROVIDERS) do
    it("duration -5, 0, NaN, inf, 1e308, \"5\", 5.5 -> argument error naming allowed values: " .. provider, function()
      local allowed = provider == "runwayml" and "durations 2 to 10" or "must be 5 or 10 seconds"
      for _, duration in ipairs { -5, 0, 1e308, 5.5 } do
        local message = refuses_clip(allowed, { duration = duration }, provider)
        assert.matches("not " .. require("runway.text").number(duration), message, 1, true)
      end
      for _, duration in ipairs { 0 / 0, 1 / 0, -1 / 0 } do
        refuses_clip("duration must be a finite number of seconds", { duration = duration }, provider)
      end
      refuses_clip("duration must be a number of seconds, got string", { duration = "5" }, provider)
    end)
  end

  it("duration 5.0 -> 5", function()
    local client, m = mocked.client { mocked.SUBMIT }
    assert(client:generate(mocked.clip { duration = 5.0 }))
    assert.matches('"duration":5[,}]', m.requests[1].body)
  end)

  it("seed 2^53+1 / negative -> exact integer or error", function()
    for _, seed in ipairs { 2 ^ 53 + 2, 9007199254740993, -1, 1.5, math.maxinteger, 0 / 0, "7" } do
      for _, provider in ipairs(PROVIDERS) do refuses_clip("seed must be an integer", { seed = seed }, provider) end
    end
    local client, m = mocked.client { mocked.SUBMIT }
    assert(client:generate(mocked.clip { seed = 4294967295.0 }))
    assert.matches('"seed":4294967295[,}]', m.requests[1].body)
  end)

  it("unknown option name (typo) -> error with nearest name", function()
    local client = assert(connect())
    local task = client:task "t1"
    for words, call in pairs {
      ["did you mean base_url?"] = function() return connect { base_urll = "https://x.test" } end,
      ["did you mean timeout?"] = function() return task:wait { timeuot = 5 } end,
      ["did you mean overwrite?"] = function() return task:download("a.mp4", { overwite = true }) end,
      ["did you mean path?"] = function() return client:request { pahth = "/v1/x" } end,
      ["did you mean duration?"] = function() return client:generate(clip { duraton = 5 }) end,
      ["did you mean position?"] = function()
        return client:generate(clip { prompt_image = { uri = "https://x.test/a.png", positon = "last" } })
      end,
      ["did you mean image_to_video?"] = function() return client:generate(clip { kind = "image_to_vide" }) end,
      ["did you mean limit?"] = function() return journal:entries { limits = 5 } end,
    } do
      refused(words, call)
    end
  end)

  it("huge data URI (17 MB) -> error with limit", function()
    local uri = "data:image/png;base64,iVBORw0KGgo" .. ("A"):rep(17 * 1024 * 1024)
    for provider, limit in pairs { runwayml = "5242880", cometapi = "5242880", gateway = "5242880",
      qimu = "takes only image URLs", chatgptsb = "takes only image URLs" } do
      local message = refuses_clip(limit, { prompt_image = uri }, provider)
      assert.is_true(#message < 1000)
    end
  end)

  it("base URL with userinfo, no scheme, `http://` -> error unless allowed", function()
    for base, words in pairs { ["https://user:SECRET@api.example"] = "user name or password",
      ["api.example"] = "https://", ["//api.example"] = "https://", ["ftp://api.example"] = "https://",
      ["file:///etc/passwd"] = "https://", ["https://"] = "base_url", ["https://a.example/\r\nx"] = "base_url",
      ["http://api.example"] = "allow_http = true" } do
      assert.is_nil(refused(words, connect, { base_url = base }):find("SECRET", 1, true))
    end
    assert(connect { base_url = "http://api.example", allow_http = true }):close()
  end)

  it("table with cycles or functions -> error, not a crash", function()
    local cycle = { 1 }
    cycle[2] = cycle
    local deep = {}
    for _ = 1, 10000 do deep = { deep } end
    for words, value in pairs { ["contains itself"] = cycle, ["nested deeper than"] = deep,
      ["is a function"] = { a = print }, ["mixes names and list entries"] = { 1, a = 2 },
      ["list with holes"] = { [1] = 1, [3] = 3 }, ["is a thread"] = { coroutine.create(print) },
      ["must be a finite number"] = { 0 / 0 } } do
      refuses_clip(words, { references = value })
      refuses_clip(words, { extra = { references = value } })
      local client = assert(connect())
      local ok, answer, err = pcall(client.request, client, { method = "POST", path = "/v1/x", json = { x = value } })
      assert.is_nil(ok and answer or nil)
      assert.is_truthy(not ok or err.sent == "no")
    end
  end)

  -- There is no bound that ends a batch at its N-th shot: what waits costs a little memory, and only so many
  -- are on the wire.
  it("10^6 jobs queued -> bounded: the requests at once by max_in_flight, and each that waits is small", function()
    local client = assert(runway.client { api_key = KEY, base_url = server:url "", max_in_flight = 2, timeout = 60 })
    local jobs = {}
    for i = 1, 50 do
      jobs[i] = runway.spawn(function() return client:request { path = "/held-body?queued" .. i } end)
    end
    repeat runway.step(0.01) until #server:seen "?queued" == 2
    for _ = 1, 20 do runway.step(0) end
    assert.equal(2, #server:seen "?queued")
    client:close()
    for i = 1, 50 do assert.equal("cancelled", select(2, jobs[i]:join()).kind) end
    assert.equal(2, #server:seen "?queued")

    collectgarbage()
    local before, many, ended = collectgarbage "count", 20000, 0
    local list = {}
    for i = 1, many do
      list[i] = runway.spawn(function()
        runway.sleep(1000)
        ended = ended + 1
      end)
    end
    runway.step(0)
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 4 * many, "more than 4 KiB each")
    for i = 1, many do list[i]:cancel() end
    assert.equal(0, ended)
  end)

  describe("output name:", function()
    it("a caller's is written where he says, or refused before anything is paid for", function()
      local client = assert(connect())
      for _, name in ipairs { "a\0b", "", { path = "" }, 5 } do
        refused("output must be", client.generate, client, clip { output = name })
      end
      for _, path in ipairs { here:path(("x"):rep(4096)), here:path "missing/x.mp4", here.directory } do
        local task, err = client:generate(clip { output = path })
        assert.is_nil(task)
        assert.equal("no", err.sent)
      end
      os.execute(("mkdir '%s/sub'"):format(here.directory))
      local up = "sub/../../" .. here.directory:match "[^/]*$" .. "/x.mp4"
      for _, path in ipairs { up, "-x.mp4", "CON", "C:\\x.mp4" } do
        local one, m = mocked.client { mocked.SUBMIT, mocked.task "SUCCEEDED",
          { "GET https://cdn.example/clip.mp4", body = "\0\0\0\24ftypmp42\0\0\0\0mp42isom" } }
        local task = assert(assert(one:generate(mocked.clip { output = here:path(path) })):wait())
        assert.equal(here:path(path), assert(task:download()).path)
        assert.is_truthy(here:content(path))
        m:finish()
        mocked.close()
      end
    end)

    it("a server's is no name: what download_all makes of it is [A-Za-z0-9._-] and stays in its directory", function()
      local odd = { "..", "../../etc/x", "/etc/x", "C:\\x", "CON", "a/b", ("x"):rep(400), "-rf", "c d",
        "\226\128\174gpj" }
      for _, id in ipairs(odd) do
        local client, m = mocked.client {
          { method = "GET", json = { id = id, status = "SUCCEEDED",
            output = { "https://cdn.example/../../etc/passwd%2f..%2fx.SH?name=../x.mp4" } } },
          { method = "GET", body = "\0\0\0\24ftypmp42\0\0\0\0mp42isom",
            headers = { ["Content-Disposition"] = 'attachment; filename="../../evil.sh"' } },
        }
        local named, task = pcall(client.get, client, id)
        if named and task then                -- ".." and the like are no id
          local files = assert(task:download_all(here.directory))
          local name = files[1].path:sub(#here.directory + 2)
          assert.matches("^[A-Za-z0-9_][A-Za-z0-9._-]*$", name)
          assert.is_true(#name <= 110, name)
          assert.is_truthy(here:content(name))
          m:finish()
        end
        mocked.close()
      end
      local listing = io.popen(("ls -A '%s'"):format(here.directory))
      for name in listing:lines() do assert.is_truthy(name:find "%.bin$" or name:find "^shots%.db", name) end
      listing:close()
    end)
  end)
end)
