-- What a client hands down, alone: no client, no network.

local adapter = require "runway.adapter"
local adapters = require "spec.support.adapters"
local download = require "runway.download"
local errors = require "runway.errors"
local media = require "runway.media"
local scheduler = require "runway.scheduler"
local session = require "runway.session"

local KEY = "key_0123456789abcdef"

local function new(options, own)
  options = options or {}
  options.api_key = options.api_key or KEY
  options.transport = options.transport or {}
  own = own or adapters.own()
  return session.new(own, options, adapter.asks_at(own))
end

describe("runway.session", function()
  it("holds what the options say, and what they leave out", function()
    local s = assert(new {
      timeout = 7, base_url = "https://relay.example/prefix//", callback_url = "https://me.test/",
    })
    assert.equal("https://relay.example/prefix", s.base)
    assert.is_false(s.loopback)
    assert.equal("https://me.test/", s.callback_url)
    assert.equal(7, s.limits.timeout)
    assert.equal(10, s.limits.connect_timeout)
    assert.equal(4, s.limits.max_retries)
    assert.equal(32, s.limits.max_in_flight)
    assert.is_false(s.closed)
    assert.is_true(new({ base_url = "http://127.0.0.1:1" }).loopback)
  end)

  describe("says what a key was spoilt by:", function()
    local spoilt = {
      ["stands in quotes"] = { '"%s"', "'%s'", '"%s', "%s'", "`%s`", "\226\128\156%s\226\128\157",
        "\194\171%s\194\187", '"%s"\n' },
      ['the word "Bearer"'] = { "Bearer %s", "bearer  %s\n", "Authorization: Bearer %s" },
      ["byte order mark"] = { "\239\187\191%s" },
      ["saved as UTF%-16"] = { "%s\0", "\0%s" },
      ["empty but for spaces"] = { " ", "\n", "\t\r\n" },
      ["space or a line break"] = { "%s\n", "%s\r\n", " %s", "%s ", "%s %s" },
      ["control character"] = { "%s\27[0m", "\8%s" },
      ["characters that no key has"] = { "\194\160%s", "%s\226\128\139" },
      ["the name of a variable"] = { "$%s", "${%s}" },
      ["no API key"] = { "" },
    }
    for why, forms in pairs(spoilt) do
      it(why, function()
        for _, form in ipairs(forms) do
          local s, err = new { api_key = form:format(KEY, KEY) }
          assert.is_nil(s)
          assert.equal("config", err.kind)
          assert.matches(why, err.message)
          assert.is_nil(err.message:find(KEY, 1, true))
        end
      end)
    end

    it("and takes whatever else may be one", function()
      for _, key in ipairs { "$2b$10$abcdef", "$abc-def", "sk-abc_DEF.1==", "a:b", "key=abc" } do
        assert(new { api_key = key })
      end
    end)

    it("the name of its variable", function()
      local own = adapters.own()
      own.env = { api_key = "MY_KEY" }
      local _, err = new({ api_key = "MY_KEY=" .. KEY }, own)
      assert.matches("variable's name", err.message)
      assert.is_nil(err.message:find(KEY, 1, true))
    end)
  end)

  it("understands an address that is told with the beginning of the paths", function()
    local providers = require "runway.providers"
    for given, base in pairs {
      ["https://h.example/v1"] = "https://h.example", ["https://h.example/v1/"] = "https://h.example",
      ["https://h.example"] = "https://h.example", ["https://h.example/proxy"] = "https://h.example/proxy",
      ["https://h.example/proxy/v1"] = "https://h.example/proxy",
    } do
      for _, name in ipairs { "runwayml", "gateway", "cometapi", "qimu" } do
        assert.equal(base, new({ base_url = given }, providers[name]).base, name)
      end
    end
    assert.equal("https://h.example", new({ base_url = "https://h.example/runwayml/v1" }, providers.gateway).base)
    for _, family in ipairs { "/runwayml/v1", "/runwayml", "/runway", "/v1" } do -- two at one host
      assert.equal("https://h.example", new({ base_url = "https://h.example" .. family }, providers.cometapi).base)
    end
    local own = adapters.own()
    own.base_url = "https://own.example/v1"
    assert.equal("https://own.example/v1", new({}, own).base)
  end)

  it("gives every client a line of its own", function()
    assert.is_true(new().lane ~= new().lane)
  end)

  it("refuses what cannot be an account, without the key in the text", function()
    for _, options in ipairs {
      { api_key = "two words" }, { api_key = KEY .. "\n" }, { api_key = "clé" }, { base_url = "ftp://x.example" },
      { base_url = "https://x.example/?a=1" }, { base_url = "http://x.example" }, { proxy = "http://a:b @c" },
    } do
      local s, err = new(options)
      assert.is_nil(s)
      assert.equal("config", err.kind)
      assert.equal("mine", err.provider)
      assert.equal("no", err.sent)
    end
    local s, err = session.new(adapters.own(), { transport = {} })
    assert.is_nil(s)
    assert.matches("no API key", err.message, 1, true)
  end)

  it("points out a variable that is meant for the address and is not read", function()
    local getenv, set = os.getenv, {}
    os.getenv = function(name) return set[name] end -- luacheck: ignore 122
    local function warned(own, options)
      local said = {}
      options = options or {}
      options.logger = function(level, message) said[#said + 1] = level .. ": " .. message end
      assert(new(options, own))
      return table.concat(said, "\n")
    end
    local providers = require "runway.providers"
    set.COMETAPI_BASE_URL, set.RUNWAY_BASE_URL = "http://127.0.0.1:1", "http://127.0.0.1:2"
    assert.equal("warning: COMETAPI_BASE_URL is set and is not read: cometapi takes another address as base_url "
      .. "(--base-url) alone; requests go to https://api.cometapi.com", warned(providers.cometapi))
    assert.matches("RUNWAY_BASE_URL is set and is not read: the name here is RUNWAYML_BASE_URL; requests go to "
      .. "https://api.dev.runwayml.com", warned(providers.runwayml), 1, true)
    assert.equal("", warned(providers.cometapi, { base_url = "https://mine.example" }))
    assert.equal("", warned(providers.qimu))
    set.RUNWAYML_BASE_URL = "https://mine.example"
    assert.equal("", warned(providers.runwayml))
    os.getenv = getenv -- luacheck: ignore 122
  end)

  describe("makes every error:", function()
    it("the provider is named, the key is gone from all of its texts", function()
      local none, err = new():error { kind = "server", message = "no " .. KEY, body = "x" .. KEY, code = KEY }
      assert.is_nil(none)
      assert.is_true(errors.is(err))
      assert.equal("mine", err.provider)
      for _, text in ipairs { err.message, err.body, err.code } do assert.is_nil(text:find(KEY, 1, true)) end
    end)

    it("a refusal was not sent, whether it is a text or a problem", function()
      local _, err = new():refuse "that will not do"
      assert.same({ "invalid_request", "no", false, "that will not do" },
        { err.kind, err.sent, err.retryable, err.message })
      _, err = new():refuse { kind = "limit", code = "budget", message = "too much", id = "t1" }
      assert.same({ "limit", "budget", "no" }, { err.kind, err.code, err.sent })
      assert.is_nil(err.task_id)
    end)
  end)

  it("a logger can neither raise nor see the key", function()
    local seen = {}
    local s = new { logger = function(level, message, more)
      seen[#seen + 1] = level .. " " .. message .. " " .. type(more)
    end }
    s:log("debug", "with " .. KEY)
    assert.same({ "debug with [key] table" }, seen)
    new():log("debug", "no one listens")
  end)

  describe("waits for descriptors", function()
    -- A transport that has none for the first looks at files.
    local function starved(times)
      local function look(_, _, ...)
        local done = select(select("#", ...), ...)
        times = times - 1
        local result = times < 0 and { type = "image/png", class = "image", size = 9 }
          or { error = { kind = "io", code = "descriptors", message = "Too many open files" } }
        scheduler.at(scheduler.now(), function() done(result) end)
      end
      return new { transport = { try = look, probe = look }, max_retries = 3 }
    end

    before_each(scheduler.freeze)
    after_each(scheduler.thaw)

    for name, call in pairs {
      ["when it looks at a file"] = function(s) return media.probe(s, "a.png") end,
      ["when it looks whether one can be written"] = function(s) return download.check(s, "a.mp4") end,
    } do
      it(name, function()
        assert(call(starved(3)))
        local none, err = call(starved(4))
        assert.is_nil(none)
        assert.same({ "io", "descriptors", "no" }, { err.kind, err.code, err.sent })
      end)
    end
  end)

  describe("a deadline", function()
    -- Waiters by their deadlines; those that were told that theirs is over, and when.
    local function enlisted(s, told, deadlines)
      local began, list = scheduler.now(), {}
      for i, seconds in ipairs(deadlines) do
        local w = scheduler.waiter()
        w.late = function() told[#told + 1] = { i, scheduler.now() - began } end
        s:enlist(w, seconds and began + seconds or nil)
        list[i] = w
      end
      return list
    end

    before_each(scheduler.freeze)
    after_each(scheduler.thaw)

    it("is told to each whose own is over, in its time, and once", function()
      local s, told = new(), {}
      local list = enlisted(s, told, { 20, 5, false, 10, 10 })
      scheduler.sleep(30)
      assert.same({ { 2, 5 }, { 4, 10 }, { 5, 10 }, { 1, 20 } }, told)
      for _, w in ipairs(list) do s:strike(w) end
      assert.is_nil(scheduler.timeout())
    end)

    it("is not told to one that has ended, and holds no loop when all have", function()
      local s, told = new(), {}
      local list = enlisted(s, told, { 5, 10 })
      s:strike(list[1])
      scheduler.sleep(7)
      s:strike(list[2])
      assert.same({}, told)
      assert.is_nil(scheduler.timeout())
    end)

    it("is kept by one timer, whoever remembers for the account", function()
      local s, told = new(), {}
      enlisted(s, told, { 10 })
      local other = s:remembering({})
      local w = scheduler.waiter()
      w.late = function() told[#told + 1] = "other" end
      other:enlist(w, scheduler.now() + 5)
      scheduler.sleep(20)
      assert.same({ "other", { 1, 10 } }, told)
    end)
  end)

  describe("close", function()
    it("gives up what is alive, once, and ends pauses", function()
      local s, told, w = new(), {}, scheduler.waiter()
      w.stop = function(kind, message) told[#told + 1] = kind .. ": " .. message end
      s:enlist(w)
      local open
      local job = scheduler.spawn(function() open = s:pause(1e6) end)
      scheduler.step(0)
      s:close()
      s:close()
      job:join()
      assert.is_false(open)
      assert.same({ "cancelled: the client was closed" }, told)
    end)

    it("gives up all that is left, in whatever order others went, the newest first", function()
      local s, told, waiters = new(), {}, {}
      for i = 1, 6 do
        local w = scheduler.waiter()
        w.stop = function() told[#told + 1] = i end
        waiters[i] = w
        s:enlist(w)
      end
      for _, i in ipairs { 2, 6, 2, 3 } do s:strike(waiters[i]) end
      s:close()
      assert.same({ 5, 4, 1 }, told)
      for _, i in ipairs { 1, 4, 5 } do s:strike(waiters[i]) end
      assert.is_nil(next(s.live))
    end)

    it("leaves nothing of a pause that is over, or was cancelled", function()
      local s = new()
      scheduler.freeze()
      assert.is_true(s:pause(5))
      scheduler.thaw()
      local job = scheduler.spawn(function() s:pause(1e6) end)
      scheduler.step(0)
      job:cancel()
      assert.is_nil(next(s.live))
      assert.is_nil(scheduler.timeout())
    end)
  end)
end)
