// The rest of the official part: tasks in every status, what the adapter asks for beside submits,
// and the other operations that the sandbox speaks, at the limits of their fields.

import { BODIES, NODE_OUTPUTS } from './bodies.mjs'
import { properties } from './variants.mjs'

const NOBODY = '0b6c2f6e-9d41-4d5a-8a37-2f1f4c3b7e55' // an id that nothing has

const headers = {
  authorization: 'Bearer key_conformance', 'x-runway-version': '2024-11-06',
  'content-type': 'application/json',
}
const ask = (method, path, body, query) => ({
  method, path, query, headers, body: body && JSON.stringify(body),
})

const SUBMIT = ask('POST', '/v1/text_to_video', {
  model: 'gen4.5', promptText: 'fog', ratio: '1280:720', duration: 5,
})

class Operations {
  constructor(doc, ours, report) {
    Object.assign(this, { doc, ours, report })
    this.seen = new Set() // statuses of tasks
  }

  // Asks the sandbox, checks that it answers `status` as the document says, and gives the answer.
  async answer(what, request, status, more = {}) {
    if (status < 300) {
      this.report.check(`the request of ${what} is as the document says`, this.doc.request(request))
    }
    const answer = await this.ours.ask('sandbox', { request, ...more })
    this.report.check(`the sandbox answers ${status} to ${what}`,
      answer.status !== status && `${answer.status}: ${answer.body}`)
    this.report.check(`its answer to ${what} is as the document says`,
      this.doc.answer(request, answer))
    return answer
  }

  async submitted(scenario) {
    const answer = await this.answer(`a submit in scenario ${scenario}`, SUBMIT, 200, { scenario })
    return JSON.parse(answer.body).id
  }

  // One task at one moment of its life: the sandbox shows it as the document says, and the adapter
  // reads what is shown.
  async look(id, status, now, kind = 'text_to_video') {
    const what = `a ${kind} that is ${status}`
    const request = await this.ours.ask('query', { id, kind })
    const answer = await this.answer(`a query of ${what}`, request, 200, { now })
    const shown = JSON.parse(answer.body)
    this.report.check(`the sandbox shows ${what}`, shown.status !== status && shown.status)
    this.seen.add(shown.status)
    const { fields } = await this.ours.ask('read', { of: 'task', answer, kind })
    const wanted = {
      id, status, progress: shown.progress, failure: shown.failure,
      failure_code: shown.failureCode, cost: shown.cost?.credits,
      estimated_cost: shown.estimatedCost?.credits,
      created_at: Math.floor(Date.parse(shown.createdAt) / 1000),
      output: Object.values(shown.output ?? {}).flat().join(' '),
    }
    this.report.check(`the adapter reads ${what}`, Object.keys(wanted).map((name) => {
      const read = name === 'output' ? (fields.output ?? []).join(' ') : fields[name]
      return read !== wanted[name] && `${name}: ${read}`
    }))
  }

  async statuses() {
    this.report.begin('tasks in every status')
    for (const [scenario, status, now] of [
      ['success', 'PENDING', 0], ['throttle', 'THROTTLED', 2], ['success', 'RUNNING', 5],
      ['stall', 'RUNNING', 999], ['success', 'SUCCEEDED', 10], ['fail', 'FAILED', 10],
      ['fail_safety', 'FAILED', 10], ['cancelled', 'CANCELLED', 10], ['no_output', 'SUCCEEDED', 10],
    ]) {
      await this.look(await this.submitted(scenario), status, now)
    }
    const forms = this.doc.operation('GET', `/v1/tasks/${NOBODY}`).operation
      .responses[200].content['application/json'].schema.oneOf
    this.report.check('every status of the document was there',
      forms.map((form) => form.properties.status.const).filter((status) => !this.seen.has(status)))

    const id = await this.submitted('success')
    await this.answer('a cancel', await this.ours.ask('cancel', { id }), 204)
    await this.answer('a query of a deleted task', await this.ours.ask('query', { id }), 404)
    this.report.end()
  }

  async refusals() {
    this.report.begin('refusals')
    for (const [scenario, status, kind] of [
      ['rate_limit', 429], ['credits', 400, 'insufficient_credits'],
    ]) {
      const what = `a submit in scenario ${scenario}`
      const answer = await this.answer(what, SUBMIT, status, { scenario })
      const { fields } = await this.ours.ask('read', { of: 'problem', answer })
      this.report.check(`the adapter reads ${scenario}`,
        (fields?.kind !== kind || !fields?.message) && JSON.stringify(fields))
    }
    for (const body of ['{}', '[]', '{', '']) {
      await this.answer(`a submit of ${body || 'nothing'}`, { ...SUBMIT, body }, 400)
    }
    const { 'x-runway-version': _, ...unversioned } = headers
    await this.answer('a submit without a version', { ...SUBMIT, headers: unversioned }, 400)
    await this.answer('a query of no task', await this.ours.ask('query', { id: NOBODY }), 404)
    await this.answer('a workflow that is not there',
      ask('POST', `/v1/workflows/${NOBODY}`, {}), 404)
    await this.answer('an invocation that is not there',
      ask('GET', `/v1/workflow_invocations/${NOBODY}`), 404)
    await this.answer('a router that is not there',
      ask('POST', '/v1/generate/image', { configId: 'missing', input: { promptText: 'fog' } }), 404)
    this.report.end()
  }

  // What is no task: the account, uploads, voices.
  async account() {
    this.report.begin('account, uploads, voices')
    const organization = await this.ours.ask('credits')
    const answer = await this.answer('credits', organization, 200)
    const { fields } = await this.ours.ask('read', { of: 'balance', answer })
    this.report.check('the adapter reads the balance',
      fields !== JSON.parse(answer.body).creditBalance && `${fields}`)
    await this.answer('an upload', await this.ours.ask('upload'), 200)
    await this.answer('the usage', ask('POST', '/v1/organization/usage', {}), 200)
    const days = { startDate: '1970-01-01', beforeDate: '1970-01-03' }
    await this.answer('the usage of some days', ask('POST', '/v1/organization/usage', days), 200)
    const some = ask('GET', '/v1/voices', undefined, 'limit=50')
    const list = await this.answer('the voices', some, 200)
    for (const { id } of JSON.parse(list.body).data) {
      await this.answer('a voice', ask('GET', `/v1/voices/${id}`), 200)
    }
    this.report.end()
  }

  async workflows() {
    this.report.begin('workflows')
    const list = await this.answer('the workflows', ask('GET', '/v1/workflows'), 200)
    const [{ id }] = JSON.parse(list.body).data[0].versions
    await this.answer('a workflow', ask('GET', `/v1/workflows/${id}`), 200)
    for (const [scenario, status, now] of [
      ['success', 'PENDING', 0], ['throttle', 'THROTTLED', 2], ['success', 'RUNNING', 5],
      ['success', 'SUCCEEDED', 10], ['fail', 'FAILED', 10], ['cancelled', 'CANCELLED', 10],
    ]) {
      const run = ask('POST', `/v1/workflows/${id}`, { nodeOutputs: NODE_OUTPUTS })
      const answer = await this.answer('a run of a workflow', run, 200, { scenario })
      await this.look(JSON.parse(answer.body).id, status, now, 'workflow_invocation')
    }
    this.report.end()
  }

  // One operation at the limits of its fields: the sandbox takes what the document takes.
  async limits(name, body, seen) {
    const path = `/v1/${name.replace(/#.*/, '')}`
    const judge = (schema, value) => this.doc.judge(schema, value)
    const whole = this.doc.body(this.doc.operation('POST', path).operation)
    const schema = whole.oneOf?.find((branch) => judge(branch, body).length === 0) ?? whole
    const answer = await this.answer(name, ask('POST', path, body), 200)
    await this.look(JSON.parse(answer.body).id, 'SUCCEEDED', 10, name)
    for (const [field, value] of properties(schema, body, judge, seen)) {
      if (field === 'mode' || JSON.stringify(value)?.includes('"runway://')) continue
      const { [field]: _, ...rest } = body
      const changed = typeof value === 'symbol' ? rest : { ...rest, [field]: value }
      const what = `${name} with ${field} ${JSON.stringify(value)?.slice(0, 60) ?? 'left out'}`
      const taken = judge(whole, changed).length === 0
      await this.answer(what, ask('POST', path, changed), taken ? 200 : 400)
    }
  }

  async tasks() {
    this.report.begin('recipes and routers')
    const seen = new Set()
    for (const path of Object.keys(this.doc.json.paths)) {
      const name = /^\/v1\/((?:recipes|generate)\/\w+)$/.exec(path)?.[1]
      if (name) this.report.check(`there is a body for ${name}`, !BODIES[name] && 'none')
    }
    for (const [name, body] of Object.entries(BODIES)) await this.limits(name, body, seen)
    this.report.end()
  }
}

export async function operations(doc, ours, report) {
  const all = new Operations(doc, ours, report)
  await all.statuses()
  await all.refusals()
  await all.account()
  await all.workflows()
  await all.tasks()
}
