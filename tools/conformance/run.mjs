// node run.mjs OPENAPI: everything, in order. Started by run.sh.

import { catalogue } from './catalogue.mjs'
import { Document } from './document.mjs'
import { operations } from './operations.mjs'
import { Ours } from './ours.mjs'
import { Report } from './report.mjs'
import { requests } from './requests.mjs'
import { sdk } from './sdk.mjs'
import { Types } from './types.mjs'

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const doc = new Document(process.argv[2], new Types())
const report = new Report()
const ours = new Ours(process.env.LUA ?? 'lua5.4')
try {
  for (const part of [catalogue, requests, operations, sdk]) await part(doc, ours, report)
} catch (e) {
  report.check('the check comes to its end', e.stack)
}
process.exit(report.close()) // and with it what was started
