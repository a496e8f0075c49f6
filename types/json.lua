---@meta runway.json
-- luacheck: ignore 212
-- What `require "runway.json"` gives, for editors. The module itself is C (src/lua_json.c); this file is never loaded.

---@class runway.json
---@field null userdata   null: in an array, or alone; a field that is null is absent
local json = {}

---Reads JSON to the letter of RFC 8259. Integers stay integers; beyond 2^53 they are strings of their digits.
---@param text string
---@return any value           nil: it is none
---@return string|nil message  which byte is wrong, counted from 1
function json.decode(text) end

---Reads what servers send: what is broken is passed over where the rest can still be told.
---@param text string
---@param pause? function   called after every 32 KiB; it may yield
---@return any value
---@return string|nil message
function json.read(text, pause) end

---Writes JSON; fields sorted, whole floats as integers.
---@param value any
---@return string|(string|runway.File)[]|nil text  with a runway.file in it: texts and files by turns
---@return string|nil message                      where in the value it cannot
function json.encode(value) end

---Marks a table as an array, so that even an empty one is written as [].
---@param t? table   default: a new one
---@return table t
function json.array(t) end

---Would it be written as an array?
---@param v any
---@return boolean
function json.is_array(v) end

return json
