-- What a task will cost, asked before it is paid for.

local mocked = require "spec.support.mocked"
local runway = require "runway"

local clip = mocked.clip

-- A provider of a user's own, without a price unless `price` gives one.
local function adapter(price)
  return {
    name = "reelhouse", base_url = "https://reelhouse.example", kinds = { "text_to_image", "text_to_video" },
    price = price,
    submit = function(_, params)
      return { method = "POST", path = "/make", json = { model = params.model, seconds = params.duration or 6 } }
    end,
    accepted = function(answer) return { id = answer.json.id } end,
    query = function(ref) return { path = "/tasks/" .. ref.id } end,
    task = function(answer) return { status = answer.json.status, cost = answer.json.cost } end,
  }
end

describe("client:estimate", function()
  after_each(mocked.close)

  it("says what the table says, with its date, and makes no request", function()
    local client, m = mocked.client {}
    assert.same({ credits = 60, low = 60, basis = "table 2026-10" }, assert(client:estimate(clip())))
    assert.equal(0, #m.requests)
  end)

  it("looks at no file", function()
    local client = mocked.client {}
    local picture = runway.file "/nowhere/at/all.png"
    assert.equal(25, assert(client:estimate { model = "gen4_turbo", ratio = "1280:720", duration = 5,
      prompt_image = picture }).credits)
  end)

  it("guesses no price: what is not known is an error", function()
    local client = mocked.client {}
    local estimate, err = client:estimate(clip { model = "of_tomorrow" })
    assert.is_nil(estimate)
    assert.same({ "config", "no_price", "no" }, { err.kind, err.code, err.sent })
    assert.is_nil(err.message:find("no model is named", 1, true))
  end)

  it("says that no model is named, where that is why", function()
    local client = assert(runway.client { provider = adapter(), api_key = mocked.KEY, prices = { gen4 = 5 },
      transport = require("runway.mock").new {} })
    local _, err = client:estimate { prompt = "a", duration = 5 }
    assert.matches("not known (no model is named, and prices are by model); name a model", err.message, 1, true)
    client:close()
  end)

  it("knows the model and the seconds that the provider's adapter fills in where none are named", function()
    local client = assert(runway.client { provider = "cometapi", api_key = mocked.KEY, prices = { gen4 = 5 },
      transport = require("runway.mock").new {} })
    assert.same({ credits = 25, low = 25, basis = "user" },
      assert(client:estimate { prompt = "a dog", ratio = "16:9" }))
    assert.equal(50, assert(client:estimate { prompt = "a dog", ratio = "16:9", duration = 10 }).credits)
    client:close()
  end)

  it("warns of what generate warns of: a price is of no use for what the API will refuse", function()
    local heard = {}
    local client = mocked.client({}, { logger = function(_, said) heard[#heard + 1] = said end })
    assert(client:estimate(clip { ratio = "4:3" }))
    assert.matches("4:3", heard[1], 1, true)
  end)

  it("tells what generate would refuse, and raises what it would raise, at the caller's line", function()
    local client = mocked.client {}
    assert.equal("invalid_request", select(2, client:estimate(clip { duration = 60 })).kind)
    assert.equal("invalid_request", select(2, client:estimate(clip { durration = 6 })).kind)
    local ok, raised = pcall(function() client:estimate(clip { seed = "x" }) end)
    assert.is_false(ok)
    assert.truthy(raised:find("prices_spec.lua", 1, true), raised)
  end)

  it("counts what extra sets", function()
    local client = mocked.client {}
    assert.equal(120, assert(client:estimate(clip { extra = { duration = 10 } })).credits)
    client = mocked.client({}, { prices = { ["gen4.5"] = 3 } })
    assert.equal(30, assert(client:estimate(clip { extra = { duration = 10 } })).credits)
  end)

  describe("with prices of the user's", function()
    local function asked(prices, params, provider)
      local client = mocked.client({}, { prices = prices, provider = provider })
      local estimate, err = client:estimate(params)
      return estimate and estimate.credits or err.code, estimate and estimate.basis, err
    end

    it("takes a film by the second, and a picture by the item", function()
      assert.same({ 10, "user" }, { asked({ ["gen4.5"] = 2 }, clip()) })
      assert.equal(0, (asked({ ["gen4.5"] = 0 }, clip())))
      assert.equal(7, (asked({ picture = 7 }, { kind = "text_to_image", model = "picture", prompt = "x" }, adapter())))
      assert.equal(28, (asked({ picture = 7 },
        { kind = "text_to_image", model = "picture", prompt = "x", output_count = 4 }, adapter())))
    end)

    it("knows no price of a film whose length is not told", function()
      local code, _, err = asked({ ["gen4_turbo"] = 2 },
        { model = "gen4_turbo", ratio = "1280:720", prompt_image = "https://x.test/a.png" })
      assert.equal("no_price", code)
      assert.truthy(err.message:find("duration", 1, true))
    end)

    it("takes those of a function for the whole task, and the table's where it gives none", function()
      local kind, model
      local function price(k, params)
        kind, model, params.model = k, params.model, "another"
        return params.duration == 5 and 4.5 or nil
      end
      assert.same({ 4.5, "user" }, { asked(price, clip()) })
      assert.same({ "text_to_video", "gen4.5" }, { kind, model })
      assert.same({ 120, "table 2026-10" }, { asked(price, clip { duration = 10 }) })
    end)

    it("takes nothing for a price that is none", function()
      for _, bad in ipairs { -1, 0 / 0, math.huge, "5", false } do
        assert.equal("no_price", (asked(function() return bad end, clip())), tostring(bad))
      end
      local code, _, err = asked(function() error "broken" end, clip())
      assert.equal("no_price", code)
      assert.truthy(err.message:find("broken", 1, true))
      for _, bad in ipairs { { ["gen4.5"] = -1 }, { ["gen4.5"] = "5" }, { 5 }, 5 } do
        assert.has_error(function() mocked.client({}, { prices = bad }) end)
      end
      local ok, message = pcall(mocked.client, {}, { prices = { gen4_turbo = 5, ["gen4.5"] = -1 } })
      assert.same({ false, true }, { ok, message:find("got gen4.5 = -1", 1, true) ~= nil })
    end)
  end)

  describe("of an adapter that knows prices", function()
    local function asked(price)
      local estimate, err = mocked.client({}, { provider = adapter(price) })
        :estimate { model = "m", prompt = "x" }
      return estimate or err
    end

    it("takes its word, for the request as it will be sent", function()
      assert.same({ credits = 12, low = 12, basis = "provider" },
        asked(function(_, request) return { credits = 2 * request.json.seconds } end))
      assert.same({ credits = 9, low = 1, basis = "its page" },
        asked(function() return { credits = 9, low = 1, basis = "its page" } end))
    end)

    it("takes nothing else", function()
      for _, bad in ipairs { 5, "5", { credits = "5" }, { credits = -1 }, { credits = 0 / 0 },
        { credits = 1, low = -1 }, { credits = 1, low = 2 }, { credits = 1, basis = 5 } } do
        assert.equal("no_price", asked(function() return bad end).code)
      end
      assert.truthy(asked(function() error "torn" end).message:find("torn", 1, true))
      assert.truthy(asked(function() return nil, "it is by the mood" end).message:find("by the mood", 1, true))
    end)
  end)
end)
