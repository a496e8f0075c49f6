---@meta _
-- The options of every public function, for editors; this file is never loaded. spec/docs/types_spec.lua holds it
-- against what the functions take.

---@alias runway.ErrorKind
---| "invalid_request"       refused, here or by the API: another request may do
---| "authentication"        the key is none
---| "permission"            the account may not
---| "insufficient_credits"
---| "not_found"
---| "rate_limited"          too much at once, or a limit of the account
---| "server"                trouble of the server's own
---| "network"               no connection
---| "timeout"               not in the time that was given
---| "protocol"              an answer that is none
---| "unknown_submit"        a paid request left, and no readable answer came: a task may exist
---| "task_failed"           the provider could not make it
---| "task_cancelled"        it was cancelled at the provider
---| "cancelled"             it was given up here
---| "io"                    a file or a database
---| "limit"                 too large, too many, beyond the budget, or what this machine lacks
---| "config"                the set-up: no key, no provider, no library

---@alias runway.Status "PENDING"|"THROTTLED"|"RUNNING"|"SUCCEEDED"|"FAILED"|"CANCELLED"

---A URL, a data URI, the URI of an upload, or a file on disk.
---@alias runway.Media string|runway.File

---@class runway.Image
---@field uri runway.Media
---@field position? "first"|"last"

---@alias runway.Images runway.Media|runway.Image|(runway.Media|runway.Image)[]

---What every kind of task takes. Any other name goes to the API as well.
---@class runway.Submit: runway.ResellerParams
---@field kind? runway.Kind       default: as the other parameters say
---@field prompt_text? string     what to see or hear
---@field prompt? string          the same
---@field prompt_image? runway.Images
---@field image? runway.Images    the same
---@field prompt_video? runway.Media
---@field video? runway.Media     the same
---@field model? string
---@field ratio? string           "16:9" or "1280:720"
---@field duration? number|"auto" seconds
---@field seed? integer
---@field callback_url? string    where the provider takes one
---@field format? string          of a provider that has several families of routes
---@field output? string|runway.Output  the file that `task:download()` writes; looked at before paying
---@field fit? "crop"|"pad"       pictures on disk are brought to the ratio here, before they are sent
---@field extra? table<string, any>     goes into the request as it is
---@field deadline? number        seconds after which this call ends; a paid request that has left is awaited
---@field key? string             with a journal: the same one never submits twice
---@field [string] any

---@class runway.Output
---@field path string
---@field overwrite? boolean

---@class runway.WaitOptions
---@field timeout? number         seconds in all; default: the client's `deadline`, else an hour from when the task was
---  last seen in the provider's queue, and a day in all
---@field on_progress? fun(task: runway.Task)  after each answer

---@class runway.DownloadOptions
---@field index? integer          which output; default 1
---@field overwrite? boolean      a film that is there, and the receipt beside it; default false
---@field max_bytes? integer      default 4 GiB
---@field on_progress? fun(received: integer, total: integer|nil)  bytes
---@field deadline? number        seconds after which the call ends
---@field receipt? boolean        a file beside it, <path>.json, that says what it was made from

---@class runway.DownloadAllOptions
---@field overwrite? boolean
---@field skip_existing? boolean  a file that is there is kept, unless the journal or its receipt says it is another
---@field max_bytes? integer      of each
---@field receipt? boolean

---@class runway.Downloaded
---@field path string
---@field bytes integer
---@field sha256 string
---@field content_type? string
---@field receipt? string         where it is
---@field skipped? boolean        of download_all: it was there

---@class runway.RequestOptions
---@field method? string          default "GET"; a POST or PATCH is sent at most once
---@field path string             under the base URL, beginning with /
---@field query? table<string, string|number|boolean>
---@field json? any               the body
---@field headers? table<string, string|number|boolean>
---@field deadline? number        seconds after which the call ends

---@class runway.Answer
---@field status integer
---@field headers table<string, string>  names in lower case
---@field body string
---@field json? any

---@class runway.CallbackOptions
---@field host? string            an IPv4 or IPv6 address of this machine; default "127.0.0.1"
---@field port? integer           0, the default: any free one

---@class runway.EntriesOptions
---@field state? runway.State
---@field limit? integer          the newest so many

---One of these.
---@class runway.Settlement
---@field task_id? string         it made this task
---@field resubmit? boolean       it made none, and is to be submitted again
---@field failed? string          it is given up: why

---The first entry that is not used up must match a request, and answers it; with `any_order` the first that matches.
---@class runway.mock.List
---@field any_order? boolean
---@field [integer] runway.mock.Entry|fun(request: runway.mock.Request, nth: integer): runway.mock.Entry|nil

---@class runway.sandbox.StartOptions: runway.sandbox.options
---@field host? string            an address; default "127.0.0.1"
---@field port? integer           0, the default: any free one
---@field log? fun(line: string)  is told what is asked and answered, without keys
