-- What runway.conformance finds: one mistake at a time, made in the example of a user's own adapter.

local compare = require "runway.conformance.compare"
local conformance = require "runway.conformance"
local json = require "runway.json"
local readers = require "runway.fields"

local own_cases = require "spec.support.cases.own"

local CLIP = "https://files.reelhouse.example/7.mp4"

-- A fresh copy of the example, so that each spec spoils its own.
local function example() return assert(loadfile "examples/own_adapter.lua")() end

local function listed(failures) return table.concat(failures, "\n") end

-- Makes a function of the adapter do something more to what it returns.
local function after(adapter, name, change)
  local was = adapter[name]
  adapter[name] = function(...)
    local value, problem = was(...)
    if value == nil then return value, problem end
    return change(value, ...)
  end
end

-- What is wrong with the adapter, and what is said of it.
local SHAPE = {
  { "is no table", function() return "reelhouse" end, "adapter: the adapter must be a table" },
  { "has no name", function(a) a.name = nil end, "adapter: name must be a word" },
  { "bears the name of a built-in one", function(a) a.name = "cometapi" end,
    "adapter: its name is that of a built-in one, cometapi" },
  { "has a base URL that is none", function(a) a.base_url = "api.reelhouse.example" end, "base_url must be" },
  { "has a base URL with a query", function(a) a.base_url = "https://x.test/?a=1" end, "base_url must be" },
  { "names an unknown variable", function(a) a.env = { key = "REELHOUSE" } end, 'env has no place for "key"' },
  { "names a variable that is none", function(a) a.env = { api_key = "A KEY" } end, "env.api_key must be" },
  { "has no kinds", function(a) a.kinds = {} end, "kinds must be a list" },
  { "has nothing for kinds", function(a) a.kinds = nil end, "kinds must be a list" },
  { "has a function for kinds", function(a) a.kinds = function() end end, "kinds must be a list" },
  { "has kinds that are numbers", function(a) a.kinds = { 1 } end, "kinds[1] must be a name in snake_case, not 1" },
  { "has kinds that are tables", function(a) a.kinds = { {} } end, "kinds[1] must be a name in snake_case" },
  { "names a kind twice", function(a) a.kinds = { "text_to_video", "text_to_video" } end, "twice" },
  { "has kinds out of order", function(a) a.kinds = { "text_to_video", "image_to_video" } end, "must be sorted" },
  { "has a kind that is no name", function(a) a.kinds = { "Text to video" } end, "snake_case" },
  { "never asks", function(a) a.poll_interval = 1 / 0 end, "poll_interval must be" },
  { "has a grace that is no number", function(a) a.missing_grace = "90" end, "missing_grace must be" },
  { "has media of no class", function(a) a.media = { film = 5 } end, 'media has no class "film"' },
  { "has media without a length", function(a) a.media = { image = true } end, "media.image must be" },
  { "has media from a function that fails", function(a) a.media = function() return 5 end end,
    "media: media must be a table" },
  { "has formats that are no lists", function(a) a.formats = { image = "image/png" } end,
    'adapter: formats is a table of another form (with image), where image is the string "image/png"; it must be a ' },
  { "has formats of no class", function(a) a.formats = { images = { "image/png" } } end,
    "formats is a table of another form (with images), where images is" },
  { "has names in a list", function(a) a.names = { "seed" } end,
    'names is a table of another form (a list of 1), where 1 is the string "seed"; it must be a table of names, each' },
  { "has models that are none", function(a) a.models = 5 end, "adapter: models is the number 5; it must be a table" },
  { "has a model with a fact of another form", function(a)
    a.models = { text_to_video = { reel = { ratios = { 16 } } } }
  end, "where text_to_video.reel.ratios is a table of another form (a list of 1); it must be" },
  { "has models of a kind that it does not offer", function(a) a.models = { image_to_vdeo = {} } end,
    "adapter: models.image_to_vdeo: there is no such kind in kinds (did you mean image_to_video?)" },
  { "misspells what it says of a model", function(a)
    a.models = { text_to_video = { reel = { prise = 5 } } }
  end, 'models.text_to_video.reel has no place for "prise" (did you mean price?)' },
  { "has a kind twice, submitted and attached", function(a) a.attached = { "text_to_video" } end,
    "adapter: attached names text_to_video, which is among the kinds that a submit makes" },
  { "has no submit", function(a) a.submit = nil end, "the function submit is missing" },
  { "has a query that is none", function(a) a.query = "GET /v2/jobs" end, "query must be a function" },
  { "has credits without balance", function(a) a.credits = a.query end, "credits and balance go together" },
  { "has limits and nowhere to read them", function(a) a.limits = function() end end, "limits needs credits" },
  { "is misspelled", function(a)
    a.cancell, a.cancel = a.cancel, nil
  end, "did you mean cancel?" },
  { "signs with a line break", function(a)
    a.sign = function(key) return { Authorization = "Bearer " .. key .. "\n" } end
  end, "sign: the header Authorization holds a control character" },
  { "signs with no table", function(a) a.sign = function(key) return key end end, "sign: the headers must be" },
  { "signs without the key", function(a) a.sign = function() return { ["X-Key"] = "abc" } end end,
    "sign: makes no use of the key" },
  { "signs with an odd name", function(a) a.sign = function(key) return { ["X Key"] = key } end end,
    'sign: "X Key" is no name of a header' },
  { "raises on a kind it does not have", function(a)
    a.submit = function(kind) error("what is " .. kind) end
  end, "submit: raises: " },
  { "has no opinion but says so", function(a) a.retryable_failure = function() return "maybe" end end,
    "retryable_failure: returns a string" },
  { "has a price that is a number", function(a) a.price = function() return 5 end end, "price: the price must be" },
  { "has a price below nothing", function(a) a.price = function() return { credits = -5 } end end,
    "price.credits must" },
  { "has a price that it does not know", function(a) a.price = function() return { low = 5 } end end,
    "price.credits must" },
  { "has a least that is more than its most", function(a)
    a.price = function() return { credits = 5, low = 6 } end
  end, "price.low, the least" },
  { "has a price by no word", function(a) a.price = function() return { credits = 5, basis = 5 } end end,
    "price.basis" },
  { "has a price that raises", function(a) a.price = function() error "torn" end end, "price: raises" },
}

local PURITY = {
  { "opens a file", function(a)
    after(a, "submit", function(request)
      io.open("/etc/hostname")
      return request
    end)
  end, "submit: raises: .*io.open is not for adapters" },
  { "hides that it opens a file", function(a)
    after(a, "query", function(request)
      pcall(io.open, "/etc/hostname")
      return request
    end)
  end, "adapter: uses io.open" },
  { "asks for the time", function(a)
    after(a, "accepted", function(fields)
      fields.created_at = os.time()
      return fields
    end)
  end, "adapter: uses os.time" },
  { "holds the clock without using it here", function(a)
    local clock = os.clock
    local seldom
    after(a, "query", function(request) return seldom and clock() or request end)
    seldom = false
  end, "adapter: holds os.clock" },
  { "prints", function(a)
    after(a, "submit", function(request)
      print "sending"
      return request
    end)
  end, "adapter: uses print" },
  { "rolls dice", function(a)
    after(a, "submit", function(request)
      request.json.nonce = math.random(1e9)
      return request
    end)
  end, "adapter: uses math.random" },
  { "holds a room that sends", function(a)
    local http = require "runway.http"
    after(a, "query", function(request) return request.never and http or request end)
  end, "adapter: holds the module runway.http" },
  { "counts its calls", function(a)
    local calls = 0
    after(a, "submit", function(request)
      calls = calls + 1
      request.json.call = calls
      return request
    end)
  end, "submit: gives another result for the same input: its result.json.call" },
  { "remembers in its own table", function(a)
    after(a, "accepted", function(fields)
      a.last = fields.id
      return fields
    end)
  end, "adapter: changes itself when it is called: last" },
  { "remembers in a local", function(a)
    local last
    after(a, "submit", function(request)
      last = request.path
      return request
    end)
    after(a, "accepted", function(fields) return last and fields end)
  end, "adapter: leaves something in the local last when it is called" },
  { "remembers in a table of its own", function(a)
    local seen = {}
    after(a, "submit", function(request)
      seen.latest = request.path
      return seen.latest and request
    end)
  end, "adapter: leaves something in the field latest when it is called" },
  { "forgets a local", function(a)
    after(a, "submit", function(request)
      rawset(_G, "a_forgotten_local", request.path) -- as `a_forgotten_local = request.path` in a file of one's own
      return request
    end)
    finally(function() rawset(_G, "a_forgotten_local", nil) end)
  end, "adapter: leaves something in the global a_forgotten_local when it is called" },
  { "changes the params", function(a)
    local was = a.submit
    a.submit = function(kind, given)
      given.ratio = given.ratio or "16:9"
      return was(kind, given)
    end
  end, "submit: changes what it is given: argument 2.ratio" },
  { "changes the answer", function(a)
    local was = a.task
    a.task = function(answer, ref)
      if answer.json then answer.json.seen = true end
      return was(answer, ref)
    end
  end, "task: changes what it is given: argument 1.json.seen" },
  { "gives out a table of its own", function(a)
    local options = { quality = "high" }
    after(a, "submit", function(request)
      request.json.options = options
      return request
    end)
  end, "submit: gives out the same table twice .*result json.options" },
}

local REQUESTS = {
  { "submits what may be repeated", function(a)
    after(a, "submit", function(request)
      request.safe = true
      return request
    end)
  end, "submit: a submit must not say safe = true" },
  { "submits with GET", function(a)
    after(a, "submit", function(request) return { method = "GET", path = request.path } end)
  end, "submit: a submit must be a POST or PATCH" },
  { "queries with a POST that seems to cost", function(a)
    a.query = function(ref) return { method = "POST", path = "/v2/look", json = { job = ref.id } } end
  end, "query: a POST that costs nothing must say safe = true" },
  { "puts the id into the path as it is", function(a)
    a.query = function(ref) return { method = "GET", path = "/v2/jobs/" .. ref.id:gsub("[ #]", "") } end
  end, "query: puts an id into the path as it is" },
  { "puts a space into the path", function(a)
    a.query = function(ref) return { method = "GET", path = "/v2/jobs/" .. ref.id } end
  end, "query: request.path must begin with /" },
  { "has no path", function(a) a.query = function() return { method = "GET" } end end, "either a path .* or a url" },
  { "misspells a part of the request", function(a)
    after(a, "submit", function(request)
      request.jsno, request.json = request.json, nil
      return request
    end)
  end, 'submit: a request has no place for "jsno" %(did you mean json%?%)' },
  { "sends what is no JSON", function(a)
    after(a, "submit", function(request)
      request.json.callback = function() end
      return request
    end)
  end, "submit: request.json cannot be sent" },
  { "sends two bodies", function(a)
    after(a, "submit", function(request)
      request.body = "prompt=x"
      return request
    end)
  end, "submit: a request has one of" },
  { "answers with nothing", function(a) a.cancel = function() return nil end end,
    "cancel: returns neither a request nor a problem" },
  { "refuses without a reason", function(a)
    a.submit = function() return nil, { field = "ratio" } end
  end, "submit: a problem must have a message" },
  { "drops a name it does not know", function(a)
    after(a, "submit", function(request, _, given)
      request.json = { prompt = given.prompt_text, image = request.json.image, size = request.json.size,
        seconds = request.json.seconds, seed = given.seed, model = given.model, webhook = given.callback_url }
      return request
    end)
  end, "submit: drops a name it does not know" },
  { "drops the seed", function(a)
    after(a, "submit", function(request)
      request.json.seed = nil
      return request
    end)
  end, "submit: drops seed without a word" },
  { "drops the seed, and speaks of it in a warning alone", function(a)
    after(a, "submit", function(request)
      request.json.seed, request.warnings = nil, { "the seed 1234567 is not sent", tostring(request.json.seed) }
      return request
    end)
  end, "submit: drops seed without a word" },
  { "warns in something else than words", function(a)
    after(a, "submit", function(request)
      request.warnings = { 5 }
      return request
    end)
  end, "submit: request.warnings must be a list of strings" },
  { "warns of a query", function(a)
    after(a, "query", function(request)
      request.warnings = { "soon" }
      return request
    end)
  end, "query: only a submit has warnings" },
  { "drops the second image", function(a)
    local was = a.submit
    a.submit = function(kind, given)
      local one = {}
      for name, v in pairs(given) do one[name] = v end
      one.prompt_image = given.prompt_image and { given.prompt_image[1] }
      return was(kind, one)
    end
  end, "submit: drops one of two images without a word" },
  { "sends the caller's key", function(a)
    after(a, "submit", function(request, _, given)
      request.json.key = given.key
      return request
    end)
  end, "submit: sends `key`" },
  { "refuses tomorrow's model", function(a)
    local was = a.submit
    a.submit = function(kind, given)
      if given.model and given.model ~= "reel-2" then
        return nil, { field = "model", message = "reelhouse has only reel-2" }
      end
      return was(kind, given)
    end
  end, "submit: refuses a model it does not know" },
  { "takes a wrong turn", function(a)
    after(a, "submit", function(request)
      request.json.seconds = request.json.seconds * 1000
      return request
    end)
  end, "submit: request.json.seconds is 5000, expected 5" },
  { "does not refuse", function(a)
    local was = a.submit
    a.submit = function(kind, given)
      local one = {}
      for name, v in pairs(given) do one[name] = v end
      one.prompt_image = given.prompt_image and { given.prompt_image[1] }
      return was(kind, one)
    end
  end, "submit: makes a request of what is to be refused" },
}

-- The readers of a beginner.
local READERS = {
  { "takes any id", function(a)
    a.accepted = function(answer) return answer.json and { id = tostring(answer.json.job) } end
  end, "accepted: makes an id of what is none" },
  { "believes a long id", function(a)
    a.accepted = function(answer)
      local id = (answer.json or {}).job
      return (type(id) == "string" or id == 7) and { id = tostring(id) } or nil
    end
  end, "accepted: an id must be a clean, short" },
  { "accepts without an id", function(a) a.accepted = function(answer) return answer.json and {} end end,
    "accepted: returns fields without an id" },
  { "refuses what it cannot read", function(a)
    local was = a.accepted
    a.accepted = function(answer)
      if not answer.json then return nil, "no JSON" end
      return was(answer)
    end
  end, "accepted: tells a problem of an answer without JSON" },
  { "raises on what it did not expect", function(a)
    a.accepted = function(answer) return { id = answer.json.job.id } end
  end, "accepted: raises: " },
  { "ends a task that is only just submitted", function(a)
    a.accepted = function(answer)
      local job = answer.json or {}
      if job.job ~= 7 then return job.job and { id = "8", status = "SUCCEEDED" } end
      return { id = "7" }
    end
  end, "accepted: ends a task that was only just submitted" },
  { "passes on any status", function(a)
    a.task = function(answer) return { status = (answer.json or {}).state } end
  end, "task: fields.status must be" },
  { "takes what it does not know for the end", function(a)
    after(a, "task", function(fields, answer)
      if answer.status == 200 and not fields.status then fields.status = "FAILED" end
      return fields
    end)
  end, "task: ends a task that is running" },
  { "takes what says nothing for a task that is missing", function(a)
    local was = a.task
    a.task = function(answer, ref)
      if answer.json and answer.json.job == nil then return { missing = true } end
      return was(answer, ref)
    end
  end, "task: ends a task that is running, by missing = true: what does not say so of the task is bare nil" },
  { "takes what is not running for success", function(a)
    after(a, "task", function(fields, answer)
      local state = answer.json and answer.json.state
      if state ~= "queued" and state ~= "working" and state ~= "broken" then fields.status = "SUCCEEDED" end
      return fields
    end)
  end, "task: takes a task for succeeded that is not" },
  { "takes files for success, whatever the word", function(a)
    after(a, "task", function(fields, answer)
      fields.output = readers.urls((answer.json or {}).files)
      if fields.output then fields.status = "SUCCEEDED" end
      return fields
    end)
  end, "task: takes a task for succeeded whose status word is a running one's, since it has files" },
  { "takes files for success, but for a task that runs", function(a)
    after(a, "task", function(fields, answer)
      local state = answer.json and answer.json.state
      fields.output = state ~= "queued" and state ~= "working" and readers.urls((answer.json or {}).files) or nil
      if fields.output then fields.status, fields.failure = "SUCCEEDED", nil end
      return fields
    end)
  end, "task: takes a task for succeeded whose status word is a failed one's, since it has files" },
  { "takes files for success, and gives no word back", function(a)
    after(a, "task", function(fields, answer)
      fields.output, fields.word = readers.urls((answer.json or {}).files), nil
      if fields.output then fields.status = "SUCCEEDED" end
      return fields
    end)
  end, "task: takes a task for succeeded whose status word is a running one's, since it has files" },
  { "takes every error for a missing task", function(a)
    local was = a.task
    a.task = function(answer, ref)
      if answer.status ~= 200 then return { missing = true } end
      return was(answer, ref)
    end
  end, "task: takes an error for the end of the task" },
  { "cannot read a task whose word is new", function(a)
    after(a, "task", function(fields) return (fields.status or fields.missing) and fields or nil end)
  end, "task: cannot read an answer whose status word is unknown" },
  { "knows a word in one spelling", function(a)
    local words = { queued = "PENDING", working = "RUNNING", done = "SUCCEEDED", broken = "FAILED" }
    after(a, "task", function(fields, answer)
      if not fields.missing then fields.status = words[answer.json.state] end
      if fields.status ~= "SUCCEEDED" then fields.output = nil end
      return fields
    end)
  end, "task: knows the status word in one spelling only" },
  { "takes an output only as a list", function(a)
    after(a, "task", function(fields, answer)
      if fields.output and type((answer.json or {}).files) ~= "table" then fields.output = nil end
      return fields
    end)
  end, "task: does not take an output that is one string" },
  { "passes any output on", function(a)
    after(a, "task", function(fields, answer)
      if fields.status == "SUCCEEDED" then fields.output = (answer.json or {}).files end
      return fields
    end)
  end, "task: fields.output" },
  { "passes ten thousand outputs on", function(a)
    after(a, "task", function(fields, answer)
      local files = answer.json and (answer.json or {}).files
      if fields.output and type(files) == "table" and #files == 10000 then fields.output = files end
      return fields
    end)
  end, "task: fields.output holds more than 64" },
  { "has progress beyond its end", function(a)
    after(a, "task", function(fields, answer)
      fields.progress = tonumber((answer.json or {}).done)
      return fields
    end)
  end, "task: fields.progress must be from 0 to 1" },
  { "takes a refund for a cost below nothing", function(a)
    after(a, "task", function(fields)
      fields.cost = -5
      return fields
    end)
  end, "task: fields.cost is below 0" },
  { "keeps a failure of any length", function(a)
    after(a, "task", function(fields, answer)
      local reason = (answer.json or {}).reason
      fields.failure = type(reason) == "string" and reason or nil
      return fields
    end)
  end, "task: fields.failure is longer than 4096 bytes" },
  { "shows an output of a failed task", function(a)
    after(a, "task", function(fields)
      if fields.status == "FAILED" then fields.output = { CLIP } end
      return fields
    end)
  end, "task: fields.output of a task that is FAILED" },
  { "misspells a field", function(a)
    after(a, "task", function(fields)
      fields.outputs, fields.output = fields.output, nil
      return fields
    end)
  end, 'task: a table of fields has no place for "outputs" %(did you mean output%?%)' },
  { "tells a problem that ends the waiting", function(a)
    local was = a.task
    a.task = function(answer, ref)
      local fields = was(answer, ref)
      if not fields then return nil, { kind = "invalid_request", message = "what is this?" } end
      return fields
    end
  end, "task: tells a problem under HTTP 200 that ends the waiting" },
  { "tells a problem of an unknown kind", function(a)
    after(a, "problem", function(problem)
      problem.kind = "oops"
      return problem
    end)
  end, 'problem: problem.kind "oops" is no kind of error' },
  { "says when to come back, and that it is of no use", function(a)
    after(a, "problem", function(problem)
      problem.kind, problem.retry_after = "insufficient_credits", 20
      return problem
    end)
  end, "problem: problem.retry_after says to come back, and problem.kind" },
  { "says that nothing was taken of a page that says nothing", function(a)
    local was = a.problem
    a.problem = function(answer)
      if answer.status == 500 and not answer.json then return { message = "busy", retry_after = 5 } end
      return was(answer)
    end
  end, "problem: says that nothing was taken %(retry_after%) of an answer without JSON under HTTP 500" },
  { "takes an empty object for a refusal", function(a)
    local problem = a.problem
    a.problem = function(answer)
      if type(answer.json) == "table" and next(answer.json) == nil then return { message = "it went wrong" } end
      return problem(answer)
    end
  end, "problem: tells a problem of an answer under HTTP 200 that has nothing in it" },
  { "has something to say of whatever comes", function(a)
    local problem = a.problem
    a.problem = function(answer)
      if answer.status == 204 then return nil end
      return problem(answer) or { message = "it went wrong" }
    end
  end, "problem: tells a problem of an answer under HTTP 200 that has nothing in it" },
  { "says to come back yesterday", function(a)
    after(a, "problem", function(problem)
      problem.kind, problem.retry_after = nil, -1
      return problem
    end)
  end, "problem: problem.retry_after must be a number of seconds" },
  { "says that nothing was taken, and names the task", function(a)
    after(a, "problem", function(problem)
      problem.kind, problem.retry_after, problem.id = nil, 20, "7"
      return problem
    end)
  end, "problem: problem.retry_after says that nothing was taken, and problem.id names a task" },
  { "has an error in every answer", function(a)
    a.problem = function(answer) return { message = tostring((answer.json or {}).error or "trouble") } end
  end, "problem: tells a problem of an answer that says nothing: every cancel would be told as refused" },
  { "raises on an error it did not expect", function(a)
    a.problem = function(answer) return { message = answer.json.error.message } end
  end, "problem: raises: " },
  { "reads a callback without an id", function(a)
    a.callback = function(payload) return { status = payload.state == "done" and "SUCCEEDED" or nil } end
  end, "callback: returns a hint without an id" },
  { "counts credits that are none", function(a)
    a.credits = function() return { method = "GET", path = "/v2/me" } end
    a.balance = function(answer) return (answer.json or {}).credits end
  end, "balance: returns no finite number" },
  { "takes any number for a limit", function(a)
    a.credits = function() return { method = "GET", path = "/v2/me" } end
    a.balance = function() return 5 end
    a.limits = function(answer) return { m1 = { concurrent = (answer.json or {}).slots } } end
  end, "limits: returns what is not a table of models" },
  { "misspells a step of an upload", function(a)
    a.upload = function() return { url = "f-1" } end
  end, 'upload: a step of an upload has no place for "url" (did you mean uri?)' },
  { "gives a step of an upload that is none", function(a)
    a.upload = function() return "f-1" end
  end, 'upload: a step must be { request = … } or { uri = … }, not the string "f-1"' },
  { "uploads wherever it is told to", function(a)
    a.upload = function(file, answers)
      if not answers[1] then return { request = { method = "POST", path = "/v2/files", safe = true } } end
      if not answers[2] then
        return { request = { method = "PUT", url = (answers[1].json or {}).put, file = file.path } }
      end
      return { uri = (answers[1].json or {}).get }
    end
  end, "upload: " },
}

-- Cases for the functions that the example has not.
local MORE = {
  callback = { callback = { job = 7, state = "done" }, fields = { id = "7" } },
  balance = { balance = { credits = 5 }, value = 5 },
  limits = { limits = { slots = 3 }, value = { m1 = { concurrent = 3 } } },
  upload = { upload = { name = "a.png", path = "/tmp/a.png", size = 9 }, uri = "https://x.test/a.png",
    answers = { { json = { put = "https://s.test/1", get = "https://x.test/a.png" } }, {} } },
}

describe("conformance finds an adapter that", function()
  for _, group in ipairs { SHAPE, PURITY, REQUESTS, READERS } do
    for _, mistake in ipairs(group) do
      it(mistake[1], function()
        local adapter = example()
        adapter = mistake[2](adapter) or adapter
        local list = {}
        for i, case in ipairs(own_cases) do list[i] = case end
        for name, case in pairs(MORE) do
          if type(adapter) == "table" and adapter[name] then list[#list + 1] = case end
        end
        local said = listed(conformance.check(adapter, list))
        assert.is_truthy(said:find(mistake[3]) or said:find(mistake[3], 1, true), "\nsaid:\n" .. said)
      end)
    end
  end

  it("breaks its case in each way that a case can name", function()
    local function said(case) return listed(conformance.check(example(), { case })) end
    assert.matches("fields.id is \"7\", expected \"8\" (case 1", said { accepted = { job = 7 }, fields = { id = "8" } },
      1, true)
    assert.matches("fields.status is \"PENDING\", expected nil",
      said { task = { job = 7, state = "queued" }, fields = { id = "asked-for" } }, 1, true)
    assert.matches("expected none", said { accepted = { job = 7 }, unreadable = true }, 1, true)
    assert.matches("cannot read the answer", said { accepted = {}, fields = { id = "7" } }, 1, true)
    assert.matches("request.path is \"/v2/jobs/7\", expected \"/v2/jobs/8\"",
      said { query = { id = "7" }, request = { path = "/v2/jobs/8" } }, 1, true)
    assert.matches("refuses prompt_video, expected ratio",
      said { submit = { kind = "text_to_video", video = CLIP }, refused = "ratio" }, 1, true)
    assert.matches("refuses it: reelhouse takes no video",
      said { submit = { kind = "text_to_video", video = CLIP } }, 1, true)
    assert.matches("problem.kind is \"insufficient_credits\", expected \"server\"",
      said { problem = { error = "no balance" }, tells = "server" }, 1, true)
    assert.matches("tells no problem", said { problem = {}, tells = true }, 1, true)
    assert.matches("expected none", said { problem = { error = "x" } }, 1, true)
  end)

  it("reads 1 of 100 as the end", function()
    local function said(progress)
      local own = example()
      after(own, "task", function(fields, answer)
        fields.progress = progress((answer.json or {}).done)
        return fields
      end)
      return listed(conformance.check(own, { { task = { job = 7, state = "working", done = 50 }, ref = { id = "7" },
        fields = { id = "7", status = "RUNNING", progress = 0.5 } } }))
    end
    assert.matches("task: reads 50 as 0.5, and 1 as the end; where that is 1 of 100, fields.progress(v, 100) knows it "
      .. "(running task 1, done)", said(readers.progress), 1, true)
    assert.not_matches("as the end", said(function(v) return readers.progress(v, 100) end))
  end)

  it("breaks, with the value and the line", function()
    local function said(break_it)
      local own = example()
      after(own, "task", break_it)
      return listed(conformance.check(own, own_cases))
    end
    local text = said(function(fields, answer)
      for _ in ipairs((answer.json or {}).files or {}) do fields.word = "x" end -- a number is no list
      return fields
    end)
    assert.matches("task: raises: [^\n]*mistakes_spec.lua:%d+: [^\n]*%(", text)
    assert.not_matches("table: 0x", text)
    assert.not_matches("userdata: ", text)
    for value, shows in pairs { [""] = '""', [{}] = "{}", [{ x = 1 }] = '{"x":1}', [readers] = "a table",
      [("y"):rep(99)] = '"yyyyyyyyyyyyyyyyyyy…' } do
      assert.equal(shows, compare.brief(value))
    end
    assert.same({ "null", "nothing", "[]" },
      { compare.brief(json.null), compare.brief(nil), compare.brief(json.array {}) })
  end)

  it("is given cases that are none, and says which", function()
    local function said(case) return listed(conformance.check(example(), { case })) end
    assert.matches("cases: a case must be a table (case 1)", said(5), 1, true)
    assert.matches('no place for "sumbit" (did you mean submit?)', said { sumbit = {} }, 1, true)
    assert.matches("a case has one of: submit", said { fields = {} }, 1, true)
    assert.matches("the adapter has no upload", said { upload = {} }, 1, true)
    assert.matches("params that never reach an adapter: duration must be",
      said { submit = { duration = "5" } }, 1, true)
    assert.has_error(function() conformance.check(example(), "cases") end, "check takes a list of cases")
  end)

  it("has a price and a signature that are not as they were meant", function()
    local own = example()
    own.price = function(kind, request)
      return kind == "text_to_video" and { credits = request.json.seconds * 2, basis = "list" } or nil
    end
    own.sign = function(key) return { ["X-Token"] = key } end
    local function said(more) return listed(conformance.check(own, { more })) end
    local request = { method = "POST", path = "/v2/jobs/text_to_video", json = { seconds = 5 } }
    assert.matches("price: the price.credits is 10, expected 9 (case 1 (price))", said {
      price = request, kind = "text_to_video", value = { credits = 9, basis = "list" } }, 1, true)
    assert.matches('sign: the headers.X-Token is "k", expected "K" (case 1 (sign))',
      said { sign = "k", value = { ["X-Token"] = "K" } }, 1, true)
    for _, right in ipairs { { price = request, kind = "text_to_video", value = { credits = 10, basis = "list" } },
      { price = request }, { sign = "k", value = { ["X-Token"] = "k" } } } do
      assert.not_matches("case 1", said(right))
    end
  end)

  it("is given a list that is none, and says so in one line", function()
    local function changed(change)
      local list = {}
      for i, case in ipairs(own_cases) do list[i] = case end
      return conformance.check(example(), change(list) or list)
    end
    assert.same({ "cases: cases must be a list without holes, and entry 5 is nil" },
      changed(function(list) list[5] = nil end))
    assert.same({ 'cases: cases must be a list, of which each has a number (the entry "refs")' },
      changed(function(list) list.refs = {} end))
    local lines = changed(function(list)
      local named = {}
      for i, case in ipairs(list) do named["c" .. i] = case end
      return named
    end)
    assert.equal(1, #lines)
    assert.matches(("and %d more)"):format(#own_cases - 1), lines[1], 1, true)
  end)

  it("fails a case, and is not told that there is none beside", function()
    local list = {}
    for i, case in ipairs(own_cases) do list[i] = case end
    for i, case in ipairs(list) do
      if case.accepted and case.fields then list[i] = { accepted = { job = {} }, fields = { id = "8" } } end
    end
    assert.same({ "cases: case.fields has no place for \"idd\" (did you mean id?) (case 1)" },
      conformance.check(example(), { { accepted = { job = 7 }, fields = { idd = "7" } } }))
    local said = listed(conformance.check(example(), list))
    assert.matches("accepted: returns nil, which says that it cannot read the answer", said, 1, true)
    assert.not_matches("no case shows", said)
  end)

  it("is given cases that expect what cannot be, or ask by no id", function()
    for said, case in pairs {
      ['case.tells expects the kind "poor", and there is no such; it must be one of authentication'] =
        { problem = {}, tells = "poor" },
      ['case.tells expects the kind "rich", and there is no such'] = { problem = {}, tells = { kind = "rich" } },
      ['case.fields.status expects "BUSY"; it must be PENDING'] = { task = { job = 7 }, fields = { status = "BUSY" } },
      ['the task was asked for by another id; give the case ref = { id = "J-17" } (case 1 (task))'] =
        { task = { job = 7, state = "working" }, fields = { id = "J-17", status = "RUNNING" } },
      ["params that never reach an adapter: promt is no parameter; did you mean prompt?"] =
        { submit = { promt = "x" }, refused = true },
    } do
      assert.matches(said, listed(conformance.check(example(), { case })), 1, true)
    end
  end)

  it("is given params of a user's, of which the client keeps its own", function()
    for name, v in pairs { output = "x.mp4", fit = "pad", deadline = 5, extra = { b = 1 } } do
      local given = { prompt = "a cat", duration = 5 }
      given[name] = v
      local request = { method = "POST", path = "/v2/jobs/text_to_video",
        json = { prompt = "a cat", size = "16:9", seconds = 5 } }
      local said = conformance.check(example(), { { submit = given, request = request } })
      assert.not_matches("request.json", listed(said))
    end
  end)

  it("is given cases that show nothing, or two things at once", function()
    local own, job, read = example(), { job = 7, state = "working" }, { id = "7", status = "RUNNING" }
    own.credits = function() return { path = "/me" } end
    own.balance = function() return 5 end
    own.upload = function() return { uri = "https://x.test/a" } end
    for said, case in pairs {
      ["the case expects nothing: give it request or refused (case 1 (submit))"] = { submit = { prompt = "x" } },
      ["the case expects nothing: give it request or refused (case 1 (query))"] = { query = { id = "7" } },
      ["the case expects nothing: give it request or refused (case 1 (credits))"] = { credits = true },
      ["the case expects nothing: give it fields, tells or unreadable (case 1 (accepted))"] = { accepted = job },
      ["the case expects nothing: give it fields, tells or unreadable (case 1 (task))"] =
        { task = job, unreadable = false },
      ["the case expects nothing: give it request, uri or refused (case 1 (upload))"] = { upload = { name = "a" } },
      ["a case expects one thing, and this one fields and unreadable (case 1 (task))"] =
        { task = job, ref = { id = "7" }, fields = read, unreadable = true },
      ["a case is about one thing, and this one about accepted and task (case 1)"] =
        { task = job, accepted = job, fields = { id = "7" } },
      ["case.credits must be true (case 1)"] = { credits = false, request = { path = "/me" } },
      ["case.status says nothing beside submit (case 1 (submit))"] =
        { submit = { prompt = "x" }, status = 500, refused = true },
      ["case.value says nothing beside accepted (case 1 (accepted))"] =
        { accepted = job, fields = { id = "7" }, value = 5 },
    } do
      assert.matches("cases: " .. said, listed(conformance.check(own, { case })), 1, true)
    end
  end)

  it("is given cases with a slip in them, for which the adapter is not to blame", function()
    local own, job = example(), { job = 7, state = "done" }
    own.upload = function(file) return { request = { method = "PUT", url = "https://x.test/" .. file.name } } end
    for slip, case in pairs {
      ["case.upload must be table, got number"] = { upload = 5 },
      ["case.task must be table or false, got string"] = { task = "done" },
      ["case.status must be integer, got string"] = { task = job, status = "500" },
      ["case.refused must be boolean or string, got table"] = { submit = {}, refused = { "ratio" } },
      ['case.fields has no place for "stauts" (did you mean status?)'] =
        { task = job, fields = { stauts = "RUNNING" } },
      ["case.fields.id must be a string, not a number"] = { accepted = job, fields = { id = 7 } },
      ['case.request has no place for "jsno" (did you mean json?)'] =
        { submit = { prompt = "x" }, request = { jsno = {} } },
      ['case.tells has no place for "knd" (did you mean kind?)'] = { problem = job, tells = { knd = "server" } },
      ["case.query.id must be a string, not a number"] = { query = { id = 7 }, request = {} },
      ["case.answers[1] must be a table"] = { upload = { name = "a" }, answers = { 5 }, uri = "x" },
    } do
      local said = conformance.check(own, { case })
      local blamed = {}
      for _, line in ipairs(said) do
        if not line:find("no case shows", 1, true) then blamed[#blamed + 1] = line end
      end
      assert.same({ "cases: " .. slip .. " (case 1)" }, blamed)
    end
  end)
end)
