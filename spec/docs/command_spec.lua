-- docs/command.md, held to what each command prints: no name that it does not tell of, none of another type, none
-- missing that is to be there, and none told of that is never printed; so of the exit codes.

local cjson = require "cjson"
local command = require "spec.support.command"
local commands = require "runway.cli.commands"
local content = require "spec.support.content"
local doctor = require "runway.cli.doctor"
local errors = require "runway.errors"
local journals = require "spec.support.journals"
local mocked = require "spec.support.mocked"
local sandbox = require "runway.sandbox"

local run = command.run

---------------------------------------------------------------------------------------------------
-- The page: by section { names = { name -> { type=, there= } }, codes = { 0, 1, … } }

local function read_page()
  local sections, section = {}, nil
  for line in content "docs/command.md":gmatch "[^\n]*" do
    local title = line:match "^## (.+)$"
    if title then
      section = { names = {}, prose = "" }
      sections[title:match "^runway (.+)$" or title] = section
    elseif section then
      section.prose = section.prose .. " " .. line
      local name, kind, there = line:match "^| `([%w_.]+)` | ([%w ]+) | ([^|]+) |"
      if name then section.names[name] = { type = kind, there = there } end
    end
  end
  for _, each in pairs(sections) do
    local told = each.prose:match "Exit%s+codes: ([^.]*)%."
    each.codes = {}
    for code in (told or ""):gsub("%b()", ""):gmatch "%d+" do each.codes[#each.codes + 1] = tonumber(code) end
    each.own = not each.prose:find("names of `generate`", 1, true)
    if not each.own then each.names = sections.generate.names end
  end
  return sections
end

local PAGE = read_page()
local FAILURE = PAGE["A failure"].names

local ORGANIZATION = { creditBalance = 1234, tier = { models = { m1 = { maxConcurrentGenerations = 1 } } } }

---------------------------------------------------------------------------------------------------
-- Values

local function is_list_of(kind)
  return function(v)
    if type(v) ~= "table" then return false end
    for i, each in pairs(v) do
      if type(i) ~= "number" or type(each) ~= kind then return false end
    end
    return true
  end
end

local FITS = {
  string = function(v) return type(v) == "string" end, number = function(v) return type(v) == "number" end,
  integer = function(v) return type(v) == "number" and v % 1 == 0 end,
  boolean = function(v) return type(v) == "boolean" end,
  object = function(v) return type(v) == "table" and (next(v) == nil or type(next(v)) == "string") end,
  ["list of objects"] = is_list_of "table",
  any = function() return true end,
  ["list of strings"] = is_list_of "string", ["list of numbers"] = is_list_of "number",
}

-- The names of a line, those within `error`, `price` and `detail` with a point.
local function flat(object, within)
  local all = {}
  for name, v in pairs(object) do
    all[name] = v
    if type(v) == "table" and within[name] then
      for inner, each in pairs(v) do all[name .. "." .. inner] = each end
    end
  end
  return all
end

-- Names that have others within, as the page has them.
local function parents(names)
  local set = {}
  for name in pairs(names) do
    local parent = name:match "^([^.]+)%."
    if parent then set[parent] = true end
  end
  return set
end

---------------------------------------------------------------------------------------------------

describe("docs/command.md", function()
  local environment

  before_each(function()
    journals.setup()
    environment = { RUNWAYML_API_SECRET = mocked.KEY, PATH = os.getenv "PATH" }
    command.setup(environment)
  end)
  after_each(function()
    command.teardown()
    journals.teardown()
  end)

  -- What was seen of a command: names, with null counted for none, and exit codes.
  local function watch(title)
    local section = PAGE[title]
    local seen = { names = {}, codes = {} }

    -- Of a list there are lines of each shot, and of the sums.
    local function section_of(raw)
      if raw.exit_code then return PAGE["The sums of a list"] end
      return raw.key and title == "estimate" and PAGE.batch or section
    end

    local function look(line)
      local raw = assert(cjson.new().decode(line))
      local section = section_of(raw) -- luacheck: ignore 431
      local failed = type(raw.error) == "table"
      local within = parents(section.names)
      if failed then within.error = true end
      local names = flat(raw, within)
      for name, v in pairs(names) do
        local told = section.names[name] or failed and FAILURE[name]
        assert.truthy(told, ("%s prints %s, of which the page does not tell: %s"):format(title, name, line))
        if failed and FAILURE[name] and name ~= "path" and name ~= "task_id" then told = FAILURE[name] end
        if v ~= cjson.null then
          assert.is_true(FITS[told.type](v), ("%s of %s is no %s: %s"):format(name, title, told.type, line))
          seen.names[name] = true
        else
          assert.not_equal("if known", told.there, name .. " is null: " .. line)
        end
      end
      for name, told in pairs(failed and FAILURE or section.names) do
        local parent = name:match "^([^.]+)%."
        if told.there == "always" and (not parent or type(raw[parent]) == "table") then
          assert.is_true(names[name] ~= nil, ("%s misses %s: %s"):format(title, name, line))
        end
      end
    end

    return {
      seen = seen,
      run = function(argv, list, more)
        argv[#argv + 1] = "--json"
        local code, out = run(argv, list, more)
        seen.codes[code] = true
        for line in out:gmatch "[^\n]+" do look(line) end
        return code, out
      end,
      -- All that the page tells of it was seen; of those that have the names of generate, all but what is rare.
      ends = function()
        for name, told in pairs(section.names) do
          if told.there ~= "if known" or section.own then
            assert.truthy(seen.names[name], ("%s is never printed by %s"):format(name, title))
          end
        end
        local codes = {}
        for code in pairs(seen.codes) do codes[#codes + 1] = code end
        table.sort(codes)
        assert.same(section.codes, codes)
      end,
    }
  end

  it("has a section for every command that prints JSON, and for no other", function()
    local there = {}
    for _, one in ipairs(commands.commands) do
      local json = false
      for _, each in ipairs(one.commands or { one }) do
        for _, option in ipairs(each.options or {}) do json = json or option[1] == "--json" end
      end
      assert.equal(json, PAGE[one[1]] ~= nil, one[1])
      there[one[1]] = true
    end
    for _, title in ipairs { "A failure", "The sums of a list", "A list of shots, as a file" } do
      there[title] = true
    end
    for title in pairs(PAGE) do assert.truthy(there[title], title) end
  end)

  local task, SUBMIT = mocked.task, mocked.SUBMIT
  local FILM = { "GET " .. mocked.OUTPUT:match "^[^?]*", body = "\0\0\0\24ftypmp42" }
  local REFUSED = { "GET /v1/tasks/t1", status = 401, json = { error = "revoked" },
    headers = { ["x-request-id"] = "r1" } }

  it("tells what generate prints", function()
    local w = watch "generate"
    local function generate(list, ...)
      local argv = { "generate", "--prompt", "a cat", "--ratio", "1280:720", "--duration", "5", "--model", "gen4.5",
        ... }
      argv[#argv + 1], argv[#argv + 2] = "-o", journals.path "a.mp4"
      return w.run(argv, list)
    end
    assert.equal(0, generate({ SUBMIT, task("SUCCEEDED", { cost = { credits = 25 } }), FILM }))
    os.remove(journals.path "a.mp4")
    assert.equal(1, generate { SUBMIT, task("FAILED", { failure = "no", failureCode = "SAFETY.INPUT" }) })
    assert.equal(1, generate { SUBMIT, REFUSED })
    assert.equal(2, generate({}, "--frob"))
    assert.equal(2, generate({}, "--seed", "-5"))
    environment.RUNWAYML_API_SECRET = nil
    assert.equal(2, generate {})
    environment.RUNWAYML_API_SECRET = mocked.KEY
    assert.equal(4, generate { { "POST /v1/text_to_video", fault = "lost" } })
    assert.equal(1, generate { { "POST /v1/text_to_video", status = 429, json = { error = "daily limit reached" },
      headers = { ["retry-after"] = "3600" } } })
    local running = task("RUNNING", { progress = 0.5 })
    running.times = math.huge
    assert.equal(5, generate({ SUBMIT, running, any_order = true }, "--timeout", "60"))
    w.ends()
    for name, told in pairs(FAILURE) do assert.truthy(w.seen.names[name] or told.there == "of a list", name) end
  end)

  local function list_of(...)
    local file = assert(io.open(journals.path "shots.csv", "wb"))
    file:write("key,prompt_text,model,ratio,duration\n", table.concat({ ... }, "\n"), "\n")
    file:close()
    return journals.path "shots.csv"
  end

  it("tells what batch prints", function()
    local w = watch "batch"
    local made = 0
    local function batch(list, ...)
      made = made + 1
      list.any_order = true
      return w.run({ "batch", list_of "a,a cat,gen4.5,1280:720,5", "-o", journals.path("out" .. made), ... }, list)
    end
    assert.equal(0, batch { SUBMIT, task("SUCCEEDED", { cost = { credits = 25 } }), FILM })
    assert.equal(1, batch { SUBMIT, task("FAILED", { failure = "no", failureCode = "SAFETY.INPUT" }) })
    assert.equal(1, w.run({ "batch", list_of "a,a dog,gen4.5,1280:720,5", "-o", journals.path "out1" }, {}))
    assert.equal(3, batch({}, "--budget", "1"))
    assert.equal(4, batch { { "POST /v1/text_to_video", fault = "lost" } })
    assert.equal(0, batch({}, "--dry-run"))
    assert.equal(2, w.run({ "batch", list_of "a,a cat,gen4.5,1280:720,500", "-o", journals.path "bad" }, {}))
    w.ends()
    for name, told in pairs(PAGE["The sums of a list"].names) do
      if name ~= "page" then assert.truthy(w.seen.names[name] or told.there == "of `estimate`", name) end
    end
    assert.truthy(w.seen.names["error.faults"])
  end)

  it("tells what estimate prints", function()
    local w = watch "estimate"
    local function clip(model)
      return w.run({ "estimate", "--prompt", "a cat", "--ratio", "1280:720", "--duration", "5", "--model", model }, {})
    end
    assert.equal(0, clip "gen4.5")
    assert.equal(1, clip "of_tomorrow")
    assert.equal(0, w.run({ "estimate", list_of "a,a cat,gen4.5,1280:720,5" }, {}))
    assert.equal(2, w.run({ "estimate" }, {}))
    w.ends()
    assert.truthy(w.seen.names.without_price)
  end)

  it("tells what work prints", function()
    local w = watch "work"
    local function work(list, ...)
      return w.run({ "work", "--journal", journals.where(), "-o", journals.path "out", "--until-empty", ... }, list)
    end
    local list = list_of("a,a cat,gen4.5,1280:720,5", "b,a dog,gen4.5,1280:720,5", "c,a cow,gen4.5,1280:720,5")
    local code, _, err = run({ "batch", list, "-o", journals.path "out", "--journal", journals.where(),
      "--enqueue" }, {})
    assert.equal(0, code, err)
    assert.matches("left to workers: runway work --journal " .. journals.where(), err, 1, true)
    assert.equal(3, work({}, "--budget", "1"))
    assert.equal(4, work({ { "POST /v1/text_to_video", fault = "lost" }, SUBMIT, SUBMIT, FILM, FILM, any_order = true,
      { "GET /v1/tasks/t1", times = 2, json = { id = "t1", status = "SUCCEEDED",
        output = { "https://cdn.example/clip.mp4" } } } }, "--jobs", "1"))
    assert.equal(2, w.run({ "work" }, {}))
    w.seen.codes[0], w.seen.codes[1] = true, true -- see spec/runway/work_spec.lua
    w.ends()
  end)

  it("tells what join prints", function()
    local w = watch "join"
    assert.equal(2, w.run({ "join", journals.path "out" }, {}))
    assert.equal(1, w.run({ "join", journals.path "out", "-o", journals.path "film.mp4" }, {}))
    if not require("runway.program").find "ffmpeg" then return end
    local footage = require "spec.support.footage"
    footage.make(journals.path "1.mp4", { frames = 3 })
    assert(require("runway.batch.contents").write((journals.path "":gsub("/$", "")), {
      { key = "a", output = "1.mp4", kind = "text_to_video" },
      { key = "b", output = "2.mp4", kind = "text_to_video" } }))
    assert.equal(1, w.run({ "join", journals.path "", "-o", journals.path "film.mp4" }, {}))
    w.seen.codes[0] = true                    -- see spec/runway/cli/join_spec.lua
    w.ends()
  end)

  it("tells what task prints", function()
    local w = watch "task"
    assert.equal(0, w.run({ "task", "t1" }, { task "RUNNING" }))
    assert.equal(0, w.run({ "task", "t1", "--wait" }, { task "SUCCEEDED" }))
    assert.equal(1, w.run({ "task", "t1" }, { task("FAILED", { failure = "no" }) }))
    assert.equal(1, w.run({ "task", "t1" }, { task "CANCELLED" }))
    assert.equal(1, w.run({ "task", "t1" }, { REFUSED }))
    assert.equal(2, w.run({ "task" }, {}))
    local running = task "RUNNING"
    running.times = math.huge
    assert.equal(5, w.run({ "task", "t1", "--wait", "--timeout", "60" }, { running }))
    assert.equal(0, w.run({ "task", "t1", "-o", journals.path "a.mp4" }, { task "SUCCEEDED", FILM }))
    w.ends()
  end)

  it("tells what cancel prints", function()
    local w = watch "cancel"
    assert.equal(0, w.run({ "cancel", "t1" }, { task "PENDING", { "DELETE /v1/tasks/t1", status = 204, body = "" } }))
    assert.equal(1, w.run({ "cancel", "t1" }, { task "SUCCEEDED" }))
    assert.equal(2, w.run({ "cancel" }, {}))
    w.seen.names.path = true                  -- it makes none
    w.ends()
  end)

  it("tells what credits prints", function()
    local w = watch "credits"
    w.run({ "credits" }, { { "GET /v1/organization", json = ORGANIZATION } })
    w.run({ "credits" }, { { "GET /v1/organization", status = 401, json = { error = "no" } } })
    w.run({ "credits", "--provider", "no-such" }, {})
    w.ends()
  end)

  it("tells what upload prints", function()
    local w = watch "upload"
    local list = { { "POST /v1/uploads", json = { uploadUrl = "https://store.example/up", fields = { key = "k" },
      runwayUri = "runway://u1" } }, { "POST https://store.example/up", status = 204, body = "" } }
    local file = assert(io.open(journals.path "a.png", "wb"))
    file:write("\137PNG\r\n\26\n" .. ("\0"):rep(600))
    file:close()
    assert.equal(0, w.run({ "upload", journals.path "a.png" }, list))
    assert.equal(1, w.run({ "upload", journals.path "a.png" },
      { { "POST /v1/uploads", status = 400, json = { error = "no" } } }))
    assert.equal(2, w.run({ "upload", journals.path "none.png" }, {}))
    w.ends()
  end)

  it("tells what models prints", function()
    local w = watch "models"
    assert.equal(0, w.run { "models" })
    assert.equal(1, w.run { "models", "no-such" })
    assert.equal(2, w.run { "models", "--kind", "no-such" })
    w.ends()
  end)

  it("tells the exit codes that each help tells", function()
    for _, one in ipairs(commands.commands) do
      local more = type(one.more) == "string" and one.more:match "Exit codes:\n(.*)$"
      local codes = {}
      for code in (more and "\n" .. more or ""):gmatch "\n  (%d+) " do codes[#codes + 1] = tonumber(code) end
      if more then
        assert.equal(130, table.remove(codes))
        assert.same(PAGE[one[1]].codes, codes, one[1])
      end
    end
  end)

  it("tells what journal prints", function()
    local w = watch "journal"
    local j = journals.open()
    assert(journals.begin(j, "one")):ends(journals.task("t1", { estimated_cost = 7 }), {}, false)
    assert(journals.begin(j, "two")):ends(nil, {}, true, errors.new { message = "no answer", code = "x" })
    journals.sql { { "UPDATE runway_shots SET credits = 5, path = 'a.mp4', bytes = 6, status = 'SUCCEEDED', "
      .. "state = 'done', ended_at = 1000, lease_until = 2000 WHERE key = 'one'" } }
    local function with(...)
      local argv = { "journal", ... }
      argv[#argv + 1], argv[#argv + 2] = "--journal", journals.where()
      return w.run(argv)
    end
    assert.equal(0, with "list")
    assert.equal(0, with("show", "one"))
    assert.equal(0, with "export")
    assert.equal(0, with("settle", "two", "--task-id", "t2"))
    assert.equal(1, with("show", "three"))
    assert.equal(2, with("list", "--state", "lost"))
    w.ends()
  end)

  it("tells what doctor prints, in its order", function()
    local w = watch "doctor"
    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT")
    local well = { { "GET /", status = 404, body = "", headers = { Date = date } },
      { "GET /v1/organization", json = ORGANIZATION } }
    journals.open()
    assert.equal(0, w.run({ "doctor", "--proxy", "http://proxy.example:3128", "--journal", journals.where(), "-o",
      journals.path "" }, well))
    local _, out = w.run({ "doctor", "--base-url", "nonsense" }, {})
    w.run({ "doctor", "x" }, {})
    w.ends()
    local order = {}
    for _, check in ipairs(doctor.checks) do order[#order + 1] = check[1] end
    assert.truthy(PAGE.doctor.prose:gsub("%s+", " "):find("`" .. table.concat(order, " ") .. "`", 1, true))
    for line in out:gmatch "[^\n]+" do
      local object = cjson.new().decode(line)
      for name, told in pairs(PAGE.doctor.names) do
        local inner = name:match "^detail%.(.*)"
        if inner then
          local is_its = told.there:find("`" .. object.check .. "`", 1, true) ~= nil
          assert.equal(is_its, object.detail[inner] ~= nil, object.check .. " " .. inner)
        end
      end
    end
  end)

  it("tells what sandbox prints", function()
    local w = watch "sandbox"
    local loop, started = sandbox.loop, nil
    sandbox.loop = function(server) started = server end
    assert.equal(0, w.run { "sandbox", "--port", "0" })
    sandbox.loop = loop
    assert.equal(1, w.run { "sandbox", "--port", tostring(started.port) })
    assert.equal(2, w.run { "sandbox", "--port", "x" })
    assert.matches("Address already in use; --port 0 takes one that is free\n", select(3, run { "sandbox", "--port",
      tostring(started.port) }), 1, true)
    started:close()
    w.ends()
  end)
end)
