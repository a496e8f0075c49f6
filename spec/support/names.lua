-- Whether a place names what there is, and nothing else: it fails with the names alone.

local function set(names)
  local found = {}
  for k, v in pairs(names) do found[type(k) == "number" and v or k] = true end
  return found
end

local function without(these, those)
  local list = {}
  for name in pairs(these) do
    if not those[name] then list[#list + 1] = name end
  end
  table.sort(list)
  return list[1] and table.concat(list, ", ")
end

-- `known` and `said` are lists of names, or tables that have them as keys; `where` is how the place is called.
return function(known, said, where)
  known, said = set(known), set(said)
  local lacks, beside = without(known, said), without(said, known)
  if lacks then error(("%s lacks: %s"):format(where, lacks), 2) end
  if beside then error(("%s names what is not there: %s"):format(where, beside), 2) end
end
