-- An option of runway.client is named in several places, as CONTRIBUTING.md says: one that is forgotten in any of them
-- fails here. spec/docs/types_spec.lua holds types/ to the same names.

local account = require "runway.cli.account"
local commands = require "runway.cli.commands"
local content = require "spec.support.content"
local mocked = require "spec.support.mocked"
local names = require "spec.support.names"
local options = require "runway.options"
local report = require "runway.cli.report"
local runway = require "runway"

-- As the client tells them to who gives one that it does not know.
local function known()
  local _, message = pcall(runway.client, { zzzzzzzzzzzzzzzzzzzz = 1 })
  local list = {}
  for name in assert(tostring(message):match "%(known: ([%w_, ]+)%)"):gmatch "[%w_]+" do list[#list + 1] = name end
  return list
end

-- The command's options of those names: { timeout = true, … }; of one command, or of all that work with an account.
local OWN = { timeout = true }                -- of a wait

local function of_command(only)
  local client, found = {}, {}
  for _, name in ipairs(known()) do client[name] = not OWN[name] end
  for _, command in ipairs(commands.commands) do
    if not only or command[1] == only then
      for _, option in ipairs(command.options or {}) do
        local name = option[1]:match "%-%-(.*)$":gsub("-", "_")
        if client[name] and command[1] ~= "sandbox" then found[name] = true end
      end
    end
  end
  return found
end

describe("each option of runway.client", function()
  it("is read when a client is made", function()
    local read, check = {}, options.check
    options.check = function(given)
      return setmetatable({}, { __index = function(_, name)
        read[name] = true
        return given[name]
      end })
    end
    local ok, client = pcall(runway.client, { api_key = mocked.KEY, base_url = "http://127.0.0.1:1" })
    options.check = check
    assert(ok and client, client)
    for _, name in ipairs(known()) do assert(read[name], "nothing reads the option " .. name) end
  end)

  it("has its row in the README's table, and nothing else has", function()
    local section = content "README.md":match "\n## Options of `runway%.client`\n(.-)\n## "
    local rows = {}
    for cell in section:gmatch "\n| (`[^|]*) |" do
      for name in cell:gmatch "`([%w_]+)`" do rows[#rows + 1] = name end
    end
    names(known(), rows, "README.md, the table of options of runway.client,")
  end)
end)

describe("each option of the command that is the client's", function()
  it("reaches the client", function()
    local args, given = { pins = { { name = "a.test:443", address = "127.0.0.1" } } }, nil
    for name in pairs(of_command()) do args[name] = args[name] or { name } end
    args.provider, args.resolve = "runwayml", nil
    local new = rawget(runway, "client")
    runway.client = function(o) given = o end
    account.open(args, {})
    runway.client = new
    for name in pairs(of_command()) do
      if name == "resolve" then
        assert.same({ ["a.test:443"] = "127.0.0.1" }, given.resolve)
      elseif name == "provider" then
        assert.equal(runway.providers[args.provider], given.provider)
      else
        assert(args[name] == given[name], "lua/runway/cli/account.lua does not hand on --" .. name:gsub("_", "-"))
      end
    end
  end)

  it("goes along with the task that is gone on with", function()
    local args = { command = "generate", pins = { { name = "a.test:443", address = "127.0.0.1" } } }
    local needed = of_command "task"
    needed.poll_interval = nil                -- how often is asked changes nothing of what comes
    for name in pairs(needed) do args[name] = name end
    local said = report.to_go_on(args, "t-1")
    for name in pairs(needed) do
      local option = "--" .. name:gsub("_", "-")
      assert(said:find(option .. " ", 1, true), "lua/runway/cli/report.lua leaves out " .. option .. ": " .. said)
    end
  end)

  it("is in what the README says of the command", function()
    local section = content "README.md":match "\n## The command\n(.-)\n## "
    for name in pairs(of_command()) do
      local option = "--" .. name:gsub("_", "-")
      assert(section:find(option, 1, true), "README.md, The command, lacks: " .. option)
    end
  end)
end)
