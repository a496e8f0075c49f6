local effort = require "spec.support.effort"
local official = require "runway.providers.official"
local providers = require "runway.providers"

describe("runway.providers.official", function()
  it("is what every adapter of Runway's own routes goes by", function()
    for _, name in ipairs { "runwayml", "gateway", "cometapi" } do
      local headers = providers[name].sign "key"
      assert.equal("Bearer key", headers.Authorization)
      assert.equal(official.VERSION, headers["X-Runway-Version"])
    end
    for _, name in ipairs { "chatgptsb", "cometapi", "gateway", "qimu" } do
      assert.is_true(providers[name].retryable_failure "INTERNAL.BAD_OUTPUT.CODE01")
      assert.is_nil(providers[name].retryable_failure(nil))
    end
    assert.is_true(providers.runwayml.retryable_failure(nil))
  end)

  it("knows which failures have a chance when submitted anew", function()
    for code, value in pairs { SAFETY = false, ["SAFETY.INPUT.IMAGE"] = false, ["safety.output"] = false,
      ["INPUT_PREPROCESSING.SAFETY.TEXT"] = false, ["INPUT_PREPROCESSING.INTERNAL"] = true, INTERNAL = true,
      ["ASSET.INVALID"] = false, ["THIRD_PARTY.UNAVAILABLE"] = true } do
      assert.equal(value, official.retryable_failure(code), code)
    end
    for _, v in ipairs { "", "SAFETYNET", "OTHER", ("."):rep(100000), 5, true, {} } do
      assert.is_nil(official.retryable_failure(v))
    end
  end)

  it("knows an empty account by its words", function()
    for _, said in ipairs { "You do not have enough credits to run this task.", "Insufficient credits",
      "out of credits",
      "There are no credits left", "INSUFFICIENT_USER_QUOTA", "user quota is not enough",
        "insufficient account balance",
      "balance is insufficient", "not  enough   quota", "pre_consume token_quota_failed", "用户额度不足", "账户余额不足", "已欠费" } do
      assert.is_true(official.says_empty_account(said), said)
    end
    for _, said in ipairs { "", "insufficient permissions", "quota", "the prompt is not long enough",
      "insufficient. balance 5", "generation failed, no credits were charged", "no credits will be deducted" } do
      assert.is_false(official.says_empty_account(said), said)
    end
    assert.is_false(official.says_empty_account(nil))
  end)

  it("tells what is wrong with each field, counted as Lua counts", function()
    assert.equal("promptImage[1].uri: bad; ratio: no", official.issues {
      { path = { "promptImage", 0, "uri" }, message = "bad" }, { path = { "ratio" }, message = "no" } })
    assert.equal("Invalid body (x)", official.with_issues("Invalid body.: ", "x"))
    assert.equal("Invalid body.", official.with_issues("Invalid body.", nil))
    local many = {}
    for i = 1, 9 do many[i] = { message = "m" } end
    assert.matches("and 4 more$", official.issues(many))
    for _, v in ipairs { 5, true, "x", {}, { 1 }, { { path = 5 } }, { { path = { {} } } } } do
      assert.is_nil(official.issues(v))
    end
  end)

  it("places frames, and sends a lone first one as its address", function()
    local a, b, both = { uri = "a" }, { uri = "b", position = "last" }, { "first", "last" }
    assert.equal("a", official.frames({ a }, both))
    assert.equal("a", official.frames({ a }, nil))
    assert.equal("a", official.frames({ { uri = "a", position = "first" } }, both))
    assert.same({ { uri = "a", position = "first" } }, official.frames({ { uri = "a", position = "first" } }, nil,
      true))
    assert.same({ { uri = "a", position = "first" }, b }, official.frames({ a, b }, both))
    assert.same({ b, { uri = "a", position = "first" } }, official.frames({ b, a }, both))
    assert.same({ { uri = "a", tag = "x" } }, official.frames({ { uri = "a", tag = "x" } }, nil))
    assert.same({ uri = "a" }, a)                                  -- what was given is left alone
    assert.same({ { type = "image", uri = "a" }, { type = "video", uri = "c" } },
      official.references({ a, { uri = "c", type = "video" } }, "image"))
  end)

  it("takes no longer for a text that was made to take long", function()
    for _, unit in ipairs { "notenough", "insufficient", "not enough ", "quota ", "no credits were", " ", "余额" } do
      effort.assert_linear(25000, function(size)
        official.says_empty_account(unit:rep(size))
        official.with_issues((". "):rep(size) .. unit, "x")
      end)
    end
  end)
end)
