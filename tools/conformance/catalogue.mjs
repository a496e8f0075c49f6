// The catalogue of models against the types in the SDK's own package: every kind, model and field that the
// SDK can say is known, and no model is offered that the SDK has not. Whether their values are taken,
// requests.mjs tries.

export async function catalogue(doc, ours, report) {
  const list = doc.types.branches()
  report.begin(`the types of @runwayml/sdk ${doc.types.version}`)
  const known = await ours.ask('catalogue')
  for (const { kind, model, schema } of list) {
    const mine = known[kind]?.[model]
    if (!report.check(`the catalogue has ${kind} ${model}`, !mine && 'it has not')) continue
    report.check(`${kind} ${model} is not said to be gone`, mine.removed && `since ${mine.removed}`)
    for (const field of Object.keys(schema.properties)) {
      report.check(`${kind} ${model} is known to have ${field}`,
        field !== 'model' && !mine.fields.includes(field) && 'it is not')
    }
  }
  for (const [kind, models] of Object.entries(known)) {
    for (const [model, { removed }] of Object.entries(models)) {
      const there = list.some((one) => one.kind === kind && one.model === model)
      report.check(`the SDK has ${kind} ${model}, or it is said to be gone`,
        !there && !removed && 'neither')
    }
  }
  report.end()
}
