// Runway's own SDK against our sandbox, over real sockets: it makes, waits for and deletes a task
// of every kind and model, and does the rest that it can do here. Every request and answer that
// passes is held against the document.

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { BODIES } from './bodies.mjs'

const require = createRequire(`${process.env.CONFORMANCE_MODULES}/package.json`)
const { RunwayML, toFile, TaskFailedError } = require('@runwayml/sdk')

// The SDK looks at the answer to a submit only after a while; a refusal is to be seen at once.
const wait = async (made) => {
  await made
  return made.waitForTaskOutput()
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

// Starts the sandbox, which ends with this process; gives its address.
function start() {
  const runway = fileURLToPath(new URL('../../bin/runway', import.meta.url))
  const child = spawn(process.env.LUA ?? 'lua5.4', [runway, 'sandbox', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.on('exit', () => child.kill())
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => reject(new Error(`the sandbox ended with code ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)
      if (url) resolve(url[0])
    })
  })
}

class Sdk {
  constructor(doc, report, base) {
    Object.assign(this, { doc, report, base })
    this.client = new RunwayML({
      apiKey: 'key_conformance', baseURL: base, logLevel: 'off',
      fetch: (url, init) => this.fetch(url, init),
    })
  }

  // What the SDK fetches with.
  async fetch(url, init) {
    const response = await fetch(url, init)
    const { pathname, search } = new URL(url)
    const request = {
      method: init.method.toUpperCase(), path: pathname, query: search.slice(1), body: init.body,
      headers: Object.fromEntries(new Headers(init.headers)),
    }
    if (!pathname.startsWith('/v1/')) {
      this.report.check(`the SDK sends no key to ${pathname}`, request.headers.authorization)
      return response
    }
    const what = `${request.method} ${pathname}`
    if (!this.wrong?.has(pathname)) {
      this.report.check(`the SDK's ${what} is as the document says`, this.doc.request(request))
    }
    const answer = {
      status: response.status, headers: Object.fromEntries(response.headers),
      body: await response.clone().text(),
    }
    this.report.check(`the sandbox's answer to the SDK's ${what} is as the document says`,
      this.doc.answer(request, answer))
    return response
  }

  // Holds when `action` comes to its end, and to what `expected` says of its result.
  async done(what, action, expected = () => true) {
    try {
      const result = await action()
      const gave = `it gave ${JSON.stringify(result)?.slice(0, 200)}`
      this.report.check(what, !expected(result) && gave)
      return result
    } catch (e) {
      this.report.check(what, `${e.name}: ${e.message}`)
      return undefined
    }
  }

  // Holds when `action` throws what `expected` says.
  async fails(what, action, expected) {
    try {
      await action()
      this.report.check(what, 'it did not fail')
    } catch (e) {
      this.report.check(what, !expected(e) && `${e.name}: ${e.message}`)
    }
  }

  async gone(what, id) {
    await this.done(`the SDK deletes ${what}`, () => this.client.tasks.delete(id))
    await this.fails(`${what} is gone`, () => this.client.tasks.retrieve(id),
      (e) => e.status === 404)
  }

  // Create, wait, delete.
  async task(what, create) {
    const task = await this.done(`the SDK makes and awaits ${what}`, () => wait(create()),
      (t) => t.status === 'SUCCEEDED' && t.output.length > 0 && t.cost.credits > 0)
    if (!task) return
    const output = await fetch(task.output[0])
    this.report.check(`the output of ${what} is there`,
      (!output.ok || (await output.arrayBuffer()).byteLength === 0) && `HTTP ${output.status}`)
    await this.gone(what, task.id)
  }

  async upload(body) {
    const uploaded = await this.done('the SDK uploads a file', async () => {
      const file = await toFile(Buffer.alloc(2048, 'a'), 'a.png', { type: 'image/png' })
      return this.client.uploads.createEphemeral({ file })
    }, ({ uri }) => uri.startsWith('runway://'))
    if (!uploaded) return
    await this.task('a clip of an upload',
      () => this.client.imageToVideo.create({ ...body, promptImage: uploaded.uri }))
  }

  async failures(body) {
    const { imageToVideo, tasks, recipes } = this.client
    const failing = { ...body, promptText: 'sandbox:fail' }
    await Promise.all([
      this.fails('the SDK tells a failed task', () => wait(imageToVideo.create(failing)),
        (e) => e instanceof TaskFailedError && e.taskDetails.failureCode.startsWith('INTERNAL')),
      this.fails('the SDK tells a body that is refused', () => recipes.productSwap({}),
        (e) => e.status === 400),
      this.done('the SDK tries again after 429',
        () => imageToVideo.create({ ...body, promptText: 'sandbox:rate_limit' })),
      this.done('the SDK cancels a task that runs', async () => {
        const { id } = await imageToVideo.create({ ...body, promptText: 'sandbox:stall' })
        await tasks.retrieve(id)
        await this.gone('a task that ran', id)
      }),
    ])
  }

  async account() {
    const { organization, voices, workflows, workflowInvocations } = this.client
    await this.done('the SDK reads the organization', () => organization.retrieve(),
      (o) => o.creditBalance > 0 && Object.keys(o.tier.models).length > 0)
    await this.done('the SDK reads the usage', () => organization.retrieveUsage(),
      (u) => Array.isArray(u.results))
    await this.done('the SDK lists voices and reads one', async () => {
      const { data: [{ id }] } = await voices.list({ limit: 10 })
      return voices.retrieve(id)
    }, (voice) => voice.status === 'READY')
    await this.done('the SDK runs a workflow', async () => {
      const list = await workflows.list()
      const { id } = await workflows.retrieve(list.data[0].versions[0].id)
      const run = await workflows.run(id, {})
      return workflowInvocations.retrieve(run.id).waitForTaskOutput()
    }, (run) => run.status === 'SUCCEEDED' && Object.values(run.output).flat().length > 0)
  }

  // bodies: { kind, model, body }, one for every kind and model
  async run(bodies) {
    const { recipes, generate } = this.client
    const work = [this.account()]
    for (const { kind, model, body } of bodies) {
      work.push(this.task(`${kind} ${model}`, () => this.client[camel(kind)].create(body)))
    }
    for (const [name, body] of Object.entries(BODIES)) {
      const [family, which] = name.replace(/#.*/, '').split('/')
      work.push(this.task(name, () => family === 'generate'
        ? generate[which].create(body)
        : recipes[camel(which)](body)))
    }
    const { body } = bodies.find(({ model }) => model === 'gen4_turbo') ?? bodies[0]
    await Promise.all([...work, this.upload(body)])
    this.wrong = new Set(['/v1/recipes/product_swap'])
    await this.failures(body)
  }
}

export async function sdk(doc, ours, report) {
  report.begin('the official SDK and our sandbox')
  const bodies = []
  for (const { kind, model } of doc.branches()) {
    const { body } = await ours.ask('submit', { kind, model, set: 'full' })
    if (report.check(`there is a body for ${kind} ${model}`, !body && 'none')) {
      bodies.push({ kind, model, body: JSON.parse(body) })
    }
  }
  await new Sdk(doc, report, await start()).run(bodies)
  report.end()
}
