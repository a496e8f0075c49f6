-- What a transport brought, as adapters see it.

local answers = require "runway.answer"
local effort = require "spec.support.effort"

local function read(body) return answers.of { status = 200, headers = {}, body = body } end

local function wide(s) return "\255\254" .. s:gsub(".", "%0\0") end

describe("runway.answer reads JSON", function()
  local ID = '{"id":"9f3c","user":{"id":"user_77"}}'

  for name, body in pairs {
    ["behind a warning of PHP's"] = "<br />\n<b>Warning</b>:  Undefined array key &quot;x&quot; in <b>/srv/a.php</b> "
      .. "on line <b>12</b><br />\n" .. ID,
    ["behind a warning without markup"] = "\nWarning: count() {closure}: odd in /srv/a.php on line 3\n" .. ID .. "\n",
    ["behind the mark of a stream"] = "data: " .. ID .. "\n\n",
    ["behind a guard against scripts"] = ")]}',\n" .. ID,
    ["behind a comment of a proxy's"] = "<!-- cache miss -->" .. ID,
    ["behind a line of a log"] = "2026-11-03 {x} warn\n" .. ID,
    ["of two bytes a character"] = wide(ID),
    ["of two bytes a character, without a mark"] = wide(ID):sub(3),
    ["of two bytes a character behind a warning"] = wide("<b>Warning</b>: x\n" .. ID),
    ["behind a mark in the middle"] = "<br />\n\239\187\191" .. ID, ["behind a loop without end"] = "for(;;);" .. ID,
    ["behind NULs"] = "\0\0\0" .. ID, ["encoded twice"] = [["{\"id\":\"9f3c\",\"user\":{\"id\":\"user_77\"}}"]],
    ["behind a byte order mark"] = "\239\187\191" .. ID,
  } do
    it(name, function()
      local answer = read(body)
      assert.same({ id = "9f3c", user = { id = "user_77" } }, answer.json)
      assert.is_nil(answer.page)
      assert.equal(body, answer.body)
    end)
  end

  it("and not in a page, a sentence, or what goes on behind it", function()
    for body, page in pairs {
      ["<html><script>var x = " .. ID .. "</script></html>"] = true, ["<html><body>" .. ID .. "</body>"] = true,
      [wide "<html>no</html>"] = true, ["\239\187\191 <p>no"] = true, ["it said {no}"] = false,
      ["it said " .. ID .. " and more"] = false, ['"a ' .. ID .. '"'] = false, [ID .. "\n" .. ID] = false, [""] = false,
      ['{"id":"x" ' .. ID .. "}"] = false, ["12345678"] = false,
      [':{"id":"x"}'] = false, [',"user":{"id":"user_77"}'] = false, ['"{no"'] = false, ["\0\0\0"] = false,
    } do
      local answer = read(body)
      assert.is_nil(answer.json, body)
      assert.equal(page or nil, answer.page, body)
      assert.is_string(answer.why)
    end
  end)

  it("without looking longer at what was made to take long", function()
    effort.assert_linear(100000, function(size)
      for _, unit in ipairs { " {", ' {"', ">[{", "< ", "\n", " [\"", '{"a":', "\0x", "x\0", '{ "a": ' } do
        for _, ends in ipairs { "}", "]", "", " " } do
          read("x" .. unit:rep(size) .. ends)
          read("<" .. unit:rep(size) .. ends)
          read(unit:rep(size) .. ends)
        end
      end
    end)
  end)
end)
