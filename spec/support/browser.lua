-- A real Chromium without a window, told what to do over a pair of pipes (its DevTools protocol: JSON, a zero byte
-- behind each message). It is of a spec's own, with a profile in a scratch directory, and ends with the spec.

local json = require "runway.json"
local scratch = require "spec.support.scratch"

local browser = {}

local NAMES = "chromium chromium-browser google-chrome google-chrome-stable"
local LONGEST = 150                           -- seconds; it is killed then, and whoever reads sees the end

local function said(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local function program()
  local path = said(("for n in %s; do command -v $n && exit; done"):format(NAMES))
  return path ~= "" and path or nil
end

--- Why there is no browser here; nil: there is one.
---@return string|nil
function browser.missing()
  if not program() then return "there is no Chromium here (make test FULL=yes installs it)" end
end

local Browser = {}
Browser.__index = Browser

--- A browser that runs, with one empty page.
---@return table browser
function browser.start()
  local dir = scratch.new()
  -- root may not have its sandbox; in a container /dev/shm is small
  local root = said "id -u" == "0" and "--no-sandbox" or ""
  assert(os.execute(([[cd '%s' && mkfifo in out && { timeout -k 5 %d '%s' --headless=new %s --disable-gpu
    --disable-dev-shm-usage --disable-extensions --no-first-run --hide-scrollbars --mute-audio
    --autoplay-policy=no-user-gesture-required --force-color-profile=srgb --remote-debugging-pipe
    --user-data-dir='%s/profile' about:blank 3<in 4>out >log 2>&1 & } ]]):gsub("\n", " "):format(dir.directory,
    LONGEST, program(), root, dir.directory)))
  local self = setmetatable({ dir = dir, last = 0, events = {} }, Browser)
  self.to = assert(io.open(dir:path "in", "w"))
  self.from = assert(io.open(dir:path "out", "r"))
  self.to:setvbuf "no"
  for _, target in ipairs(self:call("Target.getTargets").targetInfos) do
    if target.type == "page" then self.target = target.targetId end
  end
  self.session = self:call("Target.attachToTarget", { targetId = self.target, flatten = true }).sessionId
  self:call("Emulation.setFocusEmulationEnabled", { enabled = true })
  for _, domain in ipairs { "Page", "Runtime", "Log", "Network" } do self:call(domain .. ".enable") end
  return self
end

-- One message; a byte at a time, for a buffer is not to be filled before it is read.
local function read(self)
  local bytes = {}
  while true do
    local byte = self.from:read(1)
    if not byte then error("the browser has ended: " .. (self.dir:content "log" or ""):sub(-2000), 0) end
    if byte == "\0" then return assert(json.decode(table.concat(bytes))) end
    bytes[#bytes + 1] = byte
  end
end

--- Has something done, and waits for it; what happens meanwhile is kept in `events`.
---@param method string
---@param params? table
---@return table result
function Browser:call(method, params)
  self.last = self.last + 1
  local message = { id = self.last, method = method, params = params, sessionId = self.session }
  self.to:write(assert(json.encode(message)), "\0")
  while true do
    local answer = read(self)
    if answer.id == self.last then
      if answer.error then error(method .. ": " .. tostring(answer.error.message), 2) end
      return answer.result
    elseif answer.method then self.events[#self.events + 1] = answer end
  end
end

--- Waits until an event has happened.
---@param method string
---@return table params
function Browser:wait(method)
  local at = 1
  while true do
    local event = self.events[at]
    if not event then
      event = read(self)
      self.events[at] = event
    end
    if event.method == method then return event.params end
    at = at + 1
  end
end

--- Opens a page of a size, and waits until it is loaded.
---@param url string
---@param look? { width: integer, height: integer, dark: boolean, still: boolean, paper: boolean }
function Browser:open(url, look)
  look = look or {}
  self:call("Emulation.setDeviceMetricsOverride", { width = look.width or 1366, height = look.height or 900,
    deviceScaleFactor = 1, mobile = (look.width or 1366) < 600 })
  self:call("Emulation.setEmulatedMedia", { media = look.paper and "print" or "screen", features = json.array {
    { name = "prefers-color-scheme", value = look.dark and "dark" or "light" },
    { name = "prefers-reduced-motion", value = look.still and "reduce" or "no-preference" } } })
  for _, where in ipairs { "about:blank", url } do
    self.events = {}
    self:call("Page.navigate", { url = where })
    self:wait "Page.loadEventFired"
  end
end

--- The value of an expression in the page; of a promise what it comes to.
---@param expression string
---@return any
function Browser:value(expression)
  local answer = self:call("Runtime.evaluate", { expression = expression, returnByValue = true, awaitPromise = true,
    userGesture = true })
  local failed = answer.exceptionDetails
  if failed then error((failed.exception or failed).description or failed.text, 2) end
  return answer.result.value
end

--- Waits until an expression is true in the page.
---@param expression string
function Browser:await(expression)
  local came = self:value(([[new Promise((done) => {
    const end = performance.now() + 20000;
    const look = () => (%s) ? done(true) : performance.now() > end ? done(false) : setTimeout(look, 20);
    look();
  })]]):format(expression))
  assert(came, "never came true: " .. expression)
end

-- What a key is called, where it makes no letter.
local CODES = { Tab = 9, Enter = 13, ArrowRight = 39, ArrowDown = 40, Escape = 27 }

--- Presses and lets go of a key.
---@param key string
function Browser:press(key)
  for _, sort in ipairs { "rawKeyDown", "keyUp" } do
    self:call("Input.dispatchKeyEvent", { type = sort, key = key, code = key, windowsVirtualKeyCode = CODES[key] })
  end
end

--- Writes into what has the focus.
---@param words string
function Browser:write(words) self:call("Input.insertText", { text = words }) end

--- Points at the middle of what a selector finds; nil: at nothing.
---@param selector string|nil
function Browser:point(selector)
  local at = { x = 0, y = 0 }
  if selector then
    at = self:value(([[(() => {
      const e = document.querySelector('%s');
      e.scrollIntoView({ block: "center" });
      const r = e.getBoundingClientRect();
      return { x: r.x + r.width / 2, y: r.y + r.height / 2 };
    })()]]):format(selector))
  end
  self:call("Input.dispatchMouseEvent", { type = "mouseMoved", x = at.x, y = at.y })
end

--- A picture of the page as it is seen, as PNG, into the build directory.
---@param name string
---@param whole? boolean   all of it, and not what the window shows
function Browser:picture(name, whole)
  if whole then                               -- what was left for later as well
    self:value [[document.querySelectorAll("body *").forEach((e) => {
      if (e.loading) e.loading = "eager";
      if (getComputedStyle(e).contentVisibility === "auto") e.style.contentVisibility = "visible";
    })]]
    self:await "Array.from(document.images).every((i) => i.complete)"
  end
  local data = self:call("Page.captureScreenshot", { format = "png", captureBeyondViewport = whole == true }).data
  local directory = (os.getenv "RUNWAY_BUILD" or "build") .. "/browser"
  assert(os.execute("mkdir -p '" .. directory .. "'"))
  local file = assert(io.open(directory .. "/" .. name .. ".png", "wb"))
  file:write(require("runway.sandbox.tools").unbase64(data))
  file:close()
end

--- What the page has said to the console, raised, or been forbidden, since it was opened; and all that it asked for.
---@return string[] troubles
---@return string[] requests
function Browser:heard()
  local troubles, requests = {}, {}
  self:value "1"                              -- what was on its way is here then
  for _, event in ipairs(self.events) do
    local params = event.params
    if event.method == "Runtime.consoleAPICalled" or event.method == "Runtime.exceptionThrown"
      or event.method == "Log.entryAdded" then
      troubles[#troubles + 1] = json.encode(params)
    elseif event.method == "Network.requestWillBeSent" then
      requests[#requests + 1] = params.request.url
    end
  end
  return troubles, requests
end

--- Ends it.
function Browser:close()
  self.session = nil
  pcall(self.call, self, "Browser.close")
  while self.from:read(1) do end              -- it closes its pipe when it has ended
  self.to:close()
  self.from:close()
  self.dir:remove()
end

return browser
