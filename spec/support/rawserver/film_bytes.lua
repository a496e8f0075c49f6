-- The bytes of a film: it is an MP4 by its boxes, and no piece of it stands at two places.

local made = {}

return function(seed, size)
  local key = seed .. "/" .. size
  if made[key] then return made[key] end
  local parts, state = { "\0\0\0\24ftypmp42\0\0\0\0mp42isom" .. (">I4"):pack(math.max(size - 24, 8))
    .. "mdat" }, seed * 7919 + 1
  for i = 2, size // 16 + 2 do
    state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
    parts[i] = ("<i8I8"):pack(state, i)
  end
  made = { [key] = table.concat(parts):sub(1, size) } -- the last one only
  return made[key]
end
