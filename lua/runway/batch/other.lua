-- other.lua: a list held against what the journal has: what of it is new, what of that was bought before under another
-- key, and what is there that the list does not name. Pure.
--
-- The rest of another list stays beside it; but a list without keys names its shots by the numbers of their rows, and
-- where these have moved, by other names: what was made would be paid for again.

local names = require "runway.names"
local text = require "runway.text"
local values = require "runway.values"

local other = {}

---@class runway.Plan          what a list asks for, beside what is there
---@field new integer           shots that are to be submitted
---@field credits number        what these cost at most, as far as their prices are known
---@field low number            and at least
---@field without_price integer   of how many that is not known
---@field again { key: string, known: string }[]   those of them whose prompt was bought before, under another key that
---  the list does not name
---@field unnamed string[]      keys of shots that are there, and not of the list

-- Entries that no shot of the list stands for: their shots' keys, each once and sorted, and the keys of those that did
-- not fail, by their prompts.
local function strangers(shots, entries)
  local named, by_prompt, keys, seen = {}, {}, {}, {}
  for _, shot in ipairs(shots) do named[shot.key] = true end
  for i = #entries, 1, -1 do                  -- the oldest first
    local entry = entries[i]
    local key = names.first(entry.key)
    if not named[key] then
      if not seen[key] then keys[#keys + 1], seen[key] = key, true end
      local params = entry.state ~= "failed" and entry.request.params or nil
      local prompt = params and params.prompt_text
      if prompt then by_prompt[prompt] = entry.key end
    end
  end
  table.sort(keys, text.before)
  return by_prompt, keys
end

local SHOWN = 10                              -- keys of a message

-- So many of them in words, and how many more.
local function listed(list, word)
  local words = {}
  for i = 1, math.min(#list, SHOWN) do words[i] = word(list[i]) end
  if #list > SHOWN then words[SHOWN + 1] = ("and %d more"):format(#list - SHOWN) end
  return table.concat(words, ", ")
end

-- What is wrong with rows that have moved; with the keys to give them, since by any other they would be paid for again.
local function fault_of(moved, where)
  local first = moved[1]
  return ("%s: %s has this shot under the key %s already, and here it would be %s: its row has moved, and the "
    .. "list has no keys of its own. Nothing was submitted; give it a column key, with %s: by other keys they would "
    .. "be paid for again"):format(first.place, where, text.quote(first.known), text.quote(first.key),
      listed(moved, function(one) return ("%s in %s"):format(text.quote(one.known), one.place) end))
end

-- What the list asks for anew.
local function sum_of(shots, by_prompt)
  local plan = { new = 0, credits = 0, low = 0, without_price = 0, again = {} }
  for _, shot in ipairs(shots) do
    if shot.new then
      local estimate = shot.estimate
      plan.new = plan.new + 1
      plan.credits = values.whole(plan.credits + (estimate and estimate.credits or 0))
      plan.low = values.whole(plan.low + (estimate and estimate.low or 0))
      plan.without_price = plan.without_price + (estimate and 0 or 1)
      local known = shot.state == "queued" and by_prompt[names.prompt(shot.params) or false]
      if known then plan.again[#plan.again + 1] = { key = shot.key, known = known } end
    end
  end
  return plan
end

--- Holds them against each other.
---@param shots runway.Shot[]       recalled; what is to be submitted is known
---@param entries runway.Entry[]    the newest first
---@param there { where: string, own: boolean, last: string[] }   the journal; whether it is of this directory alone,
---  and if not, the keys of the list that was made there last
---@return runway.Plan|nil
---@return string|nil fault         nothing of this list is to be submitted
function other.plan(shots, entries, there)
  local by_prompt, keys = strangers(shots, entries)
  local moved, last = {}, {}
  for _, shot in ipairs(shots) do
    local known = there.own and not shot.named and shot.state == "queued"
      and by_prompt[names.prompt(shot.params) or false]
    if known then moved[#moved + 1] = { place = shot.place, key = shot.key, known = known } end
  end
  if moved[1] then return nil, fault_of(moved, there.where) end
  local plan = sum_of(shots, by_prompt)
  plan.unnamed = keys
  if not there.own then
    plan.unnamed = {}
    for _, key in ipairs(there.last) do last[key] = true end
    for _, key in ipairs(keys) do
      if last[key] then plan.unnamed[#plan.unnamed + 1] = key end
    end
  end
  return plan
end

local function price_of(plan)
  local most, least = text.number(plan.credits), text.number(plan.low)
  local words = plan.without_price < plan.new and (" for %s credits"):format(most == least and most
    or least .. " to " .. most) or ""
  if plan.without_price == 0 then return words end
  return words .. (words == "" and ", at a price that is not known" or (", and %d at a price that is not known")
    :format(plan.without_price))
end

--- The same in words, to be read before anything is paid for; none where all is as it was, or all is new.
---@param plan runway.Plan
---@param shots runway.Shot[]       recalled
---@param there { where: string, left?: number }   left: credits that the budget still has
---@return string[]
function other.told(plan, shots, there)
  local lines, all, begun = {}, 0, #plan.again + #plan.unnamed > 0
  for _, shot in ipairs(shots) do
    all = all + (shot.left_out and 0 or 1)
    begun = begun or not shot.left_out and shot.state ~= "queued"
  end
  if begun and plan.new > 0 then
    lines[1] = ("%d of %d shot%s new, to be bought%s%s"):format(plan.new, all, all == 1 and " is" or plan.new == 1
      and "s is" or "s are", price_of(plan), there.left and plan.credits > there.left
      and ("; of the budget %s are left"):format(text.number(there.left)) or "")
  end
  if #plan.again > 0 then
    local one = #plan.again == 1
    lines[#lines + 1] = ("of these %d %s bought before, by %s, under other keys, and %s paid for anew: %s; for the "
      .. "film that is there give the row its key"):format(#plan.again, one and "was" or "were",
      one and "its prompt" or "their prompts", one and "is" or "are", listed(plan.again, function(shot)
        return ("%s (as %s)"):format(text.quote(shot.key), text.quote(shot.known))
      end))
  end
  if #plan.unnamed > 0 then
    local one = #plan.unnamed == 1
    lines[#lines + 1] = ("%s also holds %d shot%s that the list does not name, which %s left: %s"):format(there.where,
      #plan.unnamed, one and "" or "s", one and "is" or "are", listed(plan.unnamed, text.quote))
  end
  return lines
end

return other
