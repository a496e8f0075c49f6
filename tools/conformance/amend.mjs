// The OpenAPI document is older than the SDK: what the SDK's types know beyond it is put into it, so that
// everything after goes by both. What the types know less of (limits, patterns, closed objects) stays.

// A kind that the document has not is answered as this one is.
const SISTER = '/v1/video_upscale'

const words = (schema) => schema.enum ?? (schema.const === undefined ? undefined : [schema.const])

// One property, or one item, as both say.
function merged(doc, types) {
  if (types.anyOf && !doc.anyOf && !doc.oneOf) {
    // a word instead of a number: "auto"
    const more = types.anyOf.filter((t) => t.enum && !words(doc))
    return more.length > 0 ? { anyOf: [doc, ...more] } : doc
  }
  if (words(doc) && types.enum) {
    const { const: _, ...rest } = doc
    return { ...rest, enum: [...new Set([...words(doc), ...types.enum])] }
  }
  if (doc.type === 'object' && types.type === 'object') return mergedObject(doc, types)
  if (doc.type === 'array' && types.type === 'array' && doc.items) {
    return { ...doc, items: merged(doc.items, types.items) }
  }
  if (doc.anyOf && types.anyOf) {
    const list = types.anyOf.find((t) => t.type === 'array')
    return { ...doc, anyOf: doc.anyOf.map((d) => (d.type === 'array' && list ? merged(d, list) : d)) }
  }
  return doc
}

function mergedObject(doc, types) {
  const properties = { ...doc.properties }
  for (const [name, schema] of Object.entries(types.properties)) {
    if (name === 'model') continue
    properties[name] = properties[name] ? merged(properties[name], schema) : schema
  }
  const required = (doc.required ?? []).filter((name) => (
    types.required.includes(name) || !types.properties[name]))
  return { ...doc, properties, required }
}

const branches = (schema) => schema.oneOf ?? schema.anyOf ?? [schema]
const models = ({ properties: { model } }) => words(model)
const ofModel = (model, branch) => ({
  ...branch, properties: { ...branch.properties, model: { type: 'string', const: model } },
})

function amendKind(json, kind, list) {
  const path = `/v1/${kind}`
  const isNew = !json.paths[path]
  if (isNew) json.paths[path] = { post: structuredClone(json.paths[SISTER].post) }
  const place = json.paths[path].post.requestBody.content['application/json']
  const old = (isNew ? [] : branches(place.schema)).flatMap((branch) => (
    models(branch).map((model) => [model, ofModel(model, branch)])))
  const all = new Map(old)
  for (const { model, schema } of list) {
    const doc = all.get(model)
    all.set(model, doc ? mergedObject(doc, schema)
      : { ...ofModel(model, schema), additionalProperties: false })
  }
  place.schema = { oneOf: [...all.values()] }
}

// Everywhere in the document: data URIs no longer than the types say, models that are in no list yet.
function amendAll(node, longest, names) {
  if (node === null || typeof node !== 'object') return
  if (node.pattern?.startsWith?.('^data:')) node.maxLength = Math.min(node.maxLength, longest)
  if (Array.isArray(node.enum) && node.enum.includes('gen4_turbo') && node.enum.includes('act_two')) {
    node.enum = [...new Set([...node.enum, ...names])]
  }
  for (const inner of Object.values(node)) amendAll(inner, longest, names)
}

/**
 * @param {object} json  the document; changed
 * @param {Types} types
 */
export function amend(json, types) {
  const list = types.branches()
  for (const kind of new Set(list.map((one) => one.kind))) {
    amendKind(json, kind, list.filter((one) => one.kind === kind))
  }
  amendAll(json.paths, types.longest(), list.map(({ model }) => model))
}
