-- Which adapter is meant, where a script gives none: RUNWAY_PROVIDER may name one that is built in, a file or a module.

local adapters = require "spec.support.adapters"
local child = require "spec.support.child"
local mocked = require "spec.support.mocked"
local provider = require "runway.provider"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local MINE = [[
  return {
    name = "mine", base_url = "https://mine.example", env = { api_key = "MINE_KEY" }, kinds = { "text_to_video" },
    submit = function() end, accepted = function() end, query = function() return { path = "/x" } end,
    task = function() end,
  }
]]

describe("runway.provider", function()
  local here, path, getenv, environment

  before_each(function()
    here, path, getenv, environment = scratch.new(), package.path, os.getenv, {}
    package.path = here.directory .. "/?.lua;" .. path
    os.getenv = function(name) return environment[name] end -- luacheck: ignore 122
  end)
  after_each(function()
    package.path, os.getenv = path, getenv    -- luacheck: ignore 122
    for _, name in ipairs { "my_own_adapter", "my_own_other" } do package.loaded[name] = nil end
    here:remove()
  end)

  it("is that of the environment for a script, as for the command: a file, or a module", function()
    here:write("my_own_adapter.lua", MINE)
    environment.MINE_KEY = mocked.KEY
    for _, name in ipairs { "my_own_adapter", here:path "my_own_adapter.lua" } do
      environment.RUNWAY_PROVIDER = name
      local client = assert(runway.client())
      assert.equal("mine", client.provider)
      client:close()
      local made, err, word = provider.of(nil)
      assert.is_nil(err)
      assert.same({ "mine", name }, { made.name, word })
    end
    environment.RUNWAY_PROVIDER = "qimu"
    assert.equal("qimu", provider.of(nil).name)
    for _, nothing in ipairs { "", false } do
      environment.RUNWAY_PROVIDER = nothing or nil
      assert.equal("runwayml", provider.of(nil).name)
    end
  end)

  it("is no file or module by what a script or a list says, which may come from anywhere", function()
    local touched = here:path "touched"
    here:write("my_own_adapter.lua", ("io.open(%q, 'w'):close() "):format(touched) .. MINE)
    for _, name in ipairs { "my_own_adapter", here:path "my_own_adapter.lua" } do
      local client, err = runway.client { provider = name, api_key = "k12345" }
      assert.is_nil(client)
      assert.matches("unknown provider", err.message, 1, true)
    end
    assert.is_nil(io.open(touched))
  end)

  it("says what is wrong with one of the user's own, what it gave, and who named it", function()
    for source, said in pairs {
      ["local a = 1"] = " returns nothing; it must return the adapter, a table (is `return` missing at its end?)",
      ["return 5"] = " returns the number 5; it must return the adapter, a table",
      ["return 'mine'"] = ' returns the string "mine"; it must return the adapter, a table',
      ["return { name = 'x' }"] = ": the adapter x has no kinds; it must be a list of the kinds it offers",
      ["error 'oops'"] = "oops", ["return {"] = ":1: ",
    } do
      local file = here:write("my_own_other.lua", source)
      for name, where in pairs { [file] = file, my_own_other = "the module my_own_other" } do
        package.loaded.my_own_other, environment.RUNWAY_PROVIDER = nil, name
        local client, err = runway.client { api_key = "k12345" }
        assert.is_nil(client)
        assert.same({ "config", "no" }, { err.kind, err.sent })
        assert.equal("RUNWAY_PROVIDER: " .. where, err.message:sub(1, #"RUNWAY_PROVIDER: " + #where), err.message)
        assert.truthy(err.message:find(said, 1, true), err.message)
        package.loaded.my_own_other = nil
        assert.equal(where, select(2, provider.named(name)).message:sub(1, #where)) -- named by --provider
      end
    end
    environment.RUNWAY_PROVIDER = "none/at_all.lua"
    assert.matches("^RUNWAY_PROVIDER: none/at_all.lua: No such file", select(2, provider.of(nil)).message)
    environment.RUNWAY_PROVIDER = "cometapii"
    assert.matches('^RUNWAY_PROVIDER: unknown provider "cometapii" %(did you mean cometapi%?%)',
      select(2, provider.of(nil)).message)
  end)

  it("is not the library itself, and leaves a name alone that no module has", function()
    for _, name in ipairs { "runway", "no_module_has_this_name", "a b" } do
      local made, err = provider.named(name)
      assert.is_nil(made)
      assert.matches("unknown provider", err.message, 1, true)
    end
  end)

  it("in a file is given to a client as its table, and that is said how", function()
    local _, err = provider.of "./mine.lua"
    assert.matches('; an adapter in a file is given to a client as its table: provider = dofile "./mine.lua"',
      err.message, 1, true)
  end)

  it("needs neither files nor modules where a host has none", function()
    local code = [[
      local provider = require "runway.provider"
      require "runway.providers"
      loadfile, package = nil, nil
      print(provider.named("./mine.lua"), select(2, provider.named "./mine.lua").message)
      print(provider.named("cometapi").name, select(2, provider.named "some.module").kind)
    ]]
    assert.equal("nil\t./mine.lua: no file can be run here\ncometapi\tconfig",
      (child.run(code):gsub("^nil\tconfig: [^\t]*\t", "nil\t"):gsub("\nnil\t[^\n]*", "")))
  end)

  it("tells the command how to find the account again, by what the environment named", function()
    here:write("my_own_adapter.lua", MINE)
    environment.MINE_KEY, environment.RUNWAY_PROVIDER = mocked.KEY, "my_own_adapter"
    local sessions = require "runway.client"
    local named = assert(runway.client())
    local given = assert(runway.client { provider = adapters.own(), api_key = "k12345" })
    assert.equal("--provider my_own_adapter", sessions.session_of(named).account)
    assert.is_false(sessions.session_of(given).account)
  end)
end)
