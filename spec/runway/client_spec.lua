-- What a client takes for options and arguments, and how misuse is told, over a mock.

local child = require "spec.support.child"
local adapters = require "spec.support.adapters"
local mocked = require "spec.support.mocked"
local runway = require "runway"

-- Runs `fn`, which must raise at this line of this file; gives the message without the place.
local function raised_at(line, fn)
  local ok, message = pcall(fn)
  assert.is_false(ok, "nothing was raised")
  local place, text = tostring(message):match("^spec/runway/client_spec%.lua:(%d+): (.*)$")
  assert.equal(tostring(line), place, tostring(message))
  return text
end

local function this_line()
  return debug.getinfo(2, "l").currentline
end

describe("runway.client", function()
  after_each(mocked.close)

  describe("options:", function()
    it("an unknown name raises at the caller's line, with the nearest known one", function()
      for wrong, right in pairs {
        api_kye = "api_key", base_ulr = "base_url", providr = "provider", max_retry = "max_retries",
        timout = "timeout", poll_intervall = "poll_interval", allow_https = "allow_http", log = nil,
      } do
        local text = raised_at(this_line() + 1, function()
          local client = runway.client { [wrong] = 1 }
          return client
        end)
        assert.truthy(text:find("unknown option \"" .. wrong .. "\" (did you mean " .. right .. "?)", 1, true), text)
      end
    end)

    it("a wrong type raises at the caller's line and names what is expected", function()
      for name, value in pairs {
        provider = 5, api_key = {}, base_url = true, timeout = "60", connect_timeout = 0, max_retries = -1,
        poll_interval = 0 / 0, max_in_flight = 0, callback_url = 1, proxy = false, ca_file = {}, resolve = "x",
        allow_http = "yes", allow_private = 1, max_body_bytes = 1.5, user_agent = 5, logger = {}, transport = "mock",
      } do
        local text = raised_at(this_line() + 1, function()
          local client = runway.client { [name] = value }
          return client
        end)
        assert.truthy(text:find("client: option " .. name .. " must be ", 1, true), text)
      end
      for _, value in ipairs { -5, 0, 1 / 0, 0 / 0 } do
        assert.has_error(function() runway.client { timeout = value } end)
      end
      for _, value in ipairs { { a = 5 }, { "127.0.0.1" }, { ["relay.example"] = "127.0.0.1" },
        { ["relay.example:https"] = "127.0.0.1" }, { ["relay.example:443"] = "" },
        { ["relay.example:443"] = "a b" } } do
        assert.has_error(function() runway.client { resolve = value } end)
      end
    end)

    it("no options at all are fine with a key in the environment", function()
      local said = child.run([[
        local client = assert(require "runway".client())
        print(client.provider, client.base_url)
      ]], { before = "RUNWAYML_API_SECRET=key_1" })
      assert.equal("runwayml\thttps://api.dev.runwayml.com", said)
    end)

    it("what is not a table raises", function()
      raised_at(this_line() + 1, function()
        local client = runway.client "cometapi"
        return client
      end)
    end)
  end)

  describe("the account:", function()
    local function refused(options)
      local client, err = runway.client(options)
      assert.is_nil(client)
      assert.equal("config", err.kind)
      assert.equal("no", err.sent)
      assert.is_false(err.retryable)
      return err
    end

    it("a missing key names the environment variable of the provider", function()
      for provider, variable in pairs {
        runwayml = "RUNWAYML_API_SECRET", cometapi = "COMETAPI_KEY", chatgptsb = "CHATGPTSB_API_KEY",
        qimu = "QIMU_API_KEY", gateway = "RUNWAY_GATEWAY_API_KEY",
      } do
        local err = refused { provider = provider, base_url = "https://relay.example" }
        assert.truthy(err.message:find(variable, 1, true), err.message)
        assert.equal(provider, err.provider)
        assert.truthy(refused { provider = provider, api_key = "" }.message:find(variable, 1, true))
      end
    end)

    it("a key that cannot be one is refused, and not shown", function()
      for _, key in ipairs {
        "sk-SECRET\n", " sk-SECRET", "sk SECRET", "sk-SECRET\r\nX-Evil: 1", "sk-SECRET\0", "sk-SECRETé",
      } do
        local err = refused { provider = "cometapi", api_key = key }
        assert.is_nil(tostring(err):find("SECRET", 1, true))
      end
      assert.truthy(refused { api_key = "sk-1\n" }.message:find("newline", 1, true))
    end)

    it("authorities that are not there are told, and why", function()
      assert.equal("ca_file: /nowhere/ca.pem: No such file or directory",
        refused { api_key = "key_0123456789", ca_file = "/nowhere/ca.pem" }.message)
    end)

    it("an unknown provider lists those known, and the nearest", function()
      local err = refused { provider = "cometapii", api_key = "k" }
      assert.truthy(err.message:find("did you mean cometapi?", 1, true))
      for name in pairs(runway.providers) do assert.truthy(err.message:find(name, 1, true), name) end
      assert.is_nil(refused { provider = "a\nb", api_key = "k" }.message:find("\n", 1, true))
    end)

    it("an unknown provider that is near none says how one of one's own is given", function()
      for name, file in pairs { mine = "./mine.lua", ["mine.luaa"] = "./mine.luaa" } do
        local message = refused { provider = name, api_key = "k" }.message
        assert.matches("; one of your own is given as its table, or to the command and in RUNWAY_PROVIDER by its file, "
          .. file .. ", or as a module that is found in LUA_PATH", message, 1, true)
      end
      local ok, said = pcall(runway.client, { provider = true })
      assert.is_false(ok)
      assert.matches("provider must be string or table (does the adapter's module return it?), got boolean", said, 1,
        true)
    end)

    it("the provider, key and base URL come from the environment when nothing is said", function()
      local code = [[
        local client, err = require "runway".client()
        print(client and client.provider .. " " .. client.base_url or err.message)
      ]]
      assert.equal("cometapi https://api.cometapi.com",
        child.run(code, { before = "RUNWAY_PROVIDER=cometapi COMETAPI_KEY=sk-1" }))
      assert.equal("runwayml https://mine.example/x",
        child.run(code, { before = "RUNWAYML_API_SECRET=key_1 RUNWAYML_BASE_URL=https://mine.example/x/" }))
      assert.equal("gateway https://relay.example", child.run(code, {
        before = "RUNWAY_PROVIDER=gateway RUNWAY_GATEWAY_API_KEY=k RUNWAY_GATEWAY_BASE_URL=https://relay.example",
      }))
    end)

    it("gateway has no base URL of its own and says how to give one", function()
      local err = refused { provider = "gateway", api_key = "k" }
      assert.truthy(err.message:find("RUNWAY_GATEWAY_BASE_URL", 1, true))
      assert.truthy(err.message:find("base_url", 1, true))
    end)

    it("a base URL that would give the key away, or is none, is refused", function()
      for _, base in ipairs {
        "http://relay.example", "relay.example", "ftp://relay.example", "https://", "https://u:p@relay.example",
        "https://relay.example/?a=b", "https://relay.example/#x", "https://relay.example/\r\nX: y",
        "file:///etc/passwd", "http://127.0.0.1.example", "http://10.0.0.1",
      } do
        refused { api_key = "k", base_url = base }
      end
    end)

    it("http is for this machine, or for who asks for it", function()
      for _, base in ipairs { "http://127.0.0.1:8787", "http://localhost:1", "http://[::1]:1/x" } do
        assert(runway.client { api_key = "k", base_url = base })
      end
      assert(runway.client { api_key = "k", base_url = "http://relay.example", allow_http = true })
    end)

    it("a name pinned to this machine is not this machine", function()
      refused { api_key = "k", base_url = "http://relay.example", resolve = { ["relay.example:80"] = "127.0.0.1" } }
    end)

    it("an adapter table of one's own will do, a broken one is refused", function()
      assert.equal("mine", assert(runway.client { provider = adapters.own(), api_key = "k" }).provider)
      refused { provider = {}, api_key = "k" }
    end)

    it("never shows its key", function()
      local client = mocked.client {}
      assert.equal("client of runwayml at https://api.dev.runwayml.com", tostring(client))
      for _, value in pairs(client) do assert.is_nil(tostring(value):find(mocked.KEY, 1, true)) end
    end)

    it("makes no request", function()
      local _, m = mocked.client {}
      assert.equal(0, #m.requests)
    end)
  end)

  describe("misuse raises at the caller's line:", function()
    local client
    before_each(function() client = mocked.client {} end)

    for what, params in pairs {
      ["the parameters must be a table, got string"] = "a cat",
      ["prompt_text must be a string, got number"] = { prompt_text = 5 },
      ["duration must be a number of seconds, got string"] = { prompt_text = "x", duration = "5" },
      ["seed must be an integer, got boolean"] = { prompt_text = "x", seed = true },
      ["prompt and prompt_text are the same parameter"] = { prompt = "x", prompt_text = "x" },
      ["prompt_image must be a URL, a data URI"] = { prompt_image = 5 },
      ["which has no place in JSON"] = { prompt_text = "x", extra = print },
    } do
      it(what, function()
        local text = raised_at(this_line() + 1, function()
          local task = client:generate(params)
          return task
        end)
        assert.truthy(text:find(what, 1, true), text)
        text = raised_at(this_line() + 1, function()
          local task = client:text_to_video(params)
          return task
        end)
        assert.truthy(text:find(what, 1, true), text)
      end)
    end

    it("what the adapter calls misuse", function()
      local comet = mocked.client({}, { provider = "cometapi" })
      local text = raised_at(this_line() + 1, function()
        local task = comet:generate { prompt_text = "a cat", options = "fast" }
        return task
      end)
      assert.truthy(text:find("options must be a table", 1, true))
    end)

    it("a kind method called for another kind", function()
      local text = raised_at(this_line() + 1, function()
        local task = client:text_to_video { kind = "image_to_video", prompt_text = "x" }
        return task
      end)
      assert.truthy(text:find('text_to_video was called with kind = "image_to_video"', 1, true))
    end)

    for _, name in ipairs {
      "generate", "text_to_video", "task", "get", "cancel", "upload", "credits", "request", "close", "supports",
    } do
      it(name .. " without its client", function()
        local text = raised_at(this_line() + 1, function()
          local result = client[name]("t1")
          return result
        end)
        assert.truthy(text:find("use client:method", 1, true), text)
      end)
    end

    for _, name in ipairs { "task", "get", "cancel" } do
      it(name .. " with what can be no id", function()
        for _, id in ipairs { "", {}, 1.5, true, "a\nb", ("x"):rep(5000) } do
          raised_at(this_line() + 1, function()
            local result = client[name](client, id)
            return result
          end)
        end
      end)
    end

    for _, name in ipairs { "task", "get", "cancel" } do
      it(name .. " of a kind that the provider has not", function()
        for kind, why in pairs { text_to_vide = "no kind text_to_vide (did you mean text_to_video?)", [5] = "got 5" } do
          local text = raised_at(this_line() + 1, function()
            local result = client[name](client, "t1", kind)
            return result
          end)
          assert.truthy(text:find(why, 1, true), text)
        end
      end)
    end

    it("upload without a path, request with an option that is none", function()
      raised_at(this_line() + 1, function()
        local result = client:upload(5)
        return result
      end)
      local text = raised_at(this_line() + 1, function()
        local result = client:request { path = "/x", body = "y" }
        return result
      end)
      assert.truthy(text:find("unknown option \"body\"", 1, true))
      for _, wrong in ipairs { { query = { "a" } }, { query = { a = {} } }, { headers = { "X: y" } },
        { headers = { X = print } }, { query = "a=b" }, { method = 5 } } do
        wrong.path = "/x"
        raised_at(this_line() + 1, function()
          local result = client:request(wrong)
          return result
        end)
      end
    end)
  end)
end)
