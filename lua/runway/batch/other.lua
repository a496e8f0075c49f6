-- other.lua: what a directory's journal holds that is not of this list. The rest of another list goes on beside it;
-- but a list without keys names its shots by the numbers of their rows, and where these have moved, by other names:
-- what was made would be paid for again. Pure.

local names = require "runway.names"
local text = require "runway.text"

local other = {}

-- Entries that no shot of the list stands for: how many, and the keys of those that did not fail, by their prompts.
local function strangers(shots, entries)
  local keys, by_prompt, count = {}, {}, 0
  for _, shot in ipairs(shots) do keys[shot.key] = true end
  for _, entry in ipairs(entries) do
    if not keys[names.first(entry.key)] then
      count = count + 1
      local prompt = entry.state ~= "failed" and entry.request.params.prompt_text
      if prompt then by_prompt[prompt] = entry.key end
    end
  end
  return by_prompt, count
end

local SHOWN = 10                              -- keys of a message

-- What is wrong with rows that have moved; with the keys to give them, since by any other they would be paid for again.
local function fault_of(moved, where)
  local first, keys = moved[1], {}
  for i = 1, math.min(#moved, SHOWN) do
    keys[i] = ("%s in %s"):format(text.quote(moved[i].known), moved[i].place)
  end
  if #moved > SHOWN then keys[SHOWN + 1] = ("and so on, %d in all"):format(#moved) end
  return ("%s: %s has this shot under the key %s already, and here it would be %s: its row has moved, and the "
    .. "list has no keys of its own. Nothing was submitted; give it a column key, with %s: by other keys they would "
    .. "be paid for again"):format(first.place, where, text.quote(first.known), text.quote(first.key),
      table.concat(keys, ", "))
end

--- Looks for what is not of this list.
---@param shots runway.Shot[]       recalled
---@param entries runway.Entry[]
---@param where string              the journal
---@return integer|nil count        entries of other lists; nil, message: nothing of this one is to be submitted
---@return string|nil message
function other.count(shots, entries, where)
  local by_prompt, count = strangers(shots, entries)
  local moved = {}
  for _, shot in ipairs(shots) do
    local known = not shot.named and shot.state == "queued" and by_prompt[names.prompt(shot.params) or false]
    if known then moved[#moved + 1] = { place = shot.place, key = shot.key, known = known } end
  end
  if moved[1] then return nil, fault_of(moved, where) end
  return count
end

return other
