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
  local retry, providers, files = require "runway.retry", require "runway.providers", require "runway.files"

  same("referenceimages i", text.lower "REFERENCEIMAGES I")
  same("FINISHED", text.upper "finished")
  same("%C3%A9%E0", text.escape "é\xE0")
  same("à", text.trim "à")
  same("5.5", text.number(5.5))
  same("0.5", values.show(0.5))
  same("à ü", text.line "à\nü")
  same("RUNNING", fields.status " running ")
  same("2", (require "runway.ids".in_json { task_id = "1", taskID = "2" }))
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
  local run = { id = "t1", status = "SUCCEEDED", output = { a_b = { "https://h/2" }, aB = { "https://h/1" } } }
  same("https://h/1", providers.runwayml.task({ status = 200, headers = {}, json = run }, { id = "t1" }).output[1])
  local _, problem = providers.gateway.accepted { status = 200, headers = {},
    json = { code = 400, message = "INSUFFICIENT BALANCE" } }
  same("insufficient_credits", problem.kind)
  local request = assert(providers.runwayml.submit("text_to_image", { model = "a_new_model", prompt_text = "x",
    ratio = "1920:1080", reference_images = { { uri = "https://x.test/a.png", tag = "a" } } }))
  same("https://x.test/a.png", (request.json.referenceImages or { {} })[1].uri)
  same("IMG.PNG", files.upload_name("IMG.PNG", "image/png"))
  same("5.50", text.fixed(5.5, 2))
  same(true, text.before("a_c", "ab"))
  local json = require "runway.json"
  same("[0.5,-1.25e-09,1e+300]", json.encode { 0.5, -1.25e-9, 1e300 })
  same(0.5, json.decode "[0.5]"[1])
  same(nil, providers.runwayml.names.needs)
  local core = require "runway.core"
  same("data:image/png;base64,iVBORw0KGgo=", core.data_uri "DATA:IMAGE/TIFF;BASE64,iVBORw0KGgo".uri)

  -- All that is sent and read, over real sockets, by each provider at the sandbox.
  local runway, sandbox = require "runway", require "runway.sandbox"
  local logged = {}
  local function log(_, message) logged[#logged + 1] = message end
  local server = assert(sandbox.start { seconds = 0.05 })
  for name, params in pairs {
    cometapi = { ratio = "16:9" }, qimu = { ratio = "16:9" }, chatgptsb = { model = "gen3a" },
    gateway = { prompt_image = "DATA:IMAGE/PNG;base64,iVBORw0KGgo=", ratio = "1280:720", model = "gen4_turbo" },
    runwayml = { model = "gen4.5", ratio = "1280:720", duration = 5 },
  } do
    params.prompt_text = "i I a picture in a mist"
    local client = assert(runway.client { provider = name, api_key = "k", base_url = server.base_url,
      poll_interval = 0.01, logger = log })
    local task = assert(client:generate(params))
    same("SUCCEEDED", assert(task:wait { timeout = 20 }).status)
    same(1, task.progress)
    local answer, err = client:request { path = "/v1/nothing", query = { at = 0.5 }, headers = { ["X-Size"] = 1.5 } }
    same(nil, answer)
    same(404, err.http_status)
    local last = server.requests[#server.requests]
    same("at=0.5", last.query)
    same("1.5", last.headers["x-size"])
  end
  server:close()
  same(0, #logged == 0 and 0 or (table.concat(logged, "\n"):find "%d,%d" or 0))
  print "done"
]]

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

  -- What is done to a line of Lua that the locale would have a say in; nil: nothing.
  local function says(line)
    local bare = line:gsub("%-%-.*$", "")
    if bare:find ":lower%(" or bare:find ":upper%(" or bare:find "string%.[lu][op][wp]er" then return "changes case" end
    if bare:find "%%%.?%d*[gf][^a-z]" and bare:find ":format" and not bare:find "%%%.0f" then
      return "writes a number"
    end
    for call in bare:gmatch "[:.]%a+%s*%(?%s*\"[^\"]*\"" do
      local name, pattern = call:match "^[:.](%a+)%s*%(?%s*\"(.*)\"$"
      if (name == "find" or name == "match" or name == "gmatch" or name == "gsub")
        and pattern:gsub("%%%%", ""):find "%%[aAcClLpPsSuUwW]" then
        return "has a class of characters"
      end
    end
    return nil
  end

  it("no room changes case, writes a fraction or tells a class of characters by itself", function()
    assert.equal("changes case", says "local a = b:lower()")
    assert.equal("writes a number", says 'x = ("%.2f MB"):format(y)')
    assert.equal("has a class of characters", says [[if v:find("^%s*$") then]])
    assert.equal("has a class of characters", says [[for w in v:gmatch "[%w_]+" do]])
    for _, fine in ipairs { "text.lower(a)", '("%d %s"):format(a, b)',
      [[v:find("[%z\1-\31%d]")]], [[v:gsub("%%s", "")]] } do
      assert.is_nil(says(fine), fine)
    end
    local pipe = assert(io.popen("find lua -name '*.lua'", "r"))
    for path in pipe:lines() do
      local number = 0
      for line in io.lines(path) do
        number = number + 1
        local told = path ~= "lua/runway/text.lua" and says(line)
        assert(not told, ("%s:%d %s: %s"):format(path, number, tostring(told), line))
      end
    end
    pipe:close()
  end)
end)
