---@meta runway
-- luacheck: ignore 212
-- What `require "runway"` gives, for editors. The module itself is C
-- (src/runway.c); this file is never loaded.

---@class runway
---@field _VERSION string                          "runway " and the number of the version
---@field null userdata                            sends JSON null
---@field providers table<string, runway.Adapter>  the built-in adapters by name
local runway = {}

---Opens an account at a provider. Makes no request.
---@param options? runway.Options
---@return runway.Client|nil client
---@return runway.Error|nil err    kind "config": no key, unknown provider, a base URL that cannot be used
function runway.client(options) end

---@class runway.Options
---@field provider? string|runway.Adapter  a name or an adapter; default $RUNWAY_PROVIDER (also a
---  file or a module that returns an adapter), else "runwayml"
---@field api_key? string|fun(): string|nil, string|nil  or what gives it, asked before each call (nil, why: there is
---  none); default: the adapter's environment variable, or the file that its sibling …_FILE names
---@field base_url? string         default: the adapter's, or its environment variable
---@field journal? string|runway.Journal  remembers every paid task: a file's path, or what runway.journal gave
---@field budget? number           credits; a submit that could take what is spent and held back past it is refused
---@field max_tasks? integer       tasks under way at once; generate waits for a place
---@field prices? table<string,number>|fun(kind: string, params: runway.Params): number|nil  credits: of a model, by the
---  second of a film or by the item; or of a whole task
---@field timeout? number          seconds for one whole call; default 60
---@field deadline? number         seconds after which a call ends, whatever it waits for; default none
---@field connect_timeout? number  seconds until connected; default 10
---@field max_retries? integer     requests after the first, only where repeating is safe; default 4
---@field poll_interval? number    seconds between two queries of a task; default: the adapter's least, and more while
---  its end is far away
---@field max_in_flight? integer   requests at once; more wait in line; default 32
---@field callback? runway.CallbackListener  what runway.listener gave: a callback wakes who waits for its task
---@field callback_url? string     for every task, where the provider takes one; with `callback` what leads to it
---@field callback_secret? string|string[]  of a relay that signs its callbacks (Standard Webhooks): "whsec_…"
---@field proxy? string            default: the environment's
---@field ca_file? string          PEM file of trusted authorities
---@field resolve? table<string,string>  { ["host:443"] = "127.0.0.1" }: connect there instead
---@field allow_http? boolean      http beyond this machine
---@field allow_private? boolean   result URLs that lead into a private network
---@field max_body_bytes? integer  largest API answer; default 4 MiB
---@field user_agent? string
---@field logger? fun(level: "debug"|"warning"|"error", message: string, fields: table)
---@field transport? runway.Mock|runway.Transport  runway.mock { … }

---Does now what the first client and its first request would do, so that no frame has to. As often as you like.
---@return true|nil
---@return runway.Error|nil err   when the engine cannot start
function runway.preload() end

---A local picture, film or sound, to stand wherever a URL may stand.
---@param path string
---@return runway.File
function runway.file(path) end

---Opens a journal of paid tasks, and makes it where there is none.
---@param where string   a file's path, or postgresql://…
---@return runway.Journal|nil
---@return runway.Error|nil err
function runway.journal(where) end

---Makes each shot of a list once into a directory, and goes on when it is run again.
---@param client runway.Client
---@param shots string|table[]   the path of a list (CSV, JSON Lines), or tables of parameters
---@param options table   directory; jobs (5), retry_failed, only (keys), attempts (1), timeout (s, of one task),
---  on_progress(shots, shot, ended), dry_run, enqueue, clients (by provider), sheet(directory, shots, sums)
---@return runway.BatchResult|nil
---@return runway.Error|nil err   code "bad_list", with `faults`
function runway.batch(client, shots, options) end

---Makes what is queued in the client's journal, beside any number of other workers; goes on with what others have left.
---@param client runway.Client   with a journal
---@param options table   directory; jobs (5), until_empty, timeout (s, of one task), attempts (1),
---  on_progress(entry): what has become of one, a runway.WorkEntry
---@return runway.WorkResult|nil
---@return runway.Error|nil err
function runway.work(client, options) end

---Listens for callbacks; to be given to clients as their `callback`. It hears in `wait`, `run`, `step`.
---@param options? runway.CallbackOptions
---@return runway.CallbackListener|nil
---@return runway.Error|nil err   code "listen": the port is taken, a descriptor, a thread or the library is missing
function runway.listener(options) end

---Starts a job: a function that runs beside others and yields where it waits.
---@param fn function
---@param ... any        its arguments
---@return runway.Job
function runway.spawn(fn, ...) end

---Runs a function as a job, all other jobs beside it, until it returns.
---@param fn function
---@param ... any   its arguments
---@return any ...  its values; what it raises is raised
function runway.run(fn, ...) end

---One step of all that is under way. `step(0)` never waits: call it once a frame.
---@param seconds? number  how long it may wait when nothing is ready
---@param budget? number   seconds (0.001) after which the rest is left to the next step; math.huge: all there is
---@return true
function runway.step(seconds, budget) end

---Waits; other jobs run meanwhile.
---@param seconds number
function runway.sleep(seconds) end

---Waits for jobs, tasks or functions; one that fails does not stop the others.
---@param list (runway.Job|runway.Task|function)[]
---@param most? integer       how many of the functions and tasks run at once
---@return table results      the first value of each
---@return table|nil failures index -> err
function runway.all(list, most) end

---A descriptor that is readable when `step(0)` has something to do.
---@return integer|nil
---@return runway.Error|nil err  when the engine cannot start
function runway.pollfd() end

---What to wait for on it.
---@return "r"
function runway.events() end

---Seconds until `step(0)` has something to do without the descriptor, or nil.
---@return number|nil
function runway.timeout() end

---A transport that answers from a list, on a virtual clock.
---@param list runway.mock.List|fun(request: runway.mock.Request, nth: integer): runway.mock.Entry|nil
---@return runway.Mock
function runway.mock(list) end

return runway
