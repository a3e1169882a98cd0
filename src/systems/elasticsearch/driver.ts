import type { ConnectionOptions } from 'node:tls'
import type { Client } from '@elastic/elasticsearch'
import { VenomError } from '../../errors.ts'
import type { Server } from './server.ts'

/**
 * The client that steps see when the user gives none. A newer client speaks to this server as the server's own would.
 * Throws `DRIVER_MISSING`, and `BAD_ARGUMENT` for OpenSearch, which Elastic's client refuses.
 */
export async function connectClient(url: string, server: Server, tls: ConnectionOptions | undefined): Promise<Client> {
  if (server.isOpenSearch) throw openSearch()
  const driver = await load()
  const as = `; compatible-with=${server.major}`
  class Compatible extends driver.SniffingTransport {
    constructor(options: ConstructorParameters<typeof driver.SniffingTransport>[0]) {
      const jsonContentType = `application/vnd.elasticsearch+json${as}`
      const ndjsonContentType = `application/vnd.elasticsearch+x-ndjson${as}`
      super({
        ...options,
        vendoredHeaders: { jsonContentType, ndjsonContentType, accept: `${jsonContentType},text/plain` },
      })
    }
  }
  return new driver.Client({ node: url, Transport: Compatible, ...(tls === undefined ? {} : { tls }) })
}

async function load(): Promise<typeof import('@elastic/elasticsearch')> {
  try {
    return await import('@elastic/elasticsearch')
  } catch (cause) {
    throw new VenomError(
      'DRIVER_MISSING',
      'elasticsearch: the client "@elastic/elasticsearch" is not installed.\n' +
        'Steps see it under the name of the system; the application may use any client it likes.\n' +
        'npm install -D @elastic/elasticsearch; or give another one: elasticsearch(url, { client, … }).',
      { cause },
    )
  }
}

function openSearch(): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    "elasticsearch: this server is OpenSearch, which Elastic's client refuses to speak to.\n" +
      'Steps need a client that fits.\n' +
      "Give it: elasticsearch(url, { client: new Client({ node: url }), … }), with Client of '@opensearch-project/opensearch'.",
  )
}
