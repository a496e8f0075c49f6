-- What editors are told of the public functions, held against what these take: a name in types/ that no function
-- knows, and one that a function takes and no editor shows, both fail here.

local adapters = require "spec.support.adapters"
local content = require "spec.support.content"
local contract = require "runway.contract"
local journals = require "spec.support.journals"
local json = require "runway.json"
local listener = require "runway.listener"
local mocked = require "spec.support.mocked"
local names = require "spec.support.names"
local order = require "runway.order"
local params = require "runway.params"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local shape = require "runway.conformance.shape"
local types = dofile "tools/types.lua"

---------------------------------------------------------------------------------------------------
-- What the annotations say

-- class -> { fields = { name = true }, parents = { … }, open = has it [string] }; alias -> its text
local classes, aliases = {}, {}

local function read(path)
  local class, alias
  for line in (content(path) .. "\n"):gmatch "([^\n]*)\n" do
    local name, parents = line:match "^%s*%-%-%-@class ([%w_.]+):? ?([%w_., ]*)"
    local new_alias, text = line:match "^%-%-%-@alias ([%w_.]+) ?(.*)$"
    if name then
      class, alias = classes[name] or { fields = {}, parents = {} }, nil
      classes[name] = class
      if line:find(":", #name + 10, true) then
        for parent in parents:gmatch "[%w_.]+" do class.parents[#class.parents + 1] = parent end
      end
    elseif new_alias then
      class, alias = nil, new_alias
      aliases[alias] = text
    elseif alias and line:find "^%-%-%-|" then
      aliases[alias] = aliases[alias] .. line:sub(4)
    elseif class and line:find "^%-%-%-@field" then
      local field = line:gsub("^%-%-%-@field ", ""):gsub("^package ", ""):match "^([%w_]+)%??%s"
      if field then class.fields[field] = true end
    elseif not line:find "^%-%-%-" then
      class, alias = nil, nil
    end
  end
end

do
  local pipe = assert(io.popen "find types lua -name '*.lua' | LC_ALL=C sort")
  for path in pipe:lines() do read(path) end
  pipe:close()
end

local function fields_of(name)
  local class = assert(classes[name], "there is no class " .. name)
  local all = {}
  for _, parent in ipairs(class.parents) do
    for field in pairs(fields_of(parent)) do all[field] = true end
  end
  for field in pairs(class.fields) do all[field] = true end
  return all
end

local function quoted(text)
  local set = {}
  for word in text:gmatch '"([%w_]+)"' do set[word] = true end
  return set
end

---------------------------------------------------------------------------------------------------
-- What the functions take

local ODD = "zzzzzzzzzzzzzzzzzzzzzzzzzz"       -- near to no name

-- The names that a function knows, as it tells them to who gives one that it does not.
local function known_by(call)
  local ok, message = pcall(call, { [ODD] = 1 })
  assert(not ok, "an odd name was taken")
  local set = {}
  for name in assert(tostring(message):match "%(known: ([%w_, ]+)%)", message):gmatch "[%w_]+" do set[name] = true end
  return set
end

local function upvalue(fn, wanted)
  for i = 1, math.huge do
    local name, value = debug.getupvalue(fn, i)
    if name == wanted then return value end
    assert(name, "it has no " .. wanted .. " any more")
  end
end

describe("types/ has every option, and none that is not there, of", function()
  local client, task, journal

  setup(function()
    journals.setup()
    journal = journals.open()
    client = mocked.client {}
    task = client:task "t1"
  end)
  teardown(function()
    mocked.close()
    journals.teardown()
  end)

  for class, call in pairs {
    ["runway.Options"] = function(o) return runway.client(o) end,
    ["runway.WaitOptions"] = function(o) return task:wait(o) end,
    ["runway.DownloadOptions"] = function(o) return task:download("a.mp4", o) end,
    ["runway.DownloadAllOptions"] = function(o) return task:download_all(".", o) end,
    ["runway.RequestOptions"] = function(o) return client:request(o) end,
    ["runway.EntriesOptions"] = function(o) return journal:entries(o) end,
    ["runway.Settlement"] = function(o) return journal:settle("a", o) end,
    ["runway.mock.Entry"] = function(o) return runway.mock { o } end,
    ["runway.CallbackOptions"] = function(o) return runway.listener(o) end,
  } do
    it(class, function()
      names(known_by(call), fields_of(class), "types/, class " .. class .. ",")
    end)
  end

  it("a sandbox", function()
    local check = upvalue(sandbox.start, "check_options")
    names(upvalue(check, "OPTIONS"), fields_of "runway.sandbox.StartOptions",
      "types/, class runway.sandbox.StartOptions,")
  end)

  it("a listener, and its answers", function()
    local source = content "src/lua_listener.c"
    names(quoted(source:match "static void read_options.-names%[%] = {(.-)}"),
      fields_of "runway.ListenerAnswer", "types/, class runway.ListenerAnswer,")
    names(quoted(source:match "static int listener_listen.-names%[%] = {(.-)}"),
      fields_of "runway.ListenOptions", "types/, class runway.ListenOptions,")
    local l = listener.listen()
    for name in pairs(getmetatable(l).__index) do
      assert.truthy(content "types/listener.lua":find("function Listener:" .. name .. "(", 1, true), name)
    end
    l:close()
  end)

  it("a submit", function()
    local known, said = {}, fields_of "runway.Submit"
    for name in pairs(fields_of "runway.ResellerParams") do said[name] = nil end
    for _, name in ipairs(order.KNOWN) do
      if not name:find "%u" then known[name] = true end -- else the API's own spelling of another
    end
    names(known, said, "types/, class runway.Submit,")
  end)
end)

describe("types/ knows", function()
  it("what each kind of task takes, as the adapters know it", function()
    assert.equal(types.text(), content "types/params.lua",
      "run: LUA_PATH='./lua/?.lua;./lua/?/init.lua;;' lua5.4 tools/types.lua types/params.lua")
    local client = mocked.client {}
    for _, kind in ipairs(types.kinds()) do
      assert.is_function(client[kind], kind)
      assert.truthy(classes[types.class_of(kind)], kind)
      assert.is_true(classes["runway.Client"].fields[kind], kind)
    end
    mocked.close()
  end)

  it("every parameter that some adapter knows by its name", function()
    for provider, adapter in pairs(runway.providers) do
      for field in pairs(adapter.names or {}) do
        local name, found = params.snake(field), false
        for _, kind in ipairs(types.kinds()) do
          found = found or fields_of(types.class_of(kind))[name]
        end
        assert.is_true(found, provider .. " " .. name)
      end
    end
  end)

  it("the kinds of errors", function()
    local kinds = quoted(aliases["runway.ErrorKind"])
    names(contract.KINDS, kinds, "types/, alias runway.ErrorKind,")
    local row = content "README.md":match "| `kind` | `([%l_ ]+)` |"
    local listed = {}
    for kind in row:gmatch "%S+" do listed[kind] = true end
    names(kinds, listed, "README.md, the row of `kind`,")
  end)

  it("the words of a task's status, and the states of a journal's entry", function()
    for status in pairs(quoted(aliases["runway.Status"])) do
      assert.is_nil(shape.fields { id = "1", status = status, output = status == "SUCCEEDED" and { "https://x.test/a" }
        or nil }, status)
    end
    names(contract.STATUSES, quoted(aliases["runway.Status"]), "types/, alias runway.Status,")
    local states = {}
    for _, name in ipairs(require("runway.journal.states").ALL) do states[name] = true end
    names(states, quoted(aliases["runway.State"]), "types/, alias runway.State,")
  end)

  it("what an adapter is made of, and what it gives", function()
    local adapter = {}
    for _, part in ipairs(contract.PARTS) do adapter[part[1]] = true end
    names(adapter, fields_of "runway.Adapter", "types/, class runway.Adapter,")
    for name in pairs(adapters.own()) do assert.is_true(adapter[name], name) end
    for _, known in ipairs { contract.REQUEST, upvalue(shape.request, "REQUEST") } do
      names(known, fields_of "runway.AdapterRequest", "types/, class runway.AdapterRequest,")
    end
    for _, known in ipairs { contract.TASK, upvalue(shape.fields, "FIELDS") } do
      names(known, fields_of "runway.TaskFields", "types/, class runway.TaskFields,")
    end
    names(upvalue(shape.problem, "PROBLEM"), fields_of "runway.Problem", "types/, class runway.Problem,")
  end)

  it("every class that an annotation names", function()
    local pipe = assert(io.popen
      "grep -rhoE 'runway\\.[A-Za-z_.]*[A-Z][A-Za-z]*' types lua --include='*.lua' | sort -u")
    local unknown = {}
    for name in pipe:lines() do
      if not classes[name] and not aliases[name] then unknown[#unknown + 1] = name end
    end
    pipe:close()
    names({}, unknown, "an annotation in types/ or lua/")
  end)
end)

---------------------------------------------------------------------------------------------------
-- Every public function says what it takes and gives

-- Those that give nothing.
local SILENT = { assert_ok = true, cancel = "mock:cancel", close = true, finish = true, loop = true, sleep = true }

-- The annotations above a function that is defined at this line, and its head.
local function above(lines, at)
  local first = at
  while first > 1 and lines[first - 1]:find "^%s*%-%-" do first = first - 1 end
  return table.concat(lines, "\n", first, at - 1), lines[at]
end

local function complain(name, doc, head, complaints)
  for param in (head:match "%((.-)%)" or ""):gmatch "[%w_.]+" do
    if not doc:find("@param " .. param:gsub("%.", "%%.") .. "%??%s") then
      complaints[#complaints + 1] = name .. " has no @param " .. param
    end
  end
  local silent = SILENT[name:match "[%w_]+$"]
  if silent ~= true and silent ~= name and not doc:find "@return" then
    complaints[#complaints + 1] = name .. " has no @return"
  end
end

local function lines_of(path)
  local lines = {}
  for line in (content(path) .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

describe("every public function has its @param and @return:", function()
  it("the methods", function()
    local kinds, complaints = {}, {}
    for _, kind in ipairs(types.kinds()) do kinds[kind] = true end
    for what, class in pairs {
      client = getmetatable(mocked.client {}).__index, task = require("runway.task").Task,
      job = require("runway.job").Job, journal = upvalue(require("runway.journal").open, "open")
        and upvalue(upvalue(require("runway.journal").open, "open"), "Journal"),
      mock = getmetatable(runway.mock {}).__index, store = upvalue(require("runway.store").open, "Store"),
    } do
      for name, method in pairs(class) do
        if type(method) == "function" and not name:find "^__" and not kinds[name] then
          local info = debug.getinfo(method, "S")
          local doc, head = above(lines_of(info.short_src), info.linedefined)
          complain(what .. ":" .. name, doc, head, complaints)
        end
      end
    end
    mocked.close()
    table.sort(complaints)
    assert.same({}, complaints)
  end)

  it("those of the rooms that users require", function()
    local complaints = {}
    for _, room in ipairs {
      "conformance", "fields", "files", "ids", "params", "progress", "sandbox", "store", "text",
    } do
      for name, fn in pairs(require("runway." .. room)) do
        local info = type(fn) == "function" and debug.getinfo(fn, "S")
        -- what another room lends has its annotations there
        if info and info.short_src:gsub("/init%.lua$", ".lua"):find("/" .. room .. ".lua", 1, true) then
          local doc, head = above(lines_of(info.short_src), info.linedefined)
          complain(room .. "." .. name, doc, head, complaints)
        end
      end
    end
    table.sort(complaints)
    assert.same({}, complaints)
  end)

  it("those of runway.json and runway.listener, which are C", function()
    local complaints = {}
    for room, module in pairs { json = json, listener = listener } do
      local lines, path = lines_of("types/" .. room .. ".lua"), "types/" .. room .. ".lua"
      for name, v in pairs(module) do
        local found = type(v) ~= "function" and content(path):find("@field " .. name .. " ", 1, true) ~= nil
        for i, line in ipairs(lines) do
          if line:find("function " .. room .. "." .. name .. "(", 1, true) then
            complain(room .. "." .. name, above(lines, i), line, complaints)
            found = true
          end
        end
        if not found then complaints[#complaints + 1] = room .. "." .. name end
      end
    end
    assert.same({}, complaints)
  end)

  it("those of the module, which types/runway.lua names", function()
    local lines, complaints = lines_of "types/runway.lua", {}
    for name in content "src/runway.c":gmatch '{"([%l_]+)", "runway%.[%l_.]+", [%w"]' do
      local found = content "types/runway.lua":find("@field " .. name .. " ", 1, true) ~= nil
      for i, line in ipairs(lines) do
        if line:find("^function runway%." .. name .. "%(") then
          complain("runway." .. name, above(lines, i), line, complaints)
          found = true
        end
      end
      if not found then complaints[#complaints + 1] = "runway." .. name end
    end
    assert.same({}, complaints)
  end)
end)

it("an editor finds them: .luarc.json", function()
  local settings = assert(json.decode(content ".luarc.json"))
  assert.equal("types", settings["workspace.library"][1])
  assert.equal("Lua 5.4", settings["runtime.version"])
end)
