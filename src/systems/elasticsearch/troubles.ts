import { isVenomError, messageOf, VenomError } from '../../errors.ts'
import { Refusal } from './http.ts'

/** The past of an index is gone. */
export function pitGone(index: string): VenomError {
  return new VenomError(
    'MARK_LOST',
    `elasticsearch: the point in time of index "${index}" is gone, and its documents changed since the mark.\n` +
      'It ends when the index is closed or deleted, and when nobody used it for an hour.\n' +
      "Do not close indices in a branch, or keep a clone of each at every mark: elasticsearch(url, { way: 'copies', … }).",
  )
}

/** The nodes are other processes than at the mark. */
export function restarted(): VenomError {
  return new VenomError(
    'MARK_LOST',
    'elasticsearch: the server was started anew since the mark, which is therefore gone.\n' +
      'Points in time live in its memory, and after a crash it hands out numbers of writes a second time.\n' +
      'Fill the indices anew, and let the server run while a world is open.',
  )
}

/** An index that cannot come back. */
export function deletedIndex(index: string, what: 'deleted' | 'deleted and made anew'): VenomError {
  return new VenomError(
    'MARK_LOST',
    `elasticsearch: the index "${index}" was ${what} since the mark, and its documents with it.\n` +
      'A point in time dies with its index, so nobody knows any more what was in it. Nothing was touched.\n' +
      "Keep a clone of each index at every mark: elasticsearch(url, { way: 'copies', … }); or delete its documents instead.",
  )
}

/** An index was closed and its documents are others. */
export function closedIndex(index: string): VenomError {
  return new VenomError(
    'MARK_LOST',
    `elasticsearch: the index "${index}" was closed since the mark, and its documents changed as well.\n` +
      'A point in time does not outlive that its index is closed. Nothing was touched.\n' +
      "Keep a clone of each index at every mark: elasticsearch(url, { way: 'copies', … }).",
  )
}

/** Something of an index that nobody can put back as it stands. */
export function staticChange(index: string, settings: readonly string[]): VenomError {
  return new VenomError(
    'SCHEMA_CHANGED',
    `elasticsearch: of the index "${index}" were changed since the mark: ${settings.join(', ')}.\n` +
      'These can be changed only while an index is closed, which ends its points in time. Nothing was touched.\n' +
      "Keep a clone of each index at every mark: elasticsearch(url, { way: 'copies', … }).",
  )
}

/** A document that the index does not take. */
export function notWritten(index: string, id: string, why: string): VenomError {
  return new VenomError(
    'SCHEMA_CHANGED',
    `elasticsearch: the document "${id}" could not be put back into index "${index}": ${why}\n` +
      'The index, a limit of the server, or a write of this moment is in its way.\n' +
      'Undo that; if somebody writes by himself, stop him before the rollback.',
  )
}

/** Somebody writes all the time. */
export function keepsWriting(what: string, index: string): VenomError {
  return new VenomError(
    'NOT_QUIET',
    `elasticsearch: during ${what} somebody kept writing to index "${index}".\n` +
      'A worker, a timer or a request that was not awaited is still at work; its writes belong to no step.\n' +
      'Await it or stop it, or leave its index out: elasticsearch(url, { except: [] }).'.replace('[]', `['${index}']`),
    { retryable: true },
  )
}

/** What an error of the server means to the user; anything else is left as it is. */
export function explained(error: unknown, what: string): unknown {
  if (isVenomError(error)) return error
  if (error instanceof Refusal) {
    if (error.status === 401) return notLetIn(error)
    if (error.status === 403 && error.type === 'security_exception') return notAllowed(error, what)
    return refused(error, what)
  }
  const { code = '' } = Object(error) as { readonly code?: string }
  return /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOST|EAI_)/.test(code) ? away(error, what) : error
}

function refused(error: Refusal, what: string): VenomError {
  return new VenomError(
    'SYSTEM_FAILED',
    `elasticsearch: ${what} was refused by the server (HTTP ${error.status}): ${messageOf(error)}\n` +
      'A limit or a block of the server is in the way, or somebody changed the indices in this moment.\n' +
      'The text of the server says which; GET _cluster/settings and GET INDEX/_settings show them.',
    { cause: error },
  )
}

function away(error: unknown, what: string): VenomError {
  return new VenomError(
    'CONNECTION_REFUSED',
    `elasticsearch: the server does not answer while ${what}: ${messageOf(error)}\n` +
      'It is not running, or the address is wrong.\nStart it, and try the address with curl.',
    { cause: error, retryable: true },
  )
}

function notLetIn(error: unknown): VenomError {
  return new VenomError(
    'CONNECTION_REFUSED',
    `elasticsearch: the server does not let us in: ${messageOf(error)}\n` +
      'The user or the password in the URL is wrong, or missing.\n' +
      "Write elasticsearch('http://user:password@localhost:9200', …).",
    { cause: error },
  )
}

function notAllowed(error: unknown, what: string): VenomError {
  return new VenomError(
    'MISSING_GRANT',
    `elasticsearch: the user of the URL may not do what ${what} needs: ${messageOf(error)}\n` +
      'Rolling back asks for tasks and the state of the cluster, and rewrites indices and templates.\n' +
      'docs/systems/elasticsearch.md has the role that is enough; the application keeps its own user.',
    { cause: error },
  )
}
