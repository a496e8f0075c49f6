-- The interpreter that runs these specs, for those that start another one: tools/specs.sh names it.

return os.getenv "LUA" or "lua5.4"
