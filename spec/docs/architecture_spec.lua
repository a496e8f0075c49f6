-- docs/architecture.md draws the rooms in layers, top to bottom. Here the rooms that are there and what
-- they name are read from the code and held against that picture: a room may name lower ones only.

local content = require "spec.support.content"

local PAGE = "docs/architecture.md"

local function files(command)
  local list, pipe = {}, assert(io.popen(command .. " | LC_ALL=C sort"))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

-- The picture of one language: room -> the line it stands on (1 is the top).
local function picture(language)
  local drawing = content(PAGE):match("\n```layers " .. language .. "\n(.-)\n```")
  assert(drawing, PAGE .. " has no picture of the layers of " .. language)
  local layers, line_number = {}, 0
  for line in (drawing .. "\n"):gmatch "([^\n]*)\n" do
    local rooms = line:match "^[^|]*"
    if rooms:find "%S" then
      line_number = line_number + 1
      for room in rooms:gmatch "%S+" do
        assert(not layers[room], room .. " stands twice in the picture")
        layers[room] = line_number
      end
    end
  end
  return layers
end

-- "lua/runway/mock/exchange.lua" is the room exchange of the subsystem mock.
local function lua_rooms()
  local rooms = {}
  for _, path in ipairs(files "find lua -name '*.lua'") do
    local name = path:match "^lua/runway/(.*)%.lua$":gsub("/init$", ""):gsub("/", ".")
    local folder = path:match "^lua/runway/([^/]+)/"
    rooms[name] = { path = path, place = folder or name, folder = folder }
  end
  -- Written in C, beside the core: see src/runway.c.
  for _, name in ipairs { "core", "json", "listener", "postgresql", "sqlite" } do rooms[name] = { place = name } end
  return rooms
end

-- Every room named in a Lua file: in require, whether at the top or where it is first needed.
local function named_in(path)
  local names = {}
  for line in content(path):gmatch "[^\n]+" do
    local code = line:gsub("%-%-.*$", "")
    for name in code:gmatch "require[%s%(]+\"runway%.([%w_.]+)\"" do names[#names + 1] = name:gsub("%.$", "") end
    for name in code:gmatch "pcall%(require, \"runway%.([%w_.]+)\"" do names[#names + 1] = name end
  end
  return names
end

describe("docs/architecture.md", function()
  describe("the Lua rooms", function()
    local layers, rooms = picture "lua", lua_rooms()

    it("draws every room that is there, and none that is not", function()
      local there = {}
      for _, room in pairs(rooms) do
        there[room.place] = true
        assert.truthy(layers[room.place], room.place .. " is not in the picture")
      end
      for place in pairs(layers) do assert.truthy(there[place], place .. " is drawn, but not there") end
    end)

    for name, room in pairs(rooms) do
      if room.path then
        it("names only lower rooms: " .. name, function()
          for _, other in ipairs(named_in(room.path)) do
            local target = rooms[other]
            assert.truthy(target, name .. " names " .. other .. ", which is no room")
            if target.place ~= room.place then
              assert.is_true(layers[room.place] < layers[target.place],
                ("%s names %s, which stands no lower"):format(name, other))
              assert.is_true(target.folder == nil or other == target.folder or room.path:find "^lua/runway/providers/",
                ("%s names %s past its folder's face"):format(name, other))
            end
          end
        end)
      end
    end

    it("sees a room that climbs", function()     -- so that the two above can fail
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write 'local a = require "runway.client" -- require "runway.no"\nlocal b = require("runway.task")\n'
      file:close()
      local names = named_in(path)
      os.remove(path)
      assert.same({ "client", "task" }, names)
    end)
  end)

  describe("the C rooms", function()
    local layers = picture "c"

    local function included_in(path)
      local names = {}
      for name in content(path):gmatch "\n#include \"([%w_]+)%.h\"" do names[#names + 1] = name end
      return names
    end

    -- Files that share the name of a face are one subsystem, as a folder is in Lua.
    local function place_of(name)
      return name:match "^listener" or name:match "^store" or name:match "^lua_json" or name
    end

    local rooms = {}
    for _, path in ipairs(files "find src -name '*.[ch]'") do rooms[place_of(path:match "([%w_]+)%.[ch]$")] = true end

    it("draws every room that is there, and none that is not", function()
      for room in pairs(rooms) do assert.truthy(layers[room], room .. " is not in the picture") end
      for room in pairs(layers) do assert.truthy(rooms[room], room .. " is drawn, but not there") end
    end)

    for _, path in ipairs(files "find src -name '*.[ch]'") do
      local room = place_of(path:match "([%w_]+)%.[ch]$")
      it("includes only lower rooms: " .. path, function()
        for _, other in ipairs(included_in(path)) do
          other = place_of(other)
          if other ~= room then
            assert.is_true((layers[room] or 0) < (layers[other] or 0),
              ("%s includes %s.h, which stands no lower"):format(path, other))
          end
        end
      end)
    end
  end)
end)
