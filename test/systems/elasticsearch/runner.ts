// A runner: opens a world, changes documents after its first mark, and waits to be killed.
import { Http, type Method } from '../../../src/systems/elasticsearch/http.ts'
import { elasticsearch, type ElasticsearchOptions } from '../../../src/systems/elasticsearch/index.ts'
import { World } from '../../../src/world.ts'
import { Wire } from './wire.ts'

const [url = '', name = '', options = '{}', opens = 'change', dies] = process.argv.slice(2)
const wire = new Wire(url)
const given = JSON.parse(options) as ElasticsearchOptions<Wire>
const system = elasticsearch(url, { indices: [`${name}-*`], ...given, client: wire })
const world = await World.open({ systems: { search: system } })
let later = world.start
if (opens !== 'nothing') {
  await wire.ask('PUT', `/${name}-stock/_doc/lamp`, { left: 0 })
  await wire.ask('DELETE', `/${name}-stock/_doc/chair`)
  later = await world.checkpoint('later')
  await wire.ask('PUT', `/${name}-orders/_doc/1`, { of: 'lamp' })
  await wire.ask('PUT', `/_ingest/pipeline/${name}-stamp`, { processors: [] })
}
if (opens === 'go back') await world.rollback(world.start)
if (opens === 'go back') await wire.ask('PUT', `/${name}-stock/_doc/lamp`, { left: 1, grown: 1 })
if (opens === 'grow and go back') {
  await wire.ask('PUT', `/${name}-stock/_mapping`, { properties: { grown: { type: 'long' } } })
  await wire.ask('PUT', `/${name}-stock/_doc/lamp`, { left: 1, grown: 1 })
  dieAfter(new RegExp(dies!))
  await world.rollback(later)
  process.exit()
}
if (opens === 'roll over') {
  await wire.ask('POST', `/${name}-events/_rollover`)
  await wire.ask('POST', `/${name}-events/_doc`, { '@timestamp': '2026-01-02T00:00:00Z', what: 'sold' })
  await wire.ask('DELETE', `/${name}-stock`)
}
process.send?.('ready')

/** Is killed right after the server answered a request of ours. */
function dieAfter(request: RegExp): void {
  const { ask } = Http.prototype
  Http.prototype.ask = async function <T>(method: Method, path: string, body?: object | string): Promise<T> {
    const answer = await ask.call(this, method, path, body)
    if (request.test(`${method} ${path}`)) process.kill(process.pid, 'SIGKILL')
    return answer as T
  }
}
setInterval(() => {}, 1000)
