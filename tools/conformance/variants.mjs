// Values at the limits of a schema and one step beyond them, made from a schema and a value that
// it takes. Which of them are taken is not said here: the validator says it.

/** Stands for a field that is left out. */
export const ABSENT = Symbol('absent')

const HEADS = { // base64 that begins as such a file does, and may go on with any number of A
  image: 'data:image/png;base64,iVBORw0KGgoA',
  video: 'data:video/mp4;base64,AAAAGGZ0eXBtcDQy',
  audio: 'data:audio/mpeg;base64,SUQzBAAAAAAA',
}

const isAddress = (schema) => schema.anyOf?.some((branch) => branch.pattern?.startsWith('^runway:'))

const pad = (head, length) => head + 'a'.repeat(Math.max(0, length - head.length))

// Of so many characters at most; base64 comes in fours.
const dataUri = (media, length) => {
  const head = HEADS[media]
  return head + 'A'.repeat(Math.floor((length - head.length) / 4) * 4)
}

function* addresses(schema, seen) {
  yield* ['http://example.com/a.jpg', 'a.jpg']
  yield 'https://a.b' // too short
  for (const { pattern, minLength, maxLength } of schema.anyOf) {
    const media = /\^data:(\w+)/.exec(pattern)?.[1]
    if (media) {
      yield HEADS[media]
      yield HEADS[media === 'image' ? 'video' : 'image'] // another medium
      const limit = `${media} ${maxLength}`
      if (seen.has(limit)) continue // megabytes: once is enough
      seen.add(limit)
      yield dataUri(media, maxLength)
      yield dataUri(media, maxLength + 4)
    } else {
      const head = pattern.startsWith('^https') ? 'https://example.com/' : 'runway://'
      for (const n of [minLength, maxLength, maxLength + 1]) yield pad(head, n)
    }
  }
}

function* numbers({ type, minimum, exclusiveMinimum, maximum }) {
  const step = type === 'integer' ? 1 : 0.01
  const least = minimum ?? (exclusiveMinimum === undefined ? undefined : exclusiveMinimum + step)
  if (least !== undefined) yield* [least, least - step]
  if (maximum !== undefined) yield* [maximum, maximum + step]
  if (type === 'integer') yield (least ?? 0) + 0.5
  yield 'ten'
}

function* texts({ minLength, maxLength }) {
  if (minLength > 0) yield* ['a'.repeat(minLength), 'a'.repeat(minLength - 1)]
  if (maxLength === undefined) return
  yield* ['a'.repeat(maxLength), 'a'.repeat(maxLength + 1)]
  const pairs = '😀'.repeat(Math.floor(maxLength / 2)) // two UTF-16 units each
  yield* [pairs, pairs + 'aa']
}

function* lists(schema, value, judge, seen) {
  const { items, minItems = 0, maxItems } = schema
  if (value.length === 0) return
  const positions = items.properties?.position
  const free = positions && !items.required?.includes('position')
  const of = (n) => Array.from({ length: n }, (_, i) => {
    if (!positions) return value[0]
    const { position, ...reference } = value[0]
    return free && n > 2 ? reference : { ...reference, position: ['first', 'last'][i % 2] }
  })
  for (const n of new Set([0, minItems, minItems - 1, maxItems ?? 12, (maxItems ?? 12) + 1])) {
    if (n >= 0) yield of(n)
  }
  for (const [i, item] of value.entries()) {
    for (const other of variants(items, item, judge, seen)) {
      yield value.map((v, at) => (at === i ? other : v))
    }
  }
}

/** Every property, left out or at its limits. */
export function* properties(schema, value, judge, seen) {
  for (const name of schema.required ?? []) yield [name, ABSENT]
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (value[name] === undefined) continue
    for (const other of variants(property, value[name], judge, seen)) yield [name, other]
  }
}

/**
 * @param {object} schema
 * @param {any} value  one that the schema takes
 * @param {(schema: object, value: any) => string[]} judge
 * @param {Set<string>} seen  kept by the caller: limits that were tried and need not be again
 */
export function* variants(schema, value, judge, seen) {
  if (isAddress(schema)) {
    yield* addresses(schema, seen)
  } else if (schema.anyOf ?? schema.oneOf) {
    for (const branch of schema.anyOf ?? schema.oneOf) {
      if (isAddress(branch) || branch.enum || judge(branch, value).length === 0) {
        yield* variants(branch, value, judge, seen)
      }
    }
  } else if (schema.enum ?? schema.const) {
    const allowed = schema.enum ?? [schema.const]
    yield* allowed
    yield typeof allowed[0] === 'number' ? Math.max(...allowed) + 1 : 'nothing of this'
  } else if (schema.type === 'object') {
    for (const [name, other] of properties(schema, value, judge, seen)) {
      const { [name]: _, ...rest } = value
      yield other === ABSENT ? rest : { ...rest, [name]: other }
    }
  } else if (schema.type === 'array') {
    yield* lists(schema, value, judge, seen)
  } else if (schema.type === 'boolean') {
    yield* [true, false, 'yes']
  } else if (schema.type === 'string') {
    yield* texts(schema)
  } else if (schema.type) {
    yield* numbers(schema)
  }
}

/** The properties, at any depth, that a schema has and a value has not. */
export function* lacking(schema, value, judge, path = '') {
  if (isAddress(schema)) return
  const branches = schema.anyOf ?? schema.oneOf
  if (branches) {
    const branch = branches.find((b) => judge(b, value).length === 0)
    if (branch) yield* lacking(branch, value, judge, path)
  } else if (schema.type === 'array') {
    for (const item of value) yield* lacking(schema.items, item, judge, `${path}[]`)
  } else if (schema.type === 'object') {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (value[name] === undefined) yield `${path}.${name}`
      else yield* lacking(property, value[name], judge, `${path}.${name}`)
    }
  }
}
