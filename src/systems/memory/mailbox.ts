import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { callbackify } from 'node:util'
import type PostalMime from 'postal-mime'
import type { SMTPServer, SMTPServerSession } from 'smtp-server'
import { VenomError } from '../../errors.ts'
import { immutable, type MemorySystem } from './memory.ts'
import { portTaken } from './port.ts'

/** One mail as it was sent. */
export interface Mail {
  /** The address it was sent from. */
  readonly from: string
  /** The addresses it was sent to, blind copies included. */
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly attachments: readonly { readonly filename: string; readonly type: string; readonly content: Buffer }[]
}

/** All mails that were sent, and those to one address, in the order in which they came. */
export interface Mailbox {
  readonly mails: readonly Mail[]
  to(address: string): readonly Mail[]
  /** Sends a mail from this process; what is left out is empty. */
  deliver(mail: Partial<Mail>): void
}

/** How a mailbox is reached. */
export interface MailboxOptions {
  /**
   * Listens for SMTP on this port of 127.0.0.1, 0 for any free one: the application sends its mails to
   * `world.url('mail')`, whatever it is written in. Needs the packages smtp-server and postal-mime. Default: no SMTP.
   */
  readonly smtp?: number
}

/**
 * A mailbox that is rolled back: mails that were sent in a branch are not there in the next.
 *
 * Throws `DRIVER_MISSING` when SMTP is asked for and a package is not installed, `LOCKED` when the port is taken.
 */
export function mailbox({ smtp }: MailboxOptions = {}): MemorySystem<readonly Mail[], Mailbox> {
  let mails: readonly Mail[] = []
  const deliver = (mail: Partial<Mail>): void => {
    mails = [...mails, { from: '', to: [], subject: '', text: '', html: '', attachments: [], ...mail }]
  }
  const handle: Mailbox = {
    get mails() {
      return mails
    },
    to: (address) => mails.filter(({ to }) => to.some((one) => one.toLowerCase() === address.toLowerCase())),
    deliver,
  }
  const system = immutable({
    get: () => mails,
    set(value: readonly Mail[]) {
      mails = value
    },
  })
  const named = {
    ...system,
    handle,
    changes(since: readonly Mail[]) {
      const inserted = mails.filter((mail) => !since.includes(mail)).map((mail) => ({ ...mail }))
      const deleted = since.filter((mail) => !mails.includes(mail)).map((mail) => ({ ...mail }))
      return inserted.length + deleted.length === 0 ? [] : [{ key: 'mails', inserted, updated: [], deleted }]
    },
    reset() {
      mails = []
    },
  }
  if (smtp === undefined) return { ...named, way: 'mailbox: the list of mails' }
  let server: SMTPServer | undefined
  return {
    ...named,
    way: 'mailbox: the list of mails that came by SMTP',
    get url() {
      const address = server?.server.address() as AddressInfo | null | undefined
      return address ? `smtp://127.0.0.1:${address.port}` : undefined
    },
    async open() {
      server = await listening(smtp, deliver)
    },
    async close() {
      const closing = server
      server = undefined
      if (closing) await new Promise<void>((resolve) => closing.close(resolve))
    },
  }
}

async function listening(port: number, deliver: (mail: Mail) => void): Promise<SMTPServer> {
  const [{ SMTPServer }, { default: reader }] = await Promise.all([
    load(() => import('smtp-server')),
    load(() => import('postal-mime')),
  ])
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username }, _session, done) => done(null, { user: username ?? 'anyone' }),
    onData(stream, { envelope }, done) {
      callbackify(async () => deliver(await received(stream, envelope, reader)))(done)
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject) // Later, of a client that hung up, it changes nothing.
    server.listen(port, '127.0.0.1', resolve)
  }).catch((error: unknown) => {
    throw portTaken('mailbox', port, error)
  })
  return server
}

async function received(
  stream: Readable,
  envelope: SMTPServerSession['envelope'],
  reader: typeof PostalMime,
): Promise<Mail> {
  const mail = await reader.parse(Buffer.concat(await stream.toArray()), { attachmentEncoding: 'arraybuffer' })
  return {
    from: envelope.mailFrom ? envelope.mailFrom.address : '',
    to: envelope.rcptTo.map(({ address }) => address),
    subject: mail.subject ?? '',
    text: mail.text?.trimEnd() ?? '',
    html: mail.html?.trimEnd() ?? '',
    attachments: mail.attachments.map(({ filename, mimeType, content }) => ({
      filename: filename ?? '',
      type: mimeType,
      content: Buffer.from(content as ArrayBuffer),
    })),
  }
}

async function load<T>(module: () => Promise<T>): Promise<T> {
  try {
    return await module()
  } catch (cause) {
    throw new VenomError(
      'DRIVER_MISSING',
      'mailbox: the packages smtp-server and postal-mime are not installed.\nThe mailbox listens for SMTP with the one and reads mails with the other; venomqa brings neither.\nRun npm install -D smtp-server postal-mime.',
      { cause },
    )
  }
}
