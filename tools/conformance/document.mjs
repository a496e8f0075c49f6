// Runway's OpenAPI document, amended by what the types of its SDK know beyond it, and what it says of
// requests and answers. Its JSON schemas (draft 2020-12) are judged by ajv; here is only the way to the
// right one.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { amend } from './amend.mjs'

const require = createRequire(`${process.env.CONFORMANCE_MODULES}/package.json`)
const Ajv = require('ajv/dist/2020').default
const addFormats = require('ajv-formats').default

const shorten = (value) => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

// The branches of a union with any word for the one that tells each apart, but for another branch's.
function widenedBranches(branches) {
  const told = branches.map(({ properties = {} }) => properties.type?.const)
  return branches.map((branch, i) => {
    const open = widened(branch)
    if (told[i] === undefined) return open
    const others = { enum: told.filter((_, other) => other !== i) }
    const type = { ...open.properties.type, ...(others.enum.length > 0 && { not: others }) }
    return { ...open, properties: { ...open.properties, type } }
  })
}

// The same schema with any word for a word of a list, and any number above 0 for one of its numbers.
function widened(schema) {
  if (Array.isArray(schema)) return schema.map(widened)
  if (schema === null || typeof schema !== 'object') return schema
  const { discriminator, oneOf, enum: list, const: only, ...rest } = schema
  const open = Object.fromEntries(Object.entries(rest).map(([name, inner]) => [name,
    name === 'properties'
      ? Object.fromEntries(Object.entries(inner).map(([n, s]) => [n, n === 'model' ? s : widened(s)]))
      : widened(inner)]))
  if (oneOf) open.anyOf = widenedBranches(oneOf)
  // a word in place of a number stays that word
  const isNumber = ({ type }) => type === 'number' || type === 'integer'
  if (rest.anyOf?.some(isNumber)) open.anyOf = rest.anyOf
  const some = list?.[0] ?? only
  if (typeof some === 'string') Object.assign(open, { type: 'string', minLength: 1 })
  if (typeof some === 'number') Object.assign(open, { type: 'number', exclusiveMinimum: 0 })
  return open
}

const isJson = (headers) => headers['content-type']?.startsWith('application/json')

export class Document {
  constructor(path, types) {
    this.types = types
    this.json = JSON.parse(readFileSync(path, 'utf8'))
    amend(this.json, types)
    // unicode false: the document counts lengths in UTF-16 units
    this.ajv = new Ajv({
      strict: false, allErrors: true, discriminator: true, unicode: false, logger: false,
    })
    addFormats(this.ajv)
    this.compiled = new Map()
    this.wide = new Map()
    this.paths = Object.keys(this.json.paths).map((template) => ({
      template, pattern: new RegExp(`^${template.replace(/{(\w+)}/g, '(?<$1>[^/]+)')}$`),
    }))
    // a path without a variable part before one that has it
    this.paths.sort((a, b) => a.template.includes('{') - b.template.includes('{'))
  }

  /** What is wrong with a value by a schema, as lines; empty: nothing. */
  judge(schema, value) {
    if (!this.compiled.has(schema)) this.compiled.set(schema, this.ajv.compile(schema))
    const validate = this.compiled.get(schema)
    if (validate(value)) return []
    return validate.errors.map((e) => (
      `${e.instancePath || 'the body'} ${e.message} ${shorten(e.params)}`))
  }

  /** Is nothing wrong with a value but that a word or a number of it stands in no list? */
  isUnlisted(schema, value) {
    if (!this.wide.has(schema)) this.wide.set(schema, widened(schema))
    return this.judge(this.wide.get(schema), value).length === 0
  }

  /** The operation of a request, with the values of its path; undefined when there is none. */
  operation(method, path) {
    for (const { template, pattern } of this.paths) {
      const found = pattern.exec(path)
      const operation = found && this.json.paths[template][method.toLowerCase()]
      if (operation) return { operation, values: found.groups ?? {} }
    }
    return undefined
  }

  parameters(operation) {
    return (operation.parameters ?? []).map((p) => {
      if (!p.$ref) return p
      return p.$ref.slice(2).split('/').reduce((node, step) => node[step], this.json)
    })
  }

  body(operation) {
    return operation.requestBody?.content?.['application/json']?.schema
  }

  /** What is wrong with a request { method, path, query, headers (lowercase), body (text) }. */
  request({ method, path, query = '', headers, body }) {
    const found = this.operation(method, path)
    if (!found) return [`${method} ${path} is not in the document`]
    const { operation, values } = found
    const problems = []
    const asked = Object.fromEntries(new URLSearchParams(query))
    const places = { path: values, header: headers, query: asked }
    for (const { name, in: place, required, schema } of this.parameters(operation)) {
      let value = places[place]?.[place === 'header' ? name.toLowerCase() : name]
      if (value === undefined) {
        if (required) problems.push(`the ${place} parameter ${name} is missing`)
        continue
      }
      if (schema.type === 'integer' || schema.type === 'number') value = Number(value)
      problems.push(...this.judge(schema, value).map((p) => `${name}: ${p}`))
    }
    if (!/^Bearer \S+$/.test(headers.authorization ?? '')) problems.push('no bearer key')
    const schema = this.body(operation)
    if (schema) {
      if (!isJson(headers)) problems.push('no JSON content-type')
      try {
        problems.push(...this.judge(schema, JSON.parse(body ?? '')))
      } catch (e) {
        problems.push(`the body is no JSON: ${e.message}`)
      }
    } else if (body) {
      problems.push('a body where the document has none')
    }
    return problems
  }

  /** What is wrong with an answer { status, headers (lowercase), body (text) } to a request. */
  answer({ method, path }, { status, headers, body }) {
    const found = this.operation(method, path)
    if (!found) return [`${method} ${path} is not in the document`]
    const response = found.operation.responses[status]
    if (!response) return [`the document has no ${status} for ${method} ${path}: ${shorten(body)}`]
    const schema = response.content?.['application/json']?.schema
    if (!schema) return body ? [`a ${status} with a body: ${shorten(body)}`] : []
    if (!isJson(headers)) return [`${status} is no JSON`]
    try {
      return this.judge(schema, JSON.parse(body)).map((p) => `${status}: ${p} in ${shorten(body)}`)
    } catch (e) {
      return [`${status}: ${e.message} in ${shorten(body)}`]
    }
  }

  /** Every kind of task and every model of it: { kind, model, schema }. */
  branches() {
    const list = []
    for (const [path, operations] of Object.entries(this.json.paths)) {
      const { post } = operations
      if (!post?.tags?.includes('Start generating')) continue
      const schema = this.body(post)
      for (const branch of schema.oneOf ?? schema.anyOf ?? [schema]) {
        const { model } = branch.properties
        for (const name of model.enum ?? [model.const]) {
          list.push({ kind: path.replace('/v1/', ''), model: name, schema: branch })
        }
      }
    }
    return list
  }
}
