-- Answers of every form, looked at for a task's id.

local answer = require "runway.answer"
local fields = require "runway.fields"
local ids = require "runway.ids"

return function(bytes)
  local status = bytes:byte(1) and 200 + bytes:byte(1) % 2 * 302 or nil
  local made = answer.of({ status = status, body = bytes:sub(2), error = #bytes % 3 == 0 and {} or nil })
  local id, sure = ids.in_answer(made)
  assert(id == nil or fields.id(id) == id, "no id")
  assert(type(sure) == "boolean")
  ids.in_string(bytes)
  answer.beginning(bytes)
end
