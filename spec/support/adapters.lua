-- Adapters for specs.

local adapters = {}

--- An adapter with all that a client asks for and nothing more, at https://mine.example.
---@param more? table  fields put over it
---@return runway.Adapter
function adapters.own(more)
  local own = {
    name = "mine", base_url = "https://mine.example", kinds = { "text_to_video" },
    submit = function() return { method = "POST", path = "/make", json = {} } end,
    accepted = function(answer) return answer.json and { id = answer.json.id } end,
    query = function(ref) return { path = "/tasks/" .. ref.id } end,
    task = function(answer) return answer.json and { status = answer.json.status, output = answer.json.output } end,
  }
  for name, value in pairs(more or {}) do own[name] = value end
  return own
end

return adapters
