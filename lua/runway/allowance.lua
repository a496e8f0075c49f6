-- allowance.lua: what is left on an account, and what it may run: of each model so many tasks at once, and so many a
-- day, as far as its provider tells.
--
-- It is asked for beside what was really wanted: a look that fails is told to the logger, and changes nothing.

local adapter = require "runway.adapter"
local http = require "runway.http"
local scheduler = require "runway.scheduler"
local text = require "runway.text"
local values = require "runway.values"

local allowance = {}

local PATIENCE = 15                           -- seconds for a look that others wait for
local AGAIN = 600                             -- between two looks of one who works on

---@class runway.ModelLimits       what an account allows of a model; what is not known is absent
---@field concurrent? integer      tasks at once; what is more waits at the provider (THROTTLED)
---@field daily? integer           tasks within 24 hours; what is more is refused
---@field used_today? integer      of these

--- Asks for the account.
---@param s runway.Session
---@param opts? table            deadline (on scheduler.now()), aside: nothing is lost where no one answers
---@return number|nil credits
---@return table|runway.Error detail   the provider's own table, or err
---@return table<string, runway.ModelLimits>|nil limits
function allowance.read(s, opts)
  if not s.adapter.credits then return s:refuse(s.adapter.name .. " does not tell what credits are left") end
  local request, problem = adapter.ask(s, "credits")
  if not request then return s:refuse(problem) end
  opts = opts or {}
  local balance, err, answer = http.call(s, request, { reader = "balance", paid = false, deadline = opts.deadline,
    aside = opts.aside })
  if not balance then return nil, err end
  return values.whole(balance), answer.json, (adapter.read(s, "limits", answer))
end

--- What the account may run, for who is about to submit.
---@param s runway.Session
---@return table<string, runway.ModelLimits>|nil limits   nil: it is not known
function allowance.look(s)
  if not s.adapter.limits then
    s:log("debug", s.adapter.name .. " does not tell what an account may run at once")
    return nil
  end
  local own, mine = scheduler.now() + PATIENCE, s:deadline()
  local credits, err, limits = allowance.read(s, { aside = true, deadline = mine and math.min(own, mine) or own })
  if not credits then
    s:log(err.code == "unexpected" and "debug" or "warning",
      "what the account may run at once is not known, and no one keeps to it here: " .. err.message)
  end
  return limits
end

--- How many tasks of a model may be under way; nil: no limit is known.
---@param limits table<string, runway.ModelLimits>|nil
---@param model any
---@return integer|nil
function allowance.of(limits, model)
  local of_model = limits and model ~= nil and limits[model]
  return of_model and of_model.concurrent or nil
end

--- Why none of a model's may run.
---@param model string
---@return string
function allowance.none(model)
  return ("this account may run no task of %s: its limit is 0"):format(text.line(model, 60) or "")
end

-- "5", "1-5"; nil: none has any.
local function range(limits, name)
  local low, high = math.huge, -math.huge
  for _, of_model in pairs(limits) do
    local n = of_model[name]
    if n then low, high = math.min(low, n), math.max(high, n) end
  end
  if high < 0 then return nil end
  return low == high and text.number(low) or text.number(low) .. "-" .. text.number(high)
end

--- The limits in one line, for people; nil: there are none.
---@param limits table<string, runway.ModelLimits>|nil
---@return string|nil
function allowance.told(limits)
  local concurrent, daily = range(limits or {}, "concurrent"), range(limits or {}, "daily")
  local words = {}
  if concurrent then words[#words + 1] = concurrent .. " at once" end
  if daily then words[#words + 1] = daily .. " a day" end
  return words[1] and "of each model " .. table.concat(words, ", ") or nil
end

--------------------------------------------------------------------- for who works on

---@class runway.Allowance     what an account may run, looked at now and then
---@field limits? table<string, runway.ModelLimits>   as they were last known
---@field asked boolean        the first look is over
local Allowance = {}
Allowance.__index = Allowance

---@param s runway.Session
---@return runway.Allowance
function allowance.keep(s)
  local tells = s.adapter.limits ~= nil
  return setmetatable({ session = s, asked = not tells, next_look = tells and scheduler.now() or math.huge,
    job = false }, Allowance)
end

local function look(self)
  self.limits = allowance.look(self.session) or self.limits
  self.asked, self.job = true, false
end

--- Looks, beside whoever calls, where it is time for that.
---@return boolean asked   it is known by now what can be known
function Allowance:refresh()
  if not self.job and scheduler.now() >= self.next_look then
    self.next_look = scheduler.now() + AGAIN
    self.job = scheduler.spawn(look, self)
  end
  return self.asked
end

--- For each model whose limit is known and lets some run: how many at once.
---@return table<string, integer>|nil   nil: there is none
function Allowance:models()
  local most = {}
  for model, of_model in pairs(self.limits or {}) do
    if of_model.concurrent and of_model.concurrent > 0 then most[model] = of_model.concurrent end
  end
  return next(most) and most or nil
end

function Allowance:close()
  if self.job then self.job:cancel() end
  self.next_look = math.huge
end

return allowance
