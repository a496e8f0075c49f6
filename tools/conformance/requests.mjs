// Every request that the adapter makes, for every kind and model of the document, and for the
// values at the limits of every field: the adapter and the sandbox take what the document takes, and
// refuse what it refuses; but a word or a number that only stands in no list, the adapter sends with a
// warning.

import { isDeepStrictEqual } from 'node:util'
import { ABSENT, lacking, properties } from './variants.mjs'

const shorten = (value) => {
  if (value === ABSENT) return 'left out'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 40)}… (${text.length})` : text
}

const snake = (name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)

const entries = (list) => list.filter((v) => typeof v === 'object')

// What the document says in words and not in its schema: an image at least, no two at one
// position, no last frame alone, frames and references not mixed.
function forbiddenInWords(branch, field, value) {
  if (field !== 'promptImage' || !Array.isArray(value)) return false
  if (value.length === 0) return true
  const positions = entries(value).map((image) => image.position).filter(Boolean)
  if (positions.length > 0 && positions.length < value.length) return true
  const images = branch.properties.promptImage.anyOf.find((b) => b.type === 'array')
  if (!images.items.required?.includes('position')) return false
  return new Set(positions).size < positions.length
    || (positions.includes('last') && !positions.includes('first'))
}

// One first frame is the same as its address alone.
function alike(sent, wanted) {
  if (isDeepStrictEqual(sent, wanted)) return true
  return Array.isArray(wanted) && wanted.length === 1 && wanted[0].uri === sent
}

// What is unclear in a refusal, which names the field; a wrong type alone is raised as misuse.
function unclear({ problem, misuse }, field, value, instead) {
  const own = snake(field)
  const names = [field, own, own.replace(/^(video|image)_uri$/, 'prompt_$1')]
  const faults = []
  if (!names.some((name) => problem.includes(name))) {
    faults.push(`does not name ${own}: ${problem}`)
  }
  if (problem.length > 1200) faults.push(`${problem.length} characters long`)
  if (misuse && typeof value !== 'object' && typeof value === typeof instead) {
    faults.push(`raised: ${problem}`)
  }
  return faults
}

class Branch {
  constructor(doc, ours, report, { kind, model, schema }) {
    Object.assign(this, { doc, ours, report, kind, model, schema })
    this.judge = (s, v) => doc.judge(s, v)
    this.whole = doc.body(doc.operation('POST', `/v1/${kind}`).operation)
  }

  ask(set, more) {
    return this.ours.ask('submit', { kind: this.kind, model: this.model, set, ...more })
  }

  // Does the sandbox take the request just as the document does, and answer as it says?
  async sandbox(what, request, taken) {
    const answer = await this.ours.ask('sandbox', { request })
    const wanted = taken ? 200 : 400
    this.report.check(`the sandbox answers ${wanted} to ${what}`,
      answer.status !== wanted && `it answers ${answer.status}: ${shorten(answer.body)}`)
    this.report.check(`the sandbox's answer to ${what} is as the document says`,
      this.doc.answer(request, answer))
    return answer
  }

  // A set of params.lua; returns what the adapter made of it, nothing when it is refused.
  async set(name) {
    const what = `${this.kind} ${this.model}, ${name}`
    const request = await this.ask(name)
    if (!this.report.check(`the adapter takes ${what}`, request.problem)) return undefined
    this.report.check(`the adapter takes ${what} without a warning`, request.warnings)
    this.report.check(`the request of ${what} is as the document says`, this.doc.request(request))
    const answer = await this.sandbox(what, request, true)
    const { fields } = await this.ours.ask('read', { of: 'accepted', answer, kind: this.kind })
    const { id, estimatedCost } = JSON.parse(answer.body)
    this.report.check(`the adapter reads the answer to ${what}`,
      (fields?.id !== id || fields.estimated_cost !== estimatedCost?.credits) && shorten(fields))
    return request
  }

  // Sent although no list has it, and told.
  warned(what, made, field, wanted) {
    if (!this.report.check(`the adapter lets ${what} through`, made.problem)) return
    this.report.check(`the adapter warns of ${what}`,
      !made.warnings?.some((warning) => warning.includes(snake(field))) && 'it does not')
    this.report.check(`the adapter sends ${what} as it is`,
      !alike(JSON.parse(made.body)[field], wanted[field]) && made.body.slice(0, 300))
  }

  async variant(full, body, field, value) {
    const { [field]: _, ...rest } = body
    const wanted = value === ABSENT ? rest : { ...rest, [field]: value }
    const what = `${this.kind} ${this.model} with ${field} ${shorten(value)}`
    const faults = this.doc.judge(this.whole, wanted)
    const taken = faults.length === 0
    // the sandbox takes no runway:// URI that it did not issue itself
    if (!(taken && JSON.stringify(value)?.includes('"runway://'))) {
      await this.sandbox(what, { ...full, body: JSON.stringify(wanted) }, taken)
    }
    const change = value === ABSENT ? { field } : { field, value }
    const made = await this.ask('full', change)
    if (taken) {
      if (!this.report.check(`the adapter takes ${what}`, made.problem)) return
      this.report.check(`the adapter takes ${what} without a warning`, made.warnings)
      this.report.check(`the request of ${what} is as the document says`, this.doc.request(made))
      this.report.check(`the adapter sends ${what} as it is`,
        !alike(JSON.parse(made.body)[field], wanted[field]) && made.body.slice(0, 300))
    } else if (this.doc.isUnlisted(this.schema, wanted)) {
      this.warned(what, made, field, wanted)
    } else if (this.report.check(`the adapter refuses ${what}`,
      made.problem === undefined && `the document: ${faults[0]}`)) {
      this.report.check(`the adapter refuses ${what} clearly`,
        unclear(made, field, value, body[field]))
    }
  }

  async run(seen) {
    await this.set('minimal')
    const full = await this.set('full')
    if (!full) return
    const body = JSON.parse(full.body)
    this.report.check(`params.lua has every field of ${this.kind} ${this.model}`,
      [...lacking(this.schema, body, this.judge)].map((path) => `${path} is missing`))
    const tried = new Set()
    for (const [field, value] of properties(this.schema, body, this.judge, seen)) {
      if (field === 'model' || forbiddenInWords(this.schema, field, value)) continue
      const key = `${field} ${value === ABSENT ? '' : JSON.stringify(value)}`
      if (tried.has(key)) continue
      tried.add(key)
      await this.variant(full, body, field, value)
    }
  }
}

export async function requests(doc, ours, report) {
  const branches = doc.branches()
  const known = await ours.ask('models')
  const seen = new Set()
  for (const kind of new Set([...branches.map((b) => b.kind), ...Object.keys(known)])) {
    report.begin(kind)
    const mine = branches.filter((b) => b.kind === kind)
    for (const branch of mine) {
      if (report.check(`params.lua has ${kind} ${branch.model}`,
        !known[kind]?.includes(branch.model) && 'a model of the document without params')) {
        await new Branch(doc, ours, report, branch).run(seen)
      }
    }
    for (const model of known[kind] ?? []) {
      report.check(`the document has ${kind} ${model}`,
        !mine.some((b) => b.model === model) && 'params for a model that the document has not')
    }
    report.end()
  }
}
