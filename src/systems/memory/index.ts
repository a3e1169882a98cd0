export { clock, type Clock, type ClockOptions, type ClockSystem, type FakeTimers } from './clock.ts'
export { files, type FilesOptions, type FilesSystem } from './files.ts'
export { type Mail, mailbox, type Mailbox, type MailboxOptions } from './mailbox.ts'
export { type Accessors, immutable, memory, type MemorySystem } from './memory.ts'
export { queue, type Queue } from './queue.ts'
export { random, type Random, type RandomOptions } from './random.ts'
export {
  type Call,
  type RequestHandler,
  service,
  type Service,
  type ServiceMark,
  type ServiceOptions,
  type ServiceSystem,
} from './service.ts'
