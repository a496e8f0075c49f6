-- Where a key comes from, at every provider alike, and what is told of one that can be none.

local api_key = require "runway.api_key"
local child = require "spec.support.child"
local clients = require "runway.client"
local command = require "spec.support.command"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local KEY, OTHER = "key_0123456789abcdef", "key_fedcba9876543210"
local BASES = { gateway = "https://relay.example" }

describe("the key of an account", function()
  local environment, files

  before_each(function()
    environment, files = {}, scratch.new()
    command.setup(environment)
  end)
  after_each(function()
    command.teardown()
    mocked.close()
    files:remove()
  end)

  -- What a request of a client bears, as one text; or nil, err where there is no client.
  local function borne(name)
    local m = runway.mock { any_order = true, { path = "^", times = 9, json = {} } }
    local client, err = runway.client { provider = name, base_url = BASES[name], transport = m }
    if not client then
      m:close()
      return nil, err
    end
    assert(client:request { path = "/x" })
    local words = {}
    for header, value in pairs(m.requests[1].headers) do words[#words + 1] = header .. ": " .. value end
    client:close()
    m:close()
    return table.concat(words, "\n")
  end

  for name, adapter in pairs(runway.providers) do
    local variable = adapter.env.api_key

    describe("at " .. name, function()
      it("is in its variable, or in the file that the sibling names, less the white space at its end", function()
        environment[variable] = KEY
        assert.truthy(borne(name):find(KEY, 1, true))
        environment[variable] = ""
        for _, ending in ipairs { "", "\n", "\r\n", " \t\n\n" } do
          environment[variable .. "_FILE"] = files:write("key", OTHER .. ending)
          local said = borne(name)
          assert.truthy(said:find(OTHER, 1, true))
          assert.is_nil(said:find(OTHER .. "[ \t\r]"))
        end
      end)

      it("is not guessed where both are set, unless the client is given one", function()
        environment[variable], environment[variable .. "_FILE"] = KEY, files:write("key", OTHER)
        local _, err = borne(name)
        assert.equal("config", err.kind)
        assert.matches(variable .. "_FILE are both set", err.message, 1, true)
        local client = assert(runway.client { provider = name, base_url = BASES[name], api_key = "other-key" })
        client:close()
      end)

      it("is told to be none, and why, without a word of the file or its name", function()
        os.execute("mkdir '" .. files:path "directory" .. "'")
        for why, path in pairs {
          ["names cannot be read: "] = KEY, ["names is empty"] = files:write("empty", " \n"),
          ["names cannot be read: Is a directory"] = files:path "directory",
          ["names has several lines"] = files:write("lines", KEY .. "\n" .. OTHER .. "\n"),
          ["names is longer than any key"] = files:write("long", ("k"):rep(9000)),
          ["names stands in quotes"] = files:write("quoted", '"' .. KEY .. '"\n'),
          ['names stands behind the word "Bearer"'] = files:write("bearer", "Bearer " .. KEY),
          ["names holds a zero byte"] = files:write("wide", (KEY:gsub(".", "%0\0"))),
          ["begins with the variable's name"] = files:write("env", variable .. "=" .. KEY),
        } do
          environment[variable .. "_FILE"] = path
          local said, err = borne(name)
          assert.is_nil(said)
          assert.same({ "config", "no", name }, { err.kind, err.sent, err.provider })
          assert.matches(why, err.message, 1, true)
          assert.matches(variable .. "_FILE", err.message, 1, true)
          for _, hidden in ipairs { KEY, OTHER, path } do assert.is_nil(tostring(err):find(hidden, 1, true)) end
        end
      end)

      it("is told to be none with the variable that it is in", function()
        for why, key in pairs {
          ["in " .. variable .. " stands in quotes"] = "'" .. KEY .. "'",
          ["in " .. variable .. ' stands behind the word "Bearer"'] = "Bearer " .. KEY,
          ["in " .. variable .. " has a line break inside"] = KEY .. "\n" .. OTHER,
        } do
          environment[variable] = key
          local _, err = borne(name)
          assert.matches(why, err.message, 1, true)
          assert.is_nil(err.message:find(KEY, 1, true))
        end
      end)

      it("is looked for under names that are nearly right", function()
        local stem = variable:gsub("_API_KEY$", ""):gsub("_API_SECRET$", ""):gsub("_KEY$", "")
        for _, near in ipairs { stem .. "_TOKEN", stem .. "_API_TOKEN", stem .. "_SECRET", variable:lower() } do
          environment[near] = KEY
          local _, err = borne(name)
          assert.matches("no API key: set the environment variable " .. variable .. " or give api_key", err.message, 1,
            true)
          assert.matches(near .. " is set, but the name here is " .. variable .. "$", err.message)
          assert.is_nil(err.message:find(KEY, 1, true))
          environment[near] = nil
        end
        environment[stem .. "_TOKEN_FILE"] = "x"
        assert.matches(stem .. "_TOKEN_FILE is set, but the name here is " .. variable .. "_FILE",
          select(2, borne(name)).message, 1, true)
        environment[stem .. "_TOKEN_FILE"] = nil
        assert.is_nil(select(2, borne(name)).message:find("is set", 1, true))
      end)
    end)
  end

  it("is looked for under what others call it", function()
    for near, variable in pairs {
      RUNWAY_API_KEY = "RUNWAYML_API_SECRET", RUNWAYML_API_KEY = "RUNWAYML_API_SECRET",
      RUNWAY_KEY = "RUNWAYML_API_SECRET", RUNWAY_API_SECRET = "RUNWAYML_API_SECRET",
      COMET_API_KEY = "COMETAPI_KEY", COMETAPI_API_KEY = "COMETAPI_KEY",
      COMET_KEY = "COMETAPI_KEY", CHATGPTSB_KEY = "CHATGPTSB_API_KEY", QIMU_TOKEN = "QIMU_API_KEY",
      GATEWAY_API_KEY = "RUNWAY_GATEWAY_API_KEY",
    } do
      environment[near] = "x"
      assert.same({ near }, api_key.near("mine", variable))
      environment[near] = nil
    end
    environment.MY_STUDIO_KEY = "x"
    assert.same({ "MY_STUDIO_KEY" }, api_key.near("my-studio", "REELS_API_KEY"))
  end)

  it("is to be given where Lua's os library is not: no variable can be read there", function()
    local said = child.run([[
      os = nil
      print(select(2, require("runway").client { provider = "runwayml" }))
    ]], { before = "export RUNWAYML_API_SECRET=" .. KEY .. ";" })
    assert.matches("no API key: give api_key = … (without Lua's os library", said, 1, true)
    assert.is_nil(said:find("set the environment variable", 1, true))
  end)

  describe("as a function", function()
    it("is asked for before each call, and not before there is one", function()
      local asked = 0
      local client, m = mocked.client({ mocked.SUBMIT, mocked.task "RUNNING", mocked.task "SUCCEEDED" },
        { api_key = function()
          asked = asked + 1
          return "key_number_" .. asked
        end })
      assert.equal(0, asked)
      local task = assert(client:generate(mocked.clip()))
      assert(task:wait())
      for number, request in ipairs(m.requests) do
        assert.equal("Bearer key_number_" .. number, request.headers.authorization)
      end
      assert.equal(3, asked)
    end)

    it("is not asked for what goes to another host", function()
      local asked = 0
      local client = mocked.client({ { path = "^", body = "\0\0\0\24ftypmp42" }, any_order = true },
        { api_key = function()
          asked = asked + 1
          return KEY
        end })
      local task = client:task "t1"
      task.status, task.output = "SUCCEEDED", { mocked.OUTPUT }
      assert(task:download(files:path "a.mp4"))
      assert.equal(0, asked)
    end)

    it("is in no text, neither the one that counts nor one that did", function()
      local keys, logged = { KEY, OTHER }, {}
      local client = mocked.client({ any_order = true, { path = "^", times = 9, status = 400, json = {
        error = KEY .. " and " .. OTHER } } }, {
        api_key = function() return table.remove(keys, 1) end,
        logger = function(_, message) logged[#logged + 1] = message end,
      })
      assert.matches("[key] and " .. OTHER, tostring(select(2, client:credits())), 1, true)
      logged = {}
      local _, err = client:credits()
      client:credits()                        -- without a key
      for _, text in ipairs { tostring(err), err.body, table.unpack(logged) } do
        assert.is_nil(text:find(KEY, 1, true) or text:find(OTHER, 1, true))
      end
      assert.matches("[key] and [key]", err.message, 1, true)
    end)

    it("that gives none, or nonsense, fails the call, which is not sent", function()
      local how
      local client, m = mocked.client({}, { api_key = function() return how() end })
      for why, fn in pairs {
        ["the function api_key failed: "] = function() error "the vault is shut" end,
        ["gave no key"] = function() end, ["gave no key: no lease"] = function() return nil, "no lease" end,
        ["gave the number 5; it must give the key, a string"] = function() return 5 end,
        ["gave a table"] = function() return { KEY } end, ["gave an empty string"] = function() return "" end,
        ["gave holds a space or a line break"] = function() return KEY .. "\n" end,
        ["gave stands in quotes"] = function() return '"' .. KEY .. '"' end,
      } do
        how = fn
        local task, err = client:generate(mocked.clip())
        assert.is_nil(task)
        assert.same({ "config", "api_key", "no", false }, { err.kind, err.code, err.sent, err.retryable })
        assert.matches(why, err.message, 1, true)
        assert.is_nil(err.message:find(KEY, 1, true))
        assert.equal("config", select(2, client:get "t1").kind)
      end
      assert.equal(0, #m.requests)
      assert.same({ spent = 0, reserved = 0 }, assert(client:spent()))
    end)

    it("may wait, in a job and outside of one", function()
      local client, m = mocked.client({ any_order = true, { path = "^", times = 4, json = { creditBalance = 7 } } },
        { api_key = function()
          runway.sleep(5)
          return KEY
        end })
      assert.equal(7, (assert(client:credits())))
      local left = { runway.run(function()
        local jobs = {}
        for i = 1, 3 do jobs[i] = runway.spawn(function() return (assert(client:credits())) end) end
        return assert(runway.all(jobs))
      end) }
      assert.same({ 7, 7, 7 }, left[1])
      for _, request in ipairs(m.requests) do assert.equal("Bearer " .. KEY, request.headers.authorization) end
    end)

    it("that waits signs each call with the key that it gave for it", function()
      local number = 0
      local client, m = mocked.client({ any_order = true, { path = "^", times = 9, json = { creditBalance = 7 } } },
        { api_key = function()
          number = number + 1
          local mine = number
          runway.sleep(10 - mine)
          return "key_number_" .. mine
        end })
      runway.run(function()
        local jobs = {}
        for i = 1, 3 do jobs[i] = runway.spawn(function() return client:credits() end) end
        return runway.all(jobs)
      end)
      local seen = {}
      for _, request in ipairs(m.requests) do seen[#seen + 1] = request.headers.authorization end
      table.sort(seen)
      assert.same({ "Bearer key_number_1", "Bearer key_number_2", "Bearer key_number_3" }, seen)
    end)

    for how, journal in pairs { ["in memory"] = false, ["in a journal"] = true } do
      it("holds nothing back when its job ends, or Ctrl-C comes, while it waits; remembered " .. how, function()
        local way = function() runway.sleep(3600) end
        local client, m = mocked.client({}, { api_key = function() return way() end, budget = 100,
          journal = journal and files:path "shots.db" or nil })
        local function submit() return client:generate(mocked.clip { key = "one" }) end
        local job = runway.spawn(submit)
        local beside = runway.spawn(function()
          while assert(client:spent()).reserved == 0 do runway.sleep(0.01) end
          job:cancel()
        end)
        assert(beside:join())
        assert.equal("cancelled", select(2, job:join()).kind)
        way = function() error("interrupted!", 0) end
        local ok, raised = pcall(submit)
        assert.is_false(ok)
        assert.matches("interrupted!", tostring(raised), 1, true)
        way = function() error "no key today" end
        assert.equal("api_key", select(2, submit()).code) -- and neither key_conflict nor unknown_submit
        local looks = 0
        repeat                                -- a job of its own gives it back
          looks = looks + 1
          runway.sleep(1)
        until assert(client:spent()).reserved == 0 or looks == 100
        assert.equal(0, assert(client:spent()).reserved)
        if journal then assert.equal("not_found", select(2, client.journal:get "one").kind) end
        assert.equal(0, #m.requests)
        client:close()
      end)
    end

    it("is kept out of texts long after it was renewed, but not for ever", function()
      local made = 0
      local client = mocked.client({ { path = "^", times = 150, json = { creditBalance = 7 } } },
        { api_key = function()
          made = made + 1
          return ("%04d_key_of_mine"):format(made)
        end })
      for _ = 1, 150 do assert(client:credits()) end
      local mine = clients.session_of(client)
      assert.equal(100, #mine.secrets)
      assert.equal("[key] [key] 0050_key_of_mine", mine:redact "0150_key_of_mine 0051_key_of_mine 0050_key_of_mine")
    end)

    it("is renewed for a client that remembers, too", function()
      local key = KEY
      local client, m = mocked.client({ any_order = true, { path = "^", times = 9, json = { creditBalance = 7 } } },
        { api_key = function() return key end })
      local other = clients.remembering(client, { path = "shots.db" })
      assert(client:credits())
      key = OTHER
      assert(other:credits())
      assert(client:credits())
      key = KEY
      assert(other:credits())
      local seen = {}
      for i, request in ipairs(m.requests) do seen[i] = request.headers.authorization:match "^Bearer (.*)" end
      assert.same({ KEY, OTHER, OTHER, KEY }, seen)
    end)
  end)
end)
