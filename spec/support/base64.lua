-- The RFC 4648 encoding, written apart from the one under test.

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

---@param bytes string
---@return string
return function(bytes)
  local out = {}
  for at = 1, #bytes, 3 do
    local a, b, c = bytes:byte(at, at + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    local digits = ""
    for shift = 18, 0, -6 do
      local digit = (bits >> shift & 63) + 1
      digits = digits .. ALPHABET:sub(digit, digit)
    end
    out[#out + 1] = c and digits or b and digits:sub(1, 3) .. "=" or digits:sub(1, 2) .. "=="
  end
  return table.concat(out)
end
