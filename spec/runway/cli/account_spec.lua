-- Adapters of the user's own, and the small commands that ask an account.

local child = require "spec.support.child"
local columns = require "runway.columns"
local command = require "spec.support.command"
local json = require "runway.json"
local mocked = require "spec.support.mocked"
local scratch = require "spec.support.scratch"

local run = command.run

local FINE = [[
  local fields = require "runway.fields"
  return {
    name = "reelhouse", base_url = "https://api.reelhouse.example", env = { api_key = "REELHOUSE_API_KEY" },
    kinds = { "text_to_video" }, models = { text_to_video = { one = { durations = { 5 } } } },
    submit = function(_, given) return { method = "POST", path = "/jobs", json = { p = given.prompt_text } } end,
    accepted = function(answer) return { id = fields.id(answer.json.job) } end,
    query = function(ref) return { path = "/jobs/" .. ref.id } end,
    task = function(answer) return { status = answer.json.state } end,
  }
]]

-- The command over a transport that may cost money, for all that is known; SIGTERM at the first query, or UNANSWERED.
local ENDED = [[
  local scheduler = require "runway.scheduler"
  local transport = { cancel = function() end }
  function transport:start(wire, done)
    if wire.method == "GET" or UNANSWERED then os.execute "kill -TERM $PPID" end
    local body = wire.method == "POST" and '{"job":"j1"}' or '{"state":"RUNNING"}'
    scheduler.at(scheduler.now(), function() done { status = 200, sent = true, headers = {}, body = body } end)
    return 1
  end
  os.exit(require "runway.cli".main({ ... }, { transport = transport, terminal = false }))
]]

describe("the runway command", function()
  local here, environment, path

  before_each(function()
    here = scratch.new()
    environment = { RUNWAYML_API_SECRET = mocked.KEY, COMETAPI_KEY = mocked.KEY, REELHOUSE_API_KEY = mocked.KEY,
      TERM = "dumb" }
    command.setup(environment)
    path = package.path
    package.path = here.directory .. "/?.lua;" .. path
  end)
  after_each(function()
    package.path = path
    package.loaded["my.reelhouse"] = nil
    command.teardown()
    mocked.close()
    here:remove()
  end)

  local ASKED = { "GET /jobs/j1", json = { state = "RUNNING" } }

  describe("with an adapter of the user's own", function()
    it("runs its file", function()
      local file = here:write("mine.lua", FINE)
      local code, out = run({ "task", "j1", "--provider", file }, { ASKED })
      assert.equal(0, code)
      assert.equal("j1  RUNNING\n", out)
      assert.equal(0, (run({ "task", "j1", "--provider", here:write("mine", FINE) }, { ASKED })))
      environment.RUNWAY_PROVIDER = file
      assert.equal(0, (run({ "task", "j1" }, { ASKED })))
    end)

    it("names another provider whose key is there, where none was named", function()
      environment.RUNWAYML_API_SECRET = nil
      local code, _, err = run({ "credits" }, {})
      assert.equal(2, code)
      assert.matches("; COMETAPI_KEY is set: is --provider cometapi meant?", err, 1, true)
      assert.is_nil(select(3, run({ "credits", "--provider", "runwayml" }, {})):find("COMETAPI", 1, true))
    end)

    it("requires its module", function()
      os.execute("mkdir '" .. here:path "my" .. "'")
      here:write("my/reelhouse.lua", FINE)
      environment.RUNWAY_PROVIDER = "my.reelhouse"
      assert.equal(0, (run({ "task", "j1" }, { ASKED })))
      environment.RUNWAY_PROVIDER = nil
      assert.equal(0, (run({ "task", "j1", "--provider", "my.reelhouse" }, { ASKED })))
    end)

    it("is not the library itself, whose name is meant for a provider's", function()
      local code, _, err = run({ "credits", "--provider", "runway" }, {})
      assert.equal(2, code)
      assert.matches('unknown provider "runway" (did you mean runwayml?)', err, 1, true)
    end)

    it("goes on with the same one", function()
      local file = here:write("mine.lua", FINE)
      local _, _, err = run({ "task", "j1", "--wait", "--provider", file },
        { { "GET /jobs/j1", status = 401, json = {} } })
      assert.matches("to go on: runway task j1 --provider " .. file .. " --wait", err, 1, true)
      environment.RUNWAY_PROVIDER = ""
      err = select(3, run({ "task", "t1", "--wait" }, { { "GET /v1/tasks/t1", status = 401, json = {} } }))
      assert.matches("to go on: runway task t1 --wait", err, 1, true)
    end)

    it("names it when a signal ends the program, and tells nothing that is for scripts", function()
      local file = here:write("mine.lua", FINE)
      for how, words in pairs {
        ["j1 --provider %s -o a.mp4"] = { "generate", "--provider", file, "--prompt", "x", "-o", "a.mp4",
          "--poll-interval", "0.01" },
        ["--provider %s --wait -- -j2"] = { "task", "--provider", file, "--wait", "--", "-j2" },
      } do
        local said, code = child.run(ENDED, { arguments = words,
          before = "export REELHOUSE_API_KEY=" .. mocked.KEY .. ";" })
        assert.equal(128 + 15, code, said)
        assert.equal("runway task " .. how:format(file), said:match "; to go on: ([^\n]*)\n", said)
      end
    end)

    it("says what is wrong with it, and where", function()
      for source, what in pairs {
        ["return 5"] = " returns the number 5; it must return the adapter, a table",
        ["local a = 1"] = " returns nothing; it must return the adapter, a table",
        ["return {"] = "mine.lua:1: ",
        ["error 'oops'"] = "oops",
        ["return { name = 'x', kinds = 5 }"] = "the adapter x: kinds is the number 5; it must be a list of the kinds",
        ["return { name = 'x', kinds = {}, models = { a = { b = { ratios = 1 } } } }"] = "it must be a function",
        [(FINE:gsub("durations = { 5 }", "durations = { '5' }"))] = "models is a table of another form",
      } do
        local code, out, err = run({ "task", "j1", "--provider", here:write("mine.lua", source) }, {})
        assert.equal(2, code)
        assert.equal("", out)
        assert.matches("runway: config: " .. here:path "mine.lua", err, 1, true)
        if #here:path "mine.lua" < 50 then -- of a longer one Lua shows the end
          assert.is_nil(err:find "mine.lua.*mine.lua", err)
        end
        assert.matches(what, err, 1, true)
        assert.is_nil(err:find("traceback", 1, true))
      end
      local code, _, err = run({ "task", "j1", "--provider", here:path "none.lua" }, {})
      assert.equal(2, code)
      assert.matches("none.lua", err, 1, true)
      here:write("broken.lua", "return {")
      environment.RUNWAY_PROVIDER = "broken"
      code, _, err = run({ "task", "j1" }, {})
      assert.equal(2, code)
      assert.matches("RUNWAY_PROVIDER: the module broken: ", err, 1, true)
    end)

    it("says how to find out what a signal left without an answer", function()
      local file = here:write("mine.lua", FINE)
      local journal, list = here:path "j.db", here:write("shots.csv", "key,prompt_text\na,a\n")
      local function told_at_the_end(argv)
        local said, code = child.run("UNANSWERED = true\n" .. ENDED, { arguments = argv,
          before = "export REELHOUSE_API_KEY=" .. mocked.KEY .. ";" })
        assert.equal(128 + 15, code, said)
        assert.is_nil(said:find("all or join", 1, true))
        return said
      end
      for told, words in pairs {
        ["look at the provider's own list of tasks before you submit it again"] = {},
        ["run the same command again, which submits nothing twice"] = { "--journal", journal, "--key", "k" },
        ["see runway journal list --journal " .. journal] = { "--journal", journal },
      } do
        local argv = { "generate", "--provider", file, "--prompt", "x", "-o", here:path "a.mp4" }
        for _, word in ipairs(words) do argv[#argv + 1] = word end
        assert.matches("the tasks may exist: " .. told, told_at_the_end(argv), 1, true)
      end
      assert.matches("the tasks may exist: run the same command again, which submits nothing twice",
        told_at_the_end { "batch", list, "--provider", file, "-o", here:path "night" }, 1, true)
    end)
  end)

  describe("credits", function()
    local BALANCE = { "GET /v1/organization", json = { creditBalance = 1234, tier = { name = "x" } } }

    it("prints the number", function()
      local code, out = run({ "credits" }, { BALANCE })
      assert.equal(0, code)
      assert.equal("1234\n", out)
      out = select(2, run({ "credits", "--json" }, { BALANCE }))
      local object = json.decode(out)
      assert.same({ "runwayml", 1234, "x" }, { object.provider, object.credits, object.detail.tier.name })
      assert.is_nil(object.limits)
    end)

    it("tells what the account may run, beside the number", function()
      local told = { "GET /v1/organization", json = { creditBalance = 7, tier = { models = {
        a = { maxConcurrentGenerations = 1, maxDailyGenerations = 50 }, b = { maxConcurrentGenerations = 5 } } } } }
      local _, out, err = run({ "credits" }, { told })
      assert.same({ "7\n", "runway: of each model 1-5 at once, 50 a day\n" }, { out, err })
      local object = json.decode((select(2, run({ "credits", "--json" }, { told }))))
      assert.same({ a = { concurrent = 1, daily = 50 }, b = { concurrent = 5 } }, object.limits)
    end)

    it("says where a provider does not tell", function()
      local code, out, err = run({ "credits", "--provider", "cometapi" }, {})
      assert.equal(2, code)
      assert.equal("", out)
      assert.matches("does not tell what credits are left", err, 1, true)
    end)
  end)

  describe("upload", function()
    it("prints a URI for each file, and says what could not be uploaded", function()
      local file = here:write("a.png", "\137PNG\r\n\26\n" .. ("\0"):rep(600))
      local function list()
        return {
          { "POST /v1/uploads", json = { uploadUrl = "https://store.example/x", fields = {},
            runwayUri = "runway://u1" } },
          { "POST https://store.example/x", status = 204 },
        }
      end
      local code, out = run({ "upload", file }, list())
      assert.equal(0, code)
      assert.equal("runway://u1\n", out)
      local err
      code, out, err = run({ "upload", here:path "none.png", file, "--json" }, list())
      assert.equal(2, code)
      local failure, uploaded = out:match "^([^\n]*)\n([^\n]*)\n$"
      assert.equal("runway://u1", json.decode(uploaded).uri)
      assert.equal(file, json.decode(uploaded).path)
      assert.same({ here:path "none.png", "io", "open", "no", false }, { json.decode(failure).path,
        json.decode(failure).error.kind, json.decode(failure).error.code, json.decode(failure).error.sent,
        json.decode(failure).error.retryable })
      assert.truthy(failure:find('"uri":null', 1, true), failure)
      code, out = run({ "upload", file, "--json" }, { { "POST /v1/uploads", status = 400, json = { error = "no" } } })
      assert.equal(1, code)
      assert.equal(file, json.decode(out).path)
      assert.matches("none.png", err, 1, true)
    end)
  end)

  describe("models", function()
    it("lists what each known model takes, a line each", function()
      local code, out = run { "models" }
      assert.equal(0, code)
      assert.truthy(out:find "\nrunwayml +image_to_video +gen4_turbo +2%-10 s +5 credits a second %(2026%-10%) +1280")
      assert.truthy(out:find "\nrunwayml +text_to_video +veo3%.1 +4,6,8 s +20%-40 credits a second %(2026%-10%) +1280")
      assert.truthy(out:find "\nrunwayml +text_to_video +seedance2 +4%-15 s, auto +36%-150 credits a second ")
      assert.truthy(out:find "\nqimu +text_to_video +gen3a +5,10 s +no price known +16:9 9:16\n")
      assert.truthy(out:find("gone from Runway's own API since", 1, true))
      assert.is_nil(out:find("PROVIDER", 1, true))
      out = select(2, run({ "models" }, nil, { stdout_terminal = true, columns = 1000 }))
      assert.matches("^PROVIDER +KIND +MODEL +SECONDS +CREDITS +RATIOS\n", out)
      for _, wide in ipairs { 40, 80 } do     -- each line fits, and no word is lost
        local said = select(2, run({ "models" }, nil, { stdout_terminal = true, columns = wide }))
        for line in said:gmatch "[^\n]+" do assert.is_true(columns.of(line) <= wide, line) end
        assert.equal(select(2, out:gsub("[^ \n]+", "")), select(2, said:gsub("[^ \n]+", "")))
      end
      local narrow = select(2, run({ "models" }, nil, { stdout_terminal = true, columns = 160 }))
      for line in narrow:gmatch "[^\n]+" do assert.is_true(#line <= 160 and not line:find " $", line) end
      assert.equal(select(2, out:gsub("1280:720", "")), select(2, narrow:gsub("1280:720", "")))
    end)

    it("lists every kind of every provider", function()
      local _, out = run { "models", "--json" }
      local seen = {}
      for line in out:gmatch "[^\n]+" do
        local row = json.decode(line)
        seen[row.provider .. " " .. row.kind] = true
      end
      for name, adapter in pairs(require "runway.providers") do
        for _, kind in ipairs(adapter.kinds) do assert.is_true(seen[name .. " " .. kind], name .. " " .. kind) end
      end
    end)

    it("lists as JSON, numbers as numbers", function()
      local _, out = run { "models", "gen4_turbo", "--provider", "runwayml", "--json" }
      local row = json.decode(out)
      assert.same({ "image_to_video", "gen4_turbo", 2, 10, 9, false },
        { row.kind, row.model, row.duration_min, row.duration_max, #row.durations, row.duration_auto })
      assert.truthy(out:find('"removed":null', 1, true))
    end)

    it("lists what each costs, with the date of the list; of resellers that no price is known", function()
      local _, out = run { "models" }
      for model, said in pairs {
        ["seedance2_5"] = "20-68 credits a second, at least 80, more for input (2026-10)",
        ["gemini_omni_flash"] = "10 credits a second, more for pictures (2026-10)",
        ["gen4.5"] = "12 credits a second, more for formats (2026-10)", ["ruby"] = "20-40 credits a second (2026-10)",
        ["eleven_v3"] = "1 credit for 50 characters (2026-10)", ["gen4_image"] = "5-8 credits an item (2026-10)",
        ["eleven_voice_isolation"] = "1 credit for 6 s of input (2026-10)", ["gpt_image_2"] = "no price known",
      } do
        assert.truthy(out:find("\nrunwayml +[a-z_]+ +" .. model:gsub("%p", "%%%0") .. " +[^\n]-  +"
          .. said:gsub("%p", "%%%0") .. "  "), model)
      end
      for line in out:gmatch "[^\n]+" do
        if not line:find "^runwayml" then assert.truthy(line:find("  no price known  ", 1, true), line) end
      end
    end)

    it("lists prices as JSON, numbers as numbers, what they depend on, and null where none is known", function()
      local function price(...)
        local _, out = run { "models", "--json", ... }
        return json.decode(out:match "[^\n]+").price, out
      end
      assert.same({ basis = "table 2026-10", per = "second", count = 1, low = 20, credits = 68, least = 80,
        by = { ["480p"] = 20, ["720p"] = 30, ["1080p"] = 68 }, input = { low = 10, credits = 34 },
        formats = false }, (price("--provider", "runwayml", "seedance2_5")))
      assert.same({ audio = 40, silent = 20 }, price("--provider", "runwayml", "veo3.1").by)
      assert.same({ "character", 50, 1, 1 }, (function(p) return { p.per, p.count, p.low, p.credits } end)(
        price("--provider", "runwayml", "eleven_v3")))
      assert.truthy(select(2, price("--provider", "runwayml", "act_two")):find('"by":null', 1, true))
      assert.truthy(select(2, price("--provider", "cometapi", "act_two")):find('"price":null', 1, true))
    end)

    it("lists what an adapter of the user's own tells; one that reckons does not know none", function()
      local told = FINE:gsub("durations = { 5 }", 'durations = { 5 }, price = { basis = "list", per = "reel", low = 1, '
        .. 'credits = 2 }')
      local _, out = run { "models", "--provider", here:write("mine.lua", told) }
      assert.equal("reelhouse  text_to_video  one  5 s  1-2 credits by reel (list)  -\n", out)
      _, out = run { "models", "--provider", here:write("mine.lua", (FINE:gsub("submit = ",
        "price = function() return { credits = 1 } end, %0"))) }
      assert.equal("reelhouse  text_to_video  one  5 s  by the request  -\n", out)
      local code, _, err = run { "models", "--provider", here:write("mine.lua", (told:gsub("low = 1", "low = 3"))) }
      assert.equal(2, code)
      assert.matches("models.text_to_video.one.price.low is the number 3; it must be no more than", err, 1, true)
    end)

    it("lists one provider's, one kind's, and those of the user's own", function()
      local _, out = run { "models", "--provider", "qimu", "--kind", "text_to_video" }
      for line in out:gmatch "[^\n]+" do assert.truthy(line:find "^qimu +text_to_video ") end
      _, out = run { "models", "--provider", here:write("mine.lua", FINE) }
      assert.equal("reelhouse  text_to_video  one  5 s  no price known  -\n", out)
      local code, _, err = run { "models", "no-such" }
      assert.equal(1, code)
      assert.matches("no model here", err, 1, true)
      assert.equal(2, (run { "models", "--provider", "no-such" }))
      code, _, err = run { "models", "--kind", "text_to_vidoe" }
      assert.equal(2, code)
      assert.matches('no kind "text_to_vidoe"; did you mean text_to_video?', err, 1, true)
    end)

    it("lists the one of the user's own that the environment names, beside those that are built in", function()
      environment.RUNWAY_PROVIDER = here:write("mine.lua", FINE)
      local code, out = run { "models", "--kind", "text_to_video" }
      assert.equal(0, code)
      assert.matches("\nreelhouse  text_to_video  one  ", out:gsub(" +", "  "), 1, true)
      assert.matches("\nrunwayml  text_to_video  ", out:gsub(" +", "  "), 1, true)
      environment.RUNWAY_PROVIDER = here:write("mine.lua", "return 5")
      local _, _, err = run { "models" }
      assert.matches("RUNWAY_PROVIDER: " .. here:path "mine.lua" .. " returns the number 5", err, 1, true)
    end)

    it("lists no model that its adapter refuses", function()
      for name, adapter in pairs(require "runway.providers") do
        for kind, models in pairs(adapter.models or {}) do
          for model, facts in pairs(models) do
            local base = { model = model, kind = kind, prompt_text = "a", prompt_video = "https://x.test/a.mp4",
              prompt_image = { { uri = "https://x.test/a.png" } } }
            for _, ratio in ipairs(facts.ratios or {}) do
              base.ratio, base.duration = ratio, facts.durations and facts.durations[1] or facts.duration_min
              local _, problem = adapter.submit(kind, base)
              local message = problem and problem.message or ""
              assert.is_nil(message:find "[Rr]atio" or message:find "duration", name .. " " .. model .. ": " .. message)
            end
          end
        end
      end
    end)
  end)
end)
