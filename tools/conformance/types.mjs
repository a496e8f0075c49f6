// What Runway's SDK can say, read from its own .d.ts files by the TypeScript compiler: for each kind of
// task and each model the type of the body, as a JSON schema. The types know fields and words, but hardly
// a limit; what they say in prose of addresses ("`data:video/mp4;base64,...`, up to 5MB") and of lists
// ("up to 10") is taken too.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(`${process.env.CONFORMANCE_MODULES}/package.json`)
const ts = require('typescript')

// Makes tasks and is no kind: see docs/providers.md.
const NO_KIND = new Set(['avatarVideos'])

const MEGABYTE = 1048576

const snake = (name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)

// An address as the OpenAPI document writes it.
const address = (media, maxLength) => ({ anyOf: [
  { type: 'string', minLength: 13, maxLength: 2048, pattern: '^https:\\/\\/.*' },
  { type: 'string', minLength: 13, maxLength: 5000, pattern: '^runway:\\/\\/.*' },
  { type: 'string', minLength: 13, maxLength, pattern: `^data:${media}\\/.*` },
] })

export class Types {
  constructor() {
    const root = `${process.env.CONFORMANCE_MODULES}/node_modules/@runwayml/sdk`
    const file = `${root}/client.d.ts`
    const program = ts.createProgram([file], {
      lib: ['lib.es2022.d.ts'], types: [], strict: true, skipLibCheck: true,
      module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
    })
    this.checker = program.getTypeChecker()
    const module = this.checker.getSymbolAtLocation(program.getSourceFile(file))
    this.client = this.checker.getExportsOfModule(module).find(({ name }) => name === 'RunwayML')
    this.version = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).version
  }

  // `string & {}`: a list that is not closed
  isAnyWord(type) {
    return type.isIntersection() && type.types.some((t) => t.flags & ts.TypeFlags.String)
  }

  union(type) {
    const { Undefined, BooleanLiteral } = ts.TypeFlags
    const parts = type.types.filter((t) => !(t.flags & Undefined) && !this.isAnyWord(t))
    const words = parts.filter((t) => t.isLiteral())
    const flags = parts.filter((t) => t.flags & BooleanLiteral)
    const all = parts.filter((t) => !words.includes(t) && !flags.includes(t))
      .map((t) => this.schema(t))
    if (words.length > 0) all.push({ enum: words.map((t) => t.value) })
    if (flags.length > 0) all.push({ type: 'boolean' })
    return all.length === 1 ? all[0] : { anyOf: all }
  }

  object(type) {
    const schema = { type: 'object', required: [], properties: {} }
    for (const property of type.getProperties()) {
      const said = ts.displayPartsToString(property.getDocumentationComment(this.checker))
      schema.properties[property.name] = this.described(
        this.schema(this.checker.getTypeOfSymbol(property)), said)
      if (!(property.flags & ts.SymbolFlags.Optional)) schema.required.push(property.name)
    }
    return schema
  }

  // With what the prose says: that a string is an address, and how many a list takes.
  described(schema, said) {
    const most = schema.type === 'array' && /\bup\s+to\s+(\d+)\b/i.exec(said)
    if (most) return { ...schema, maxItems: Number(most[1]) }
    const told = /`data:(\w+)\/[^`]*`,\s+up\s+to\s+(\d+)MB/.exec(said)
    if (!told) return schema
    const place = address(told[1], told[2] * MEGABYTE)
    if (schema.type === 'string') return place
    return schema.anyOf
      ? { anyOf: schema.anyOf.map((s) => (s.type === 'string' ? place : s)) }
      : schema
  }

  schema(type) {
    const { String, Number, BooleanLike, Unknown, Any } = ts.TypeFlags
    if (type.isUnion()) return this.union(type)
    if (type.isLiteral()) return { enum: [type.value] }
    if (type.flags & String) return { type: 'string' }
    if (type.flags & Number) return { type: 'number' }
    if (type.flags & BooleanLike) return { type: 'boolean' }
    if (type.flags & (Unknown | Any)) return {}
    if (this.checker.isArrayType(type)) {
      return { type: 'array', items: this.schema(this.checker.getTypeArguments(type)[0]) }
    }
    return this.object(type)
  }

  /** Every kind of task and every model of it: { kind, model, schema }. */
  branches() {
    const list = []
    for (const resource of this.checker.getDeclaredTypeOfSymbol(this.client).getProperties()) {
      const create = this.checker.getTypeOfSymbol(resource).getProperty('create')
      if (!create || NO_KIND.has(resource.name)) continue
      const [signature] = this.checker.getTypeOfSymbol(create).getCallSignatures()
      const made = this.checker.typeToString(signature.getReturnType())
      if (!made.includes('AwaitableTask')) continue // makes no task
      const body = this.checker.getTypeOfSymbol(signature.getParameters()[0])
      for (const type of body.isUnion() ? body.types : [body]) {
        const schema = this.object(type)
        for (const model of schema.properties.model.enum) {
          list.push({ kind: snake(resource.name), model, schema })
        }
      }
    }
    return list
  }

  /** How many characters a data URI may have, by what the prose says of any. */
  longest() {
    const lengths = []
    const look = (node) => {
      if (node === null || typeof node !== 'object') return
      if (node.pattern?.startsWith('^data:')) lengths.push(node.maxLength)
      Object.values(node).forEach(look)
    }
    look(this.branches())
    return Math.min(...lengths)
  }
}
