-- A host may have called setlocale, as GTK, Qt and games do. What is sent and read stays the same.

local child = require "spec.support.child"
local scratch = require "spec.support.scratch"

local PROGRAM = [[
  assert(os.setlocale((...)))
  local function same(expected, got)
    if expected ~= got then print(("expected %s, got %s"):format(tostring(expected), tostring(got))) end
  end
  local fields, params = require "runway.fields", require "runway.params"
  local text, errors, values = require "runway.text", require "runway.errors", require "runway.values"
  local retry, providers = require "runway.retry", require "runway.providers"

  same("referenceimages i", text.lower "REFERENCEIMAGES I")
  same("FINISHED", text.upper "finished")
  same("%C3%A9%E0", text.escape "é\xE0")
  same("à", text.trim "à")
  same("5.5", text.number(5.5))
  same("0.5", values.show(0.5))
  same("à ü", text.line "à\nü")
  same("RUNNING", fields.status " running ")
  same("FAILED", fields.status "failed")
  same(0.37, fields.progress "37.0%")
  same("0.5", fields.text(0.5))
  same("https://h/%C3%A0.mp4", fields.urls "https://h/à.mp4"[1])
  same("referenceImages", params.camel "reference_images")
  same("contentModeration", params.camel "content_moderation")
  same("io: à la carte", tostring(errors.new { kind = "io", message = "à la carte" }))
  same("https://h/?[query]", errors.redact "https://h/?sig=à&SECRET")
  same(60, retry.retry_after { ["retry-after"] = "Fri, 01 May 2026 00:01:00 GMT",
    date = "Fri, 01 May 2026 00:00:00 GMT" })
  for _, name in ipairs { "chatgptsb", "cometapi", "gateway", "runwayml" } do
    local json = { id = "t1", status = "failed" }
    if name == "chatgptsb" then json = { task = json } end
    same("FAILED", providers[name].task({ status = 200, headers = {}, json = json }, { id = "t1" }).status)
  end
  local _, problem = providers.gateway.accepted { status = 200, headers = {},
    json = { code = 400, message = "INSUFFICIENT BALANCE" } }
  same("insufficient_credits", problem.kind)
  local request = assert(providers.runwayml.submit("text_to_image", { model = "a_new_model", prompt_text = "x",
    ratio = "1920:1080", reference_images = { { uri = "https://x.test/a.png", tag = "a" } } }))
  same("https://x.test/a.png", (request.json.referenceImages or { {} })[1].uri)
  print "done"
]]

-- Rooms that have yet to be turned to it.
local ELSEWHERE = { ["lua/runway/http.lua"] = true, ["lua/runway/download.lua"] = true }

describe("under the locale", function()
  local here
  setup(function() here = scratch.new() end)
  teardown(function() here:remove() end)

  for locale, source in pairs { ["tr_TR.UTF-8"] = "-i tr_TR -f UTF-8", ["de_DE.UTF-8"] = "-i de_DE -f UTF-8",
    ["tr_TR.ISO-8859-9"] = "-i tr_TR -f ISO-8859-9", ["de_DE.ISO-8859-1"] = "-i de_DE -f ISO-8859-1" } do
    it(locale .. " words, names and numbers are what they are anywhere", function()
      local made = os.execute(("localedef %s '%s' >'%s' 2>&1"):format(source, here:path(locale), here:path "log"))
      if not made then return pending("no localedef here, or no sources of locales") end
      local output = child.run(PROGRAM, { arguments = { locale }, before = "LOCPATH='" .. here.directory .. "'" })
      assert.equal("done", output)
    end)
  end

  it("the rooms of texts change case through runway.text alone", function()
    local pipe = assert(io.popen("ls lua/runway/*.lua lua/runway/providers/*.lua lua/runway/mock/*.lua "
      .. "lua/runway/conformance/*.lua lua/runway/cli/*.lua", "r"))
    for path in pipe:lines() do
      local number = 0
      for line in io.lines(path) do
        number = number + 1
        local bare = line:find ":lower%(" or line:find ":upper%(" or line:find "string%.[lu][op][wp]er *[,=]"
        assert(not bare or ELSEWHERE[path], ("%s:%d: %s"):format(path, number, line))
      end
    end
    pipe:close()
  end)
end)
