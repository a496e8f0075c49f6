-- What Runway's API takes: for each kind of task and each model, the fields and their limits, as its
-- OpenAPI document of 2026-08-08 and the types of its SDK 4.20.1 (2026-09-23) say; the younger counts
-- (API version 2024-11-06). Of models that only the types have, most limits are not documented.
--
-- This is advice, not a wall. What a listed model is known to refuse is told before a request is made;
-- a model, a field or a value that is not here goes through, with a warning. Field names are the API's
-- own. The forms of a rule are in runway.providers.advice; models are listed by what they make.
--
-- `needs` names the required fields. `removed` says since when the model is gone from the API: it is
-- still sent, under the rules it had, with a warning.

local images = require "runway.providers.runwayml_images"
local sound = require "runway.providers.runwayml_sound"
local video = require "runway.providers.runwayml_video"

local kinds = {}

for _, made in ipairs { images, sound, video } do
  for kind, models in pairs(made) do kinds[kind] = models end
end

return kinds
