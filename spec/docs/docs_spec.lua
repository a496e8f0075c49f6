-- What docs/providers.md says in its tables, tried on the adapters; what docs/adapters.md promises to
-- explain; and that the README names every public name. So the pages cannot go stale unnoticed.

local child = require "spec.support.child"
local content = require "spec.support.content"
local json = require "runway.json"
local lua = require "spec.support.interpreter"
local models = require "runway.providers.runwayml_models"
local params = require "runway.params"
local providers = require "runway.providers"
local runway = require "runway"
local scratch = require "spec.support.scratch"

---------------------------------------------------------------------------------------------------
-- Markdown

-- The cells of a line of a table, or nil.
local function cells_of(line)
  if line:sub(1, 1) ~= "|" then return nil end
  local cells = {}
  for cell in line:gmatch("|([^|]*)") do cells[#cells + 1] = cell:match("^%s*(.-)%s*$") end
  cells[#cells] = nil                         -- what follows the last bar
  return cells
end

-- Every table: { section = "cometapi", head = {…}, rows = { { line =, [1] =, … }, … } }
local function tables_of(text)
  local found, section, current = {}, nil, nil
  local number = 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    section = line:match("^##+ (.+)$") or section
    local cells = cells_of(line)
    if not cells then
      current = nil
    elseif not current then
      current = { section = section, head = cells, rows = {} }
      found[#found + 1] = current
    elseif not cells[1]:find("^%-+$") then
      cells.line = number
      current.rows[#current.rows + 1] = cells
    end
  end
  return found
end

local function ticked(cell)
  local list = {}
  for token in cell:gmatch("`([^`]*)`") do list[#list + 1] = token end
  return list
end

-- "**`a.b`** = `5` words" -> { paths=, needed=, default=, as=, mode=, extra= }; nil for "no"
local function read_cell(cell)
  if cell == "no" then return nil end
  local place = { needed = cell:find("**", 1, true) ~= nil, passing = cell:sub(1, 1) == "(" }
  place.default = cell:match("= `([^`]*)`")
  place.as = cell:match(" as `([^`]*)`")
  place.mode = cell:match("[`)*] (%l+)$")
  place.paths = ticked((cell:gsub("= `[^`]*`", ""):gsub(" as `[^`]*`", "")))
  assert(#place.paths > 0, "no place in the cell " .. cell)
  return place
end

-- images[2].image of a body
local function at(body, path)
  local v = body
  for step in path:gmatch("[^.]+") do
    local name, index = step:match("^([^%[]+)%[(%d+)%]$")
    if type(v) ~= "table" then return nil end
    v = v[name or step]
    if index and type(v) == "table" then v = v[tonumber(index)] end
  end
  return v
end

---------------------------------------------------------------------------------------------------
-- Requests

local FIRST, LAST = "https://x.test/first.png", "https://x.test/last.png"
local VIDEO, AUDIO = "https://x.test/film.mp4", "https://x.test/sound.mp3"
local VOICE = { type = "runway-preset", presetId = "Maya" }

-- What a kind needs beside the neutral params.
local EXTRA = {
  extend = { extended_from_task_id = "t-0" }, speech_to_speech = { voice = VOICE },
  text_to_speech = { voice = VOICE }, voice_dubbing = { audio_uri = AUDIO, target_lang = "de" },
  voice_isolation = { audio_uri = AUDIO },
}

local SAMPLES = {
  prompt_text = "a text", ["first image"] = FIRST, prompt_video = VIDEO, ratio = "16:9", seed = 42,
  callback_url = "https://x.test/hook",
}

local COLUMNS = { "prompt_text", "first image", "last image", "prompt_video", "model", "ratio", "duration",
  "seed", "callback_url" }

local FIRST_COLUMN = 3                        -- of the parameters, after the kind and the route

local NAME = { ["first image"] = "prompt_image", ["last image"] = "prompt_image" }
local function name_of(column) return NAME[column] or column end

-- { provider=, kind=, raw = what the first cell says to give }
local function read_row(provider, cells)
  local tokens = ticked(cells[1])
  local row = { provider = provider, kind = tokens[1], raw = { kind = tokens[1] }, cells = cells }
  for i = 2, #tokens do
    local format = tokens[i]:match('^format = "(%w+)"$')
    if format then row.raw.format = format else row.raw.model = tokens[i] end
  end
  for name, v in pairs(EXTRA[row.kind] or {}) do row.raw[name] = v end
  return row
end

local function submit(row, raw)
  local given, problem = params.normalise(raw)
  assert(given, problem and problem.message)
  return providers[row.provider].submit(row.kind, given)
end

local function with(raw, name, v)
  local copy = {}
  for k, old in pairs(raw) do copy[k] = old end
  copy[name] = v
  return copy
end

-- The longest of the usual durations that goes through.
local function duration_of(row, raw)
  for _, seconds in ipairs { 10, 8, 5 } do
    if submit(row, with(raw, "duration", seconds)) then return seconds end
  end
  return 10
end

-- The least that the table says is needed.
local function base_of(row)
  local raw = row.raw
  for i, column in ipairs(COLUMNS) do
    local place = read_cell(row.cells[FIRST_COLUMN + i - 1])
    if place and place.needed and column ~= "model" and column ~= "duration" then
      raw = with(raw, name_of(column), SAMPLES[column])
    end
  end
  local duration = read_cell(row.cells[FIRST_COLUMN + 6])
  if duration and duration.needed then raw = with(raw, "duration", duration_of(row, raw)) end
  return raw
end

local function must(row, raw)
  local request, problem = submit(row, raw)
  assert(request, problem and problem.message)
  return request
end

local function arrives(row, raw, path, expected)
  local got = at(must(row, raw).json, path)
  if type(got) == "table" and got.uri then got = got.uri end
  assert.equal(expected, got, path)
end

local RATIOS = {
  words = { ["1280:720"] = "16:9", ["720:1280"] = "9:16", ["16:9"] = "16:9" },
  pixels = { ["16:9"] = "1280:720", ["9:16"] = "720:1280", ["1280:720"] = "1280:720" },
  as_it_is = { ["16:9"] = "16:9", ["1280:720"] = "1280:720" },
}
local SIZES = { ["16:9"] = { 1280, 768 }, ["1280:720"] = { 1280, 768 }, ["9:16"] = { 768, 1280 },
  ["720:1280"] = { 768, 1280 }, ["1024:576"] = { 1024, 576 } }

local sends = {}

function sends.ratio(row, raw, place)
  if place.mode == "size" then
    for ratio, size in pairs(SIZES) do
      arrives(row, with(raw, "ratio", ratio), place.paths[1], size[1])
      arrives(row, with(raw, "ratio", ratio), place.paths[2], size[2])
    end
  elseif place.mode == "upright" then
    arrives(row, with(raw, "ratio", "9:16"), place.paths[1], true)
    arrives(row, with(raw, "ratio", "16:9"), place.paths[1], nil)
  else
    for given, expected in pairs(assert(RATIOS[place.mode or "as_it_is"])) do
      arrives(row, with(raw, "ratio", given), place.paths[1], expected)
    end
  end
end

function sends.duration(row, raw, place)
  local seconds = duration_of(row, raw)
  arrives(row, with(raw, "duration", seconds), place.paths[1], seconds)
end

function sends.model(row, raw, place)
  if place.as then return arrives(row, raw, place.paths[1], place.as) end
  arrives(row, raw, place.paths[1], raw.model or place.default)
  if not raw.model then arrives(row, with(raw, "model", "new-model"), place.paths[1], "new-model") end
end

sends["last image"] = function(row, raw, place)
  local last = { uri = LAST, position = "last" }
  local both = with(raw, "prompt_image", { { uri = FIRST, position = "first" }, last })
  if place.mode == "alone" then
    assert.is_nil((submit(row, both)))
    arrives(row, with(raw, "prompt_image", last), place.paths[1], LAST)
  else
    arrives(row, both, place.paths[1], LAST)
  end
end

local function send(column, row, raw, place)
  if sends[column] then return sends[column](row, raw, place) end
  arrives(row, with(raw, name_of(column), SAMPLES[column]), place.paths[1], SAMPLES[column])
end

local function refuses(column, row, raw)
  local v = SAMPLES[column]
  if column == "last image" then v = { FIRST, { uri = LAST, position = "last" } } end
  if column == "duration" then v = 10 end
  local request, problem = submit(row, with(raw, name_of(column), v))
  assert.is_nil(request)
  assert.equal(name_of(column), problem.field)
end

local function check_cell(column, row, cell)
  local raw, place = base_of(row), read_cell(cell)
  if not place then return refuses(column, row, raw) end
  send(column, row, raw, place)
  if place.needed then assert.is_nil((submit(row, with(raw, name_of(column), nil))), "not needed") end
  if place.default then
    assert.equal(place.default, tostring(at(must(row, with(raw, name_of(column), nil)).json, place.paths[1])))
  end
  local rules = row.provider == "runwayml" and models[row.kind][row.raw.model]
  if rules and column ~= "model" then
    local documented = rules[place.paths[1]:match("^[^.%[]+")] ~= nil
    assert.equal(not documented, place.passing, "in brackets if and only if Runway has no such field")
  end
end

---------------------------------------------------------------------------------------------------

local DOC = "docs/providers.md"
local tables = tables_of(content(DOC))

local function find_tables(head)
  local list = {}
  for _, one in ipairs(tables) do
    if one.head[1] == head then list[#list + 1] = one end
  end
  assert(#list > 0, "no table with the head " .. head)
  return list
end

describe(DOC .. ": where each parameter goes:", function()
  local shown = {}

  for _, one in ipairs(find_tables "kind and model") do
    local provider = one.section
    for _, cells in ipairs(one.rows) do
      local row = read_row(provider, cells)
      shown[provider .. " " .. row.kind] = true
      local label = ("line %d, %s, %s"):format(cells.line, provider, cells[1]:gsub("`", ""))

      it(label .. ": the route", function()
        local request = must(row, base_of(row))
        assert.equal(ticked(cells[2])[1], request.method .. " " .. request.path)
      end)

      for i, column in ipairs(COLUMNS) do
        it(label .. ": " .. column, function()
          assert.equal(column, one.head[FIRST_COLUMN + i - 1])
          check_cell(column, row, cells[FIRST_COLUMN + i - 1])
        end)
      end
    end
  end

  it("every kind of every provider has a row", function()
    for name, adapter in pairs(providers) do
      for _, kind in ipairs(adapter.kinds) do assert.is_true(shown[name .. " " .. kind], name .. " " .. kind) end
    end
  end)
end)

describe(DOC .. ": what is filled in:", function()
  local rows = {}
  for _, one in ipairs(find_tables "kind and model") do
    for _, cells in ipairs(one.rows) do rows[one.section .. " " .. cells[1]] = read_row(one.section, cells) end
  end

  for _, cells in ipairs(find_tables("provider")[2].rows) do
    it(("line %d, %s"):format(cells.line, cells[3]), function()
      local provider, path, value = ticked(cells[1])[1], ticked(cells[3])[1], ticked(cells[4])[1]
      local row = assert(rows[provider .. " " .. cells[2]], "no such row above")
      local expected = assert(json.decode("[" .. value .. "]"))[1]
      local raw = base_of(row)
      assert.same(expected, at(must(row, raw).json, path))
    end)
  end
end)

describe(DOC .. ": at a glance:", function()
  local glance = find_tables("")[1]
  local KEY = "key0123456789"

  local function has(what)
    return function(adapter) return type(adapter[what]) == "function" and "yes" or "no" end
  end

  local FACTS = {
    key = function(adapter) return adapter.env.api_key end,
    ["base URL"] = function(adapter) return adapter.base_url or "none" end,
    ["variable for the base URL"] = function(adapter) return adapter.env.base_url or "none" end,
    ["the key goes out as"] = function(adapter) -- in Authorization unless another header is named
      for name, value in pairs(adapter.sign and adapter.sign(KEY) or { Authorization = "Bearer " .. KEY }) do
        local as, n = value:gsub(KEY, "KEY")
        if n > 0 then return name == "Authorization" and as or name .. ": " .. as end
      end
    end,
    ["X-Runway-Version"] = function(adapter)
      return adapter.sign and adapter.sign(KEY)["X-Runway-Version"] or "none"
    end,
    ["seconds between two queries"] = function(adapter) return tostring(adapter.poll_interval or 5) end,
    ['seconds in which "no such task" means "not yet"'] = function(adapter)
      return tostring(adapter.missing_grace or 0)
    end,
    cancel = has "cancel", credits = has "credits", upload = has "upload",
    read_callback = has "callback",
  }

  local told = {}
  for _, cells in ipairs(glance.rows) do
    local what = cells[1]:gsub("`", "")
    told[what] = true
    it(what, function()
      local fact = assert(FACTS[what], "nothing checks this row")
      for i = 2, #glance.head do
        local name = ticked(glance.head[i])[1]
        assert.equal(fact(providers[name]), (cells[i]:gsub("`", "")), name)
      end
    end)
  end

  it("tells all of it, of every provider", function()
    for what in pairs(FACTS) do assert.is_true(told[what], what) end
    local named = {}
    for i = 2, #glance.head do named[ticked(glance.head[i])[1]] = true end
    for name in pairs(providers) do assert.is_true(named[name], name) end
  end)

  it("the kinds", function()
    local missing = {}
    for name in pairs(providers) do missing[name] = true end
    for _, cells in ipairs(find_tables("provider")[1].rows) do
      local name = ticked(cells[1])[1]
      assert.same(providers[name].kinds, ticked(cells[2]))
      missing[name] = nil
    end
    assert.same({}, missing)
  end)

  it("the data URIs", function()
    for _, cells in ipairs(find_tables("provider")[3].rows) do
      local name, limits = ticked(cells[1])[1], {}
      for class, most in cells[3]:gmatch("(%l+) (%d+)") do limits[class] = tonumber(most) end
      local media = providers[name].media
      if type(media) == "function" then media = media("image_to_video", { format = "official" }) end
      assert.same(media, limits, name)
      local file = setmetatable({ path = "a.png" }, { __name = "runway.file" })
      local request = providers[name].submit("image_to_video", { prompt_image = { { uri = file } }, ratio = "16:9",
        model = "gen4_turbo" })
      assert.equal(cells[4] == "refused", request == nil, name)
    end
  end)
end)

---------------------------------------------------------------------------------------------------

describe("docs/adapters.md", function()
  local text = content "docs/adapters.md"
  local meta = content "types/adapter.lua"

  it("explains every part of the classes that editors know", function()
    local class
    for line in meta:gmatch("[^\n]+") do
      class = line:match("^%-%-%-@class (%S+)") or class
      local field = line:match("^%-%-%-@field ([%w_]+)")
      if field and class ~= "runway.Params" then
        assert.is_truthy(text:find("`" .. field .. "`", 1, true) or text:find("[`{, ]" .. field .. "[ ,=`}(]"),
          class .. "." .. field)
      end
    end
  end)

  it("shows Lua that compiles", function()
    local count = 0
    for code in text:gmatch("```lua\n(.-)```") do
      count = count + 1
      assert(load(code) or load("return {" .. code .. "}"), "example " .. count)
    end
    assert.is_true(count >= 3)
  end)
end)

describe("the example of a user's own adapter", function()
  it("is at most sixty lines, and runs", function()
    local _, lines = content("examples/own_adapter.lua"):gsub("\n", "")
    assert.is_true(lines <= 60)
    local pipe = assert(io.popen(("%s %s examples/own_adapter.lua 2>&1"):format(child.paths(), lua)))
    assert.equal("task 7 SUCCEEDED (reelhouse)\thttps://files.reelhouse.example/7.mp4\n", pipe:read "a")
    pipe:close()
  end)
end)

describe("what is typed in a checkout that was built", function()
  -- The lines that a text has for it, under this Lua.
  local function typed(text)
    local line = assert(text:match "(export LUA_PATH=[^\n]*)", "no line for a checkout")
    local own = (os.getenv "RUNWAY_BUILD" or "build"):gsub("^([^/])", "$PWD/%1")
    return (line:gsub("$PWD/build/", function() return own .. "/" end))
  end

  local function run(before, script)
    local pipe = assert(io.popen(("unset LUA_PATH LUA_CPATH; %s; %s %s 2>&1"):format(before, lua, script)))
    local said = pipe:read "a"
    return pipe:close(), said
  end

  it("lets a script find runway, as the README and the examples say", function()
    local file = "examples/own_adapter.lua"
    for _, path in ipairs { "README.md", "examples/first_clip.lua", "docs/embedding.md" } do
      assert.is_true(run(typed(content(path)), file))
    end
    assert.is_nil((run("true", file)))
    for _, example in ipairs { file, "examples/first_clip.lua" } do
      assert.matches("lua5.4 " .. example, content(example), 1, true)
    end
  end)
end)

describe("a script of the README's that is run twice", function()
  -- Each example in a directory of its own, at a sandbox; what was paid for, and what was said.
  local PROGRAM = [[
    local sandbox = assert(require "runway.sandbox".start { seconds = 0 })
    local runway = require "runway"
    local new, names = runway.client, {}
    runway.client = function(options)
      options.base_url, options.api_key, options.poll_interval = sandbox.base_url, "key_0123456789", 0.01
      return new(options)
    end
    client, prompts = runway.client { provider = "runwayml" }, { "a cat", "a dog" }
    _G.runway = runway
    local chunk = assert(load(io.read "a"))
    for _ = 1, 2 do
      local said = {}
      print = function(...)
        for i = 1, select("#", ...) do said[#said + 1] = tostring((select(i, ...))) end
      end
      local ok, err = pcall(chunk)
      local paid = 0
      for _, request in ipairs(sandbox.requests) do paid = paid + (request.method == "POST" and 1 or 0) end
      io.write(paid, " ", ok and "" or tostring(err), " ", table.concat(said, " "):gsub("\n", " "), "\n")
    end
  ]]
  local examples = {}
  for code in content "README.md":gmatch("```lua\n(.-)```") do
    if code:find("generate {", 1, true) and code:find("download", 1, true) then examples[#examples + 1] = code end
  end

  it("pays once, and says why it does not again, or with a journal goes on where it was", function()
    assert.equal(3, #examples)
    for _, code in ipairs(examples) do
      local here = scratch.new()
      local picture = assert(io.open("examples/lighthouse.png", "rb"))
      here:write("lighthouse.png", picture:read "a")
      picture:close()
      here:write("example.lua", code)
      local said = child.run("io.input 'example.lua'\n" .. PROGRAM, { before = ("cd '%s';"):format(here.directory) })
      local first, second = said:match "^([^\n]*)\n([^\n]*)$"
      local paid = first and first:match "^(%d+) "
      assert.truthy(paid and tonumber(paid) > 0, said)
      assert.is_nil(first:find("exists", 1, true), said)
      assert.equal(paid, second:match "^%d+", said)
      if code:find("journal", 1, true) then
        assert.truthy(second:find("^%d+ *$"), said)
      else
        assert.truthy(second:find("exists", 1, true), said)
      end
      here:remove()
    end
  end)
end)

describe("the README names", function()
  local text = content "README.md"

  -- As the contract lists them.
  local NAMES = {
    module = { "client", "providers", "file", "null", "spawn", "run", "step", "sleep", "all", "pollfd", "events",
      "timeout", "mock", "journal", "preload", "_VERSION" },
    client = { "generate", "image_to_video", "text_to_video", "video_to_video", "text_to_image", "video_upscale",
      "image_upscale", "character_performance", "sound_effect", "speech_to_speech", "text_to_speech",
      "video_to_hdr", "voice_dubbing", "voice_isolation",
      "task", "get", "cancel", "upload", "credits", "supports", "request", "estimate", "spent",
      "read_callback", "close" },
    task = { "id", "provider", "kind", "status", "progress", "output", "failure", "failure_code", "created_at",
      "cost", "estimated_cost", "raw", "wait", "refresh", "download", "download_all", "cancel", "done" },
    job = { "join", "cancel", "done" },
    error = { "kind", "message", "field", "provider", "http_status", "code", "retryable", "sent", "retry_after",
      "request_id", "attempts", "task", "task_id", "body", "traceback" },
    journal = { "entries", "get", "settle", "totals", "close", "key", "state", "path", "bytes", "credits", "error",
      "estimated_credits", "error_code", "request", "queued", "submitting", "submitted", "downloading", "done",
      "failed", "unknown" },
  }

  local function names(what, name)
    if what == "module" then return text:find("runway." .. name, 1, true) end
    return text:find("%f[%w_]" .. name .. "%f[^%w_]")
  end

  for what, list in pairs(NAMES) do
    it("every name of a " .. what, function()
      for _, name in ipairs(list) do assert.is_truthy(names(what, name), what .. " " .. name) end
    end)
  end

  it("nothing that is not there", function()
    for _, name in ipairs(NAMES.module) do assert.is_not_nil(runway[name], name) end
    for name in text:gmatch("`runway%.([%l_]+)[%(`]") do assert.is_not_nil(runway[name], name) end
    local client = assert(runway.client { api_key = "k" })
    for name in text:gmatch("client:([%l_]+)") do assert.is_function(client[name], name) end
    for _, name in ipairs(NAMES.client) do assert.is_function(client[name], name) end
    local journal = require "spec.support.journals"
    journal.setup()
    local j = journal.open()
    for name in text:gmatch("journal:([%l_]+)") do assert.is_function(j[name], name) end
    journal.teardown()
    local task = client:task "t-1"
    for name in text:gmatch("task:([%l_]+)") do assert.is_function(task[name], name) end
    for _, name in ipairs { "wait", "refresh", "download", "download_all", "cancel", "done" } do
      assert.is_function(task[name], name)
    end
  end)
end)
