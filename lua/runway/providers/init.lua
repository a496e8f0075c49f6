-- The adapters that are built in, by name. A user's own needs no place here:
-- `runway.client` takes the table itself.

return {
  chatgptsb = require "runway.providers.chatgptsb",
  cometapi = require "runway.providers.cometapi",
  gateway = require "runway.providers.gateway",
  qimu = require "runway.providers.qimu",
  runwayml = require "runway.providers.runwayml",
}
