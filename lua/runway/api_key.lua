-- api_key.lua: where an account's key comes from, and what is wrong with one that can be none.
--
-- A key is given as it is, or as a function that is asked for it before each call; else a variable of the
-- environment holds it, or a sibling of that variable (…_FILE) names a file that does. No message holds one, nor
-- the name of such a file: who mistakes the two variables has put the key there.

local guard = require "runway.guard"
local shown = require "runway.shown"
local text = require "runway.text"

local api_key = {}

--- An environment variable that is set to something.
---@param name string|nil
---@return string|nil
function api_key.environment(name)
  local value = name and os and os.getenv and os.getenv(name)
  return value and value ~= "" and value or nil
end
local environment = api_key.environment

--------------------------------------------------------------------- what no key is

local QUOTED = "stands in quotes; give it without them (some readers of env files leave them there)"

-- What a key cannot hold, and how that came to be there.
local FAULTS = {
  { "^[ \t-\r]+$", "is empty but for spaces" },
  { "%z", "holds a zero byte (was it saved as UTF-16?)" },
  { "^\239\187\191", "begins with a byte order mark; save the file it comes from without one" },
  { "[Bb][Ee][Aa][Rr][Ee][Rr][ \t]", 'stands behind the word "Bearer"; give it without' },
  { "^[\"'`]", QUOTED }, { "[\"'`][ \t-\r]*$", QUOTED },
  { "^\226\128[\152-\159]", QUOTED }, { "^\194\171", QUOTED }, -- typographic ones
  { "[^ \t-\r][\n\r]+[ \t]*[^ \t-\r]", "has a line break inside; a key is one line" },
  { "[ \t-\r]", "holds a space or a line break (was it read from a file with the newline at its end?)" },
  { "[\1-\31\127]", "holds a control character" },
  { "[\128-\255]", "holds characters that no key has" },
  { "^%${?[A-Za-z_][A-Za-z0-9_]*}?$", "is the name of a variable, and not what is in it" },
}

local function fault_of(key, variable)
  for _, fault in ipairs(FAULTS) do
    if key:find(fault[1]) then return fault[2] end
  end
  if variable and key:sub(1, #variable + 1) == variable .. "=" then
    return "begins with the variable's name; give only what stands behind the ="
  end
  return nil
end

local function checked(key, variable, where)
  local fault = fault_of(key, variable)
  if fault then return nil, ("the API key%s %s"):format(where, fault) end
  return key, nil, where == "" and "the option api_key" or where:gsub("^ in ", "")
end

--------------------------------------------------------------------- names that are nearly right

-- How such a variable's name may end, and what the name of a provider may lack before that.
local ENDINGS = { "_API_KEY", "_API_SECRET", "_API_TOKEN", "_SECRET_KEY", "_APIKEY", "_KEY", "_SECRET", "_TOKEN" }
local DROPPED = { "ML$", "API$", "AI$" }

-- The beginnings that a variable's name may be given: its own, parts of it, and the provider's name.
local function stems_of(name, variable)
  local own = variable
  for _, ending in ipairs(ENDINGS) do
    if #own == #variable and own:sub(-#ending) == ending then own = own:sub(1, -#ending - 1) end
  end
  local stems = { own }
  for _, ending in ipairs(DROPPED) do
    if own:find("." .. ending) then stems[#stems + 1] = own:gsub(ending, "") end
  end
  stems[#stems + 1] = own:match "^(.-)_"
  stems[#stems + 1] = own:match ".*_(.-)$"
  stems[#stems + 1] = text.upper(name):gsub("[^A-Z0-9]", "_")
  return stems
end

--- Variables that are set and were meant, so it seems, for this one.
---@param name string       of the provider
---@param variable string
---@return string[]
function api_key.near(name, variable)
  local found, looked = {}, { [variable] = true }
  local function look(candidate, sibling)
    for _, each in ipairs { candidate, candidate .. sibling } do
      if not looked[each] and environment(each) then found[#found + 1] = each end
      looked[each] = true
    end
  end
  for _, stem in ipairs(stems_of(name, variable)) do
    for _, ending in ipairs(ENDINGS) do look(stem .. ending, "_FILE") end
  end
  look(text.lower(variable), "_file")
  return found
end

-- How the name of a variable for an address may end.
local ADDRESSES = { "_BASE_URL", "_API_BASE_URL", "_API_BASE", "_API_URL" }

--- What is to be known of a variable that is set, seems to be meant for a provider's address, and is not read; nil:
--- there is none.
---@param name string           of the provider
---@param env? table            the adapter's names of variables
---@return string|nil
function api_key.unread_address(name, env)
  env = env or {}
  if environment(env.base_url) then return nil end
  for _, stem in ipairs(stems_of(name, env.api_key or "")) do
    for _, ending in ipairs(stem ~= "" and ADDRESSES or {}) do
      if environment(stem .. ending) then
        return ("%s is set and is not read: %s"):format(stem .. ending, env.base_url and "the name here is "
          .. env.base_url or name .. " takes another address as base_url (--base-url) alone")
      end
    end
  end
  return nil
end

-- What helps where nothing was found.
local function absent(name, variable)
  if not variable then return "no API key: give api_key = …" end
  if not (os and os.getenv) then
    return "no API key: give api_key = … (without Lua's os library no environment variable can be read)"
  end
  local near, told = api_key.near(name, variable), ""
  if #near > 0 then
    local is_file = text.lower(near[1]):sub(-5) == "_file"
    told = ("; %s is set, but the name here is %s%s"):format(table.concat(near, ", "), variable,
      is_file and "_FILE" or "")
  end
  return ("no API key: set the environment variable %s or give api_key = … (%s_FILE may name a file that holds it)%s")
    :format(variable, variable, told)
end

--------------------------------------------------------------------- where it is

local LONGEST = 8192                          -- bytes of a file that holds a key

local function read(path)
  if not (io and io.open) then return nil, "cannot be read here: there is no io library" end
  local file, why = io.open(path, "rb")
  local said
  if file then
    said, why = file:read(LONGEST + 1)
    file:close()
  end
  if not said and why then return nil, "cannot be read: " .. (tostring(why):match ": ([^:]*)$" or tostring(why)) end
  said = (said or ""):match "^(.-)[ \t-\r]*$"
  if said == "" then return nil, "is empty" end
  if #said > LONGEST then return nil, "is longer than any key" end
  if said:find "[\n\r]" then return nil, "has several lines; it must hold the key and nothing else" end
  return said
end

local function from_file(path, variable)
  local key, why = read(path)
  if not key then
    return nil, ("the file that %s_FILE names %s (it takes the name of a file, not the key)"):format(variable, why)
  end
  return checked(key, variable, " in the file that " .. variable .. "_FILE names")
end

--- The key of an account: itself, or the function that gives it.
---@param name string            of the provider
---@param variable string|nil    where the environment has it
---@param given string|function|nil  the client's own
---@return string|function|nil
---@return string|nil why        there is none that can be used; no key is in it
---@return string|nil where      it was found, for people
function api_key.find(name, variable, given)
  if type(given) == "function" then return given, nil, "the function api_key" end
  if given and given ~= "" then return checked(given, variable, "") end
  local key = environment(variable)
  local path = variable and environment(variable .. "_FILE")
  if key and path then                        -- one of them pays: not the one that we like better
    return nil, ("%s and %s_FILE are both set; which account is meant? unset one of them"):format(variable, variable)
  end
  if path then return from_file(path, variable) end
  if not key then return nil, absent(name, variable) end
  return checked(key, variable, " in " .. variable)
end

--- For who sends nothing, and may have no key yet: what is asked for it, should a request be made all the same.
---@param name string            of the provider
---@param variable string|nil
---@return (fun(): nil, string)|nil   nil: there is one
function api_key.later(name, variable)
  local key, why = api_key.find(name, variable)
  return not key and function() return nil, why end or nil
end

--- Asks a user's function for the key. It may wait, as any code in a job may.
---@param fn function
---@return string|nil
---@return string|nil why
function api_key.ask(fn)
  local ok, key, why = guard.try(fn)
  if not ok then return nil, "the function api_key failed: " .. guard.text_of(key) end
  if key == nil or key == false then
    return nil, "the function api_key gave no key" .. (why ~= nil and ": " .. guard.text_of(why) or "")
  end
  if type(key) ~= "string" then
    return nil, ("the function api_key gave %s; it must give the key, a string"):format(shown.value(key))
  end
  if key == "" then return nil, "the function api_key gave an empty string for a key" end
  return checked(key, nil, " that the function api_key gave")
end

return api_key
