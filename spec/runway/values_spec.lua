local files = require "runway.files"
local json = require "runway.json"
local values = require "runway.values"

describe("runway.values", function()
  it("are copied, so that nothing is shared but files", function()
    local file = files.make "a.png"
    local given = { a = { 1, 2.0, "é" }, b = { c = file }, d = json.null, e = false }
    local copy = assert(values.copy("options", given))
    assert.same({ 1, 2, "é" }, copy.a)
    assert.equal("integer", math.type(copy.a[2]))
    assert.not_equal(given.a, copy.a)
    assert.equal(file, copy.b.c)
    assert.is_true(values.is_null(copy.d))
  end)

  it("keep a list a list", function()
    assert.is_true(json.is_array(values.copy("x", json.array {})))
    assert.equal("[]", json.encode(values.as_list {}))
    assert.equal("list", (values.shape("x", { 1, 2 })))
    assert.equal("object", (values.shape("x", { a = 1 })))
  end)

  it("that have no place in JSON are the caller's bug, named where they are", function()
    local cycle = {}
    cycle.me = cycle
    local deep = {}
    for _ = 1, 70 do deep = { deep } end
    for text, v in pairs {
      ["x.a is a function"] = { a = print }, ["x.a must be a finite number"] = { a = 0/0 },
      ["x is a list with holes: entry 2 is nil"] = { 1, [3] = 3 }, ["mixes names and list entries"] = { 1, a = 2 },
      ["x.me contains itself"] = cycle, ["nested deeper"] = deep,
      ["x has a key of type boolean"] = { [true] = 1 },
    } do
      local copy, problem = values.copy("x", v)
      assert.is_nil(copy)
      assert.is_true(problem.misuse)
      assert.matches(text, problem.message, 1, true)
    end
  end)

  it("that are texts of other bytes than UTF-8 are refused, and no bug: they come out of files", function()
    for message, v in pairs {
      ["x.a is not valid UTF-8 (at byte 2)"] = { a = "b\xFF" }, ["a key of x is not valid UTF-8 (at byte 1)"] =
      { ["\xFF"] = 1 },
    } do
      local copy, problem = values.copy("x", v)
      assert.is_nil(copy)
      assert.is_nil(problem.misuse)
      assert.same({ "invalid_request", message }, { problem.kind, problem.message })
    end
  end)

  it("are shown in one line, and never whole when they are long or secret", function()
    assert.equal('"gen4"', values.show "gen4")
    assert.equal("a data URI", values.show "data:image/png;base64,SECRET")
    assert.equal("a file", values.show(files.make "a.png"))
    assert.equal("null", values.show(json.null))
    assert.equal("a table", values.show {})
    assert.equal("0.5", values.show(0.5))
  end)

  it("that are refused or misused say so in the words given", function()
    assert.same({ kind = "invalid_request", field = "seed", message = "no 5" }, values.refused("seed", "no %d", 5))
    assert.same({ misuse = true, field = "seed", message = "no 5" }, values.misuse("seed", "no %d", 5))
  end)

  it("used as an address hold no NUL", function()
    assert.matches("holds a NUL (at byte 2)", values.check_address("model", "a\0").message, 1, true)
    assert.is_nil(values.check_address("model", "gen4"))
  end)
end)
