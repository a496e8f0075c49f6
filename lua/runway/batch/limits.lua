-- limits.lua: what the accounts of a list may run, looked at before the first shot is submitted.

local allowance = require "runway.allowance"
local clients = require "runway.client"

local limits = {}

local UNDER_WAY = { submitting = true, submitted = true, downloading = true }

-- Is it submitted in this run? `maybe`: or could it be, should its task fail?
local function is_fresh(shot, opts, maybe)
  if shot.left_out or shot.older then return false end
  if shot.state == "queued" then return true end
  if shot.state == "failed" then return opts.retry_failed or maybe and opts.attempts > 1 or false end
  return maybe and opts.attempts > 1 and UNDER_WAY[shot.state] or false
end

-- Tells how many of a model the account's day will not hold.
local function tell_of_the_day(session, model, count, of_model)
  local used = of_model.used_today or 0
  local later = of_model.daily and count - math.max(0, of_model.daily - used) or 0
  if later <= 0 then return end
  session:log("warning", ("%d of %d shots of %s will stay for another day: the account may make %d within 24 hours, "
    .. "and has made %d of them"):format(later, count, model, of_model.daily, used))
end

-- What one account may run, held against the shots that are to be submitted to it.
---@param shots runway.Shot[]
local function read_one(session, shots, fault)
  local of_account, counts = allowance.look(session), {}
  if not of_account then return end
  for _, shot in ipairs(shots) do
    local model = shot.model
    if allowance.of(of_account, model) == 0 then
      fault(shot, "model", allowance.none(model))
    elseif model and of_account[model] then
      counts[model] = (counts[model] or 0) + 1
    end
  end
  for model, count in pairs(counts) do tell_of_the_day(session, model, count, of_account[model]) end
  return of_account
end

--- What the accounts may run, each asked once; not one to which nothing will be submitted.
---@param shots runway.Shot[]     recalled
---@param accounts table<string, runway.Client>   by provider
---@param opts table              attempts, retry_failed
---@param fault fun(shot: runway.Shot, column: string, message: string)   of one that can never run
---@return table<string, table<string, runway.ModelLimits>> limits    by provider and model, where they are known
function limits.read(shots, accounts, opts, fault)
  local fresh, read, order = {}, {}, {}
  for _, shot in ipairs(shots) do
    if is_fresh(shot, opts, true) then
      if not fresh[shot.provider] then
        fresh[shot.provider], order[#order + 1] = {}, shot.provider
      end
      if is_fresh(shot, opts) then table.insert(fresh[shot.provider], shot) end
    end
  end
  for _, name in ipairs(order) do
    read[name] = read_one(clients.session_of(accounts[name]), fresh[name], fault)
  end
  return read
end

return limits
