-- What an adapter must be and may give: of each part what will do, and what comes near to it and will not.

local adapters = require "spec.support.adapters"
local contract = require "runway.contract"

local huge, nan = math.huge, 0 / 0

local PRICE = { credits = 10, low = 5, per = "second", basis = "table" }

local function priced(more)
  local price = {}
  for name, v in pairs(PRICE) do price[name] = v end
  for name, v in pairs(more) do price[name] = v end
  return { text_to_video = { m1 = { price = price } } }
end

local function facts(of) return { text_to_video = { m1 = of } } end

-- Of the adapter's table: what fits, and what does not.
local PARTS = {
  name = { { "mine" }, { " ", "" } },
  kinds = { { { "text_to_video" } }, { { 5 }, { a = "text_to_video" } } },
  attached = { { { "ad" } }, { "ad", { true } } },
  env = { { {}, { api_key = "K", base_url = "U" } }, { { api_key = true }, { base_url = 5 } } },
  poll_interval = { { 0, 1.5 }, { -1, huge, nan, "5" } },
  missing_grace = { { 0, 1.5 }, { -1, huge, nan, "5" } },
  media = { { {}, { image = 4 }, function() end }, { { image = "4" }, 4 } },
  formats = { { { image = { "image/png" } } }, { { image = {} }, { image = "image/png" }, { { "image/png" } } } },
  names = { { { seed = true } }, { { "seed" }, { seed = 1 } } },
  models = {
    { {}, facts {}, facts { durations = { 5 }, duration_min = 1, duration_max = 9, duration_auto = true,
      ratios = { "16:9" }, removed = "2026-01-01", other = print }, priced {}, priced { by = { audio = 5 }, count = 50,
      least = 0, image = 1, input = { credits = 2, low = 1 } } },
    { 5, { "m1" }, { text_to_video = { "m1" } }, { text_to_video = { m1 = true } }, facts { durations = 5 },
      facts { durations = { "5" } }, facts { duration_min = huge }, facts { duration_max = "9" },
      facts { duration_auto = 1 }, facts { ratios = { 16 } }, facts { removed = true }, facts { price = 5 },
      priced { credits = nan }, priced { low = 11 }, priced { low = -1 }, priced { per = 1 }, priced { basis = 1 },
      priced { count = 0 }, priced { least = -1 }, priced { image = "1" }, priced { input = { credits = 1 } },
      priced { by = { audio = "5" } } },
  },
}

-- And of the tables that its functions give.
local GIVEN = {
  REQUEST = {
    json = { { {}, true, 5 }, { "{}", print } },
    query = { { {}, { a = "x", b = 1, c = true } }, { "a=x", { a = {} }, { "x" } } },
    headers = { { { ["X-A"] = "x" } }, { { ["X-A"] = {} }, { "x" } } },
    form = { { { { "a", "x" }, { "b", file = "/f", filename = "f", type = "image/png" } } },
      { "a=x", { "a" }, { {} }, { { "a" } }, { { "a", 5 } }, { a = { "a", "x" } }, { { "b", file = "/f\0" } },
        { { "b", file = "/f", filename = "\0" } }, { { "b", file = "/f", type = 5 } } } },
    file = { { "/f" }, { "/f\0", 5 } }, warnings = { { {}, { "x" } }, { "x", { 5 } } },
    safe = { { true, false }, { "yes" } }, method = { { "GET" }, { 5 } }, path = { { "/a" }, { 5 } },
    url = { { "https://x.test/" }, { 5 } }, body = { { "" }, { {} } }, format = { { "official" }, { 5 } },
  },
  TASK = {
    id = { { "t1" }, { 5, "", "..", "a\n" } },
    status = { { "PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED" }, { "running", "DONE", 5 } },
    output = { { { "https://x.test/a" } }, { {}, "https://x.test/a", { 5 } } },
    progress = { { 0, 0.5, 1 }, { nan, huge, "1", 30, -0.1 } }, created_at = { { 0, -5 }, { nan, "1" } },
    next_poll = { { 5 }, { huge, "1" } }, cost = { { 0, 5 }, { -1, nan, huge, "5" } },
    estimated_cost = { { 0, 5 }, { -1, nan, huge, "5" } }, missing = { { true, false }, { "yes" } },
    word = { { "busy" }, { 5 } }, failure = { { "x" }, { 5 } }, failure_code = { { "x" }, { 5 } },
    flagged = { { "x" }, { true } }, reason = { { "x" }, { 5 } },
  },
  PROBLEM = {
    message = { { "x" }, { 5 } }, kind = { { "server" }, { "poor", 5 } }, code = { { "x" }, { 5 } },
    field = { { "ratio" }, { true } }, refused = { { true }, { "yes" } }, misuse = { { true }, { 1 } },
    id = { { "t1" }, { 5, "" } }, retry_after = { { 0, 1.5 }, { -1, huge, nan, "7" } },
  },
}

describe("runway.contract", function()
  it("tells which field of a model's price is another", function()
    for _, case in ipairs {
      { { low = 9 }, "price.low is the number 9; it must be no more than credits" },
      { { low = -1 }, "price.low is the number -1; it must be credits, 0 or more" },
      { { per = "seconds" }, 'price.per is the string "seconds"; it must be "second", "item", "input_second", ' },
      { { by = 7 }, "price.by is the number 7; it must be a table of names and numbers" },
      { { input = { low = 3, credits = 1 } }, "price.input is a table of another form (with credits, low); it must" },
      { { count = 0 }, "price.count is the number 0; it must be a number above 0" },
    } do
      local price = { basis = "list", per = "second", low = 1, credits = 2 }
      for name, v in pairs(case[1]) do price[name] = v end
      local fault = contract.fault(adapters.own { models = { text_to_video = { m1 = { price = price } } } })
      assert.matches("models.text_to_video.m1." .. case[2], fault, 1, true)
    end
  end)

  for part, values in pairs(PARTS) do
    it("knows what " .. part .. " of an adapter is", function()
      for i, v in ipairs(values[1]) do assert.is_nil(contract.fault(adapters.own { [part] = v }), i) end
      for i, v in ipairs(values[2]) do
        local fault = contract.fault(adapters.own { [part] = v })
        assert.matches(part .. "[%l%d_.]* is .*; it must be ", fault or "no fault in the one of number " .. i)
      end
    end)
  end

  for what, known in pairs(GIVEN) do
    for field, fits in pairs(contract[what]) do
      it("knows what " .. field .. " of a " .. what:lower() .. " is", function()
        for i, v in ipairs(known[field][1]) do assert.is_true(fits(v), i) end
        for i, v in ipairs(known[field][2]) do assert.is_false(fits(v), i) end
      end)
    end
  end

  it("knows what a price is", function()
    for i, v in ipairs { { credits = 0 }, { credits = 5, low = 5, basis = "list" } } do
      assert.is_true(contract.is_price(v), i)
    end
    for i, v in ipairs { {}, 5, { credits = -1 }, { credits = "5" }, { credits = 5, low = 6 },
      { credits = 5, low = -1 }, { credits = 5, basis = " " }, { credits = huge } } do
      assert.is_false(contract.is_price(v), i)
    end
  end)

  it("knows what an account may allow", function()
    for i, v in ipairs { {}, { m1 = {} }, { m1 = { concurrent = 0, daily = 5, used_today = 12 }, m2 = {} } } do
      assert.is_true(contract.is_allowance(v), i)
    end
    for i, v in ipairs { 5, { {} }, { [" "] = {} }, { m1 = 5 }, { m1 = { concurrent = -1 } }, { m1 = { daily = 0.5 } },
      { m1 = { used_today = "1" } }, { m1 = { concurrent = huge } }, { m1 = { at_once = 5 } } } do
      assert.is_false(contract.is_allowance(v), i)
    end
  end)

  it("lists the functions of an adapter, and those that it needs", function()
    assert.same({ submit = true, accepted = true, query = true, task = true }, contract.NEEDED)
    local functions = {}
    for _, part in ipairs(contract.PARTS) do
      local fault = contract.fault(adapters.own { [part[1]] = true })
      if fault:find("; it must be a function", 1, true) then functions[#functions + 1] = part[1] end
    end
    assert.same(functions, contract.FUNCTIONS)
  end)
end)
