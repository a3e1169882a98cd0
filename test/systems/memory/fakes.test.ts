import { createServer } from 'node:net'
import { once } from 'node:events'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { http, HttpResponse, passthrough } from 'msw'
import { createTransport } from 'nodemailer'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Systems } from '../../../src/world.ts'
import { clock, mailbox, queue, random, service } from '../../../src/systems/memory/index.ts'
import { World } from '../../../src/world.ts'

async function open<const S extends Systems>(systems: S) {
  const world = await World.open({ systems })
  onTestFinished(() => world.close())
  return world
}

describe('queue', () => {
  test('what was pushed goes, what was taken comes back, with its content', async () => {
    const { systems, rollback, changes, observe, reset, start } = bound(await open({ jobs: queue([{ mail: 'ada' }]) }))
    const { jobs } = systems
    const first = await observe()
    const taken = jobs.take()!
    taken.mail = 'changed'
    jobs.push({ mail: 'bob' })
    expect(jobs.jobs).toEqual([{ mail: 'bob' }])
    expect((await changes()).jobs).toHaveLength(1)
    await rollback(start)
    expect(jobs.jobs).toEqual([{ mail: 'ada' }])
    expect(await observe()).toEqual(first)
    await reset()
    expect(jobs.jobs).toEqual([])
    await rollback(start)
    expect([jobs.take(), jobs.take()]).toEqual([{ mail: 'ada' }, undefined])
  })
})

describe('random', () => {
  test('gives the same values after a rollback, and others from another seed', async () => {
    const world = await open({ dice: random(7), other: random(8) })
    const draw = ({ number, integer, uuid }: typeof world.systems.dice) => [number(), integer(1, 6), uuid()]
    const [first, second] = [draw(world.systems.dice), draw(world.systems.dice)]
    expect(second).not.toEqual(first)
    expect(draw(world.systems.other)).not.toEqual(first)
    await world.rollback(world.start)
    expect([draw(world.systems.dice), draw(world.systems.dice)]).toEqual([first, second])
    expect(first[2]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('is as even as can be expected', async () => {
    const { integer, number } = random(1).handle
    const counts = [0, 0, 0, 0, 0, 0]
    for (let i = 0; i < 60_000; i++) counts[integer(1, 6) - 1]! += 1
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
    const numbers = Array.from({ length: 1000 }, number)
    expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true)
  })

  test('may be what Math.random() draws from, while the world is open', async () => {
    const real = Math.random
    const world = await World.open({ systems: { dice: random(1, { global: true }) } })
    const first = [Math.random(), Math.random()]
    await world.rollback(world.start)
    expect([Math.random(), Math.random()]).toEqual(first)
    await world.close()
    expect(Math.random).toBe(real)
  })
})

describe('clock', () => {
  test('stands still, is moved, and goes back', async () => {
    const world = await open({ clock: clock(vi, { now: '2026-12-24T18:00:00Z' }) })
    const { clock: time } = world.systems
    expect(new Date().toISOString()).toBe('2026-12-24T18:00:00.000Z')
    const eve = await world.checkpoint('eve')
    await time.advance(90_000)
    expect(time.now().toISOString()).toBe('2026-12-24T18:01:30.000Z')
    expect((await world.changes(eve)).clock).toMatchObject([{ key: 'clock', updated: [{}] }])
    time.set('2030-01-01')
    await world.rollback(eve)
    expect(Date.now()).toBe(Date.parse('2026-12-24T18:00:00Z'))
    vi.useRealTimers()
    await world.rollback(eve)
    expect(Date.now()).toBe(Date.parse('2026-12-24T18:00:00Z'))
  })

  test('leaves timers alone, unless it is told not to', async () => {
    const world = await World.open({ systems: { clock: clock(vi) } })
    await new Promise((resolve) => setTimeout(resolve, 5))
    await world.close()
    expect(Math.abs(Date.now() - performance.timeOrigin - performance.now())).toBeLessThan(1000)

    const faked = await open({ clock: clock(vi, { timers: true }) })
    const rung: string[] = []
    setTimeout(() => rung.push('before'), 1000)
    await expect(faked.checkpoint('too early')).rejects.toMatchObject({
      code: 'NOT_QUIET',
      message: expect.stringContaining('1 timer is pending'),
    })
    await faked.systems.clock.advance(1000)
    expect(rung).toEqual(['before'])
    const mark = await faked.checkpoint('quiet')
    setTimeout(() => rung.push('in a branch'), 1000)
    await faked.rollback(mark)
    await faked.systems.clock.advance(5000)
    expect(rung).toEqual(['before'])
  })

  test('refuses what is no date', () => {
    expect(() => clock(vi, { now: 'soon' }).open!({} as never)).toThrow('clock: "soon" is no date.')
  })
})

describe('mailbox', () => {
  test('mails of a branch are not in the next', async () => {
    const world = await open({ mail: mailbox() })
    const { mail } = world.systems
    mail.deliver({ to: ['ada@example.com'], subject: 'welcome' })
    const mark = await world.checkpoint('welcomed')
    mail.deliver({ to: ['Ada@example.com', 'bob@example.com'], subject: 'receipt' })
    expect(mail.to('ADA@example.com').map(({ subject }) => subject)).toEqual(['welcome', 'receipt'])
    expect((await world.changes(mark)).mail).toMatchObject([{ key: 'mails', inserted: [{ subject: 'receipt' }] }])
    await world.rollback(mark)
    expect(mail.mails.map(({ subject }) => subject)).toEqual(['welcome'])
    await world.reset()
    expect(mail.mails).toEqual([])
  })

  test('takes mails by SMTP, from any program', async () => {
    const world = await open({ mail: mailbox({ smtp: 0 }) })
    const url = world.url('mail')!
    const transport = createTransport(url)
    await transport.sendMail({
      from: 'Shop <shop@example.com>',
      to: 'Ada Löve <ada@example.com>',
      bcc: 'audit@example.com',
      subject: 'Ihre Bestellung – größer als je',
      text: 'Danke!\nGrüße',
      html: '<b>Danke!</b>',
      attachments: [{ filename: 'receipt.pdf', content: Buffer.from([37, 80, 68, 70]) }],
    })
    expect(world.systems.mail.mails).toEqual([
      {
        from: 'shop@example.com',
        to: ['ada@example.com', 'audit@example.com'],
        subject: 'Ihre Bestellung – größer als je',
        text: 'Danke!\nGrüße',
        html: '<b>Danke!</b>',
        attachments: [{ filename: 'receipt.pdf', type: 'application/pdf', content: Buffer.from([37, 80, 68, 70]) }],
      },
    ])
    await world.rollback(world.start)
    expect(world.systems.mail.mails).toEqual([])
    const withLogin = createTransport({ ...urlParts(url), auth: { user: 'any', pass: 'thing' } })
    await withLogin.sendMail({ from: 'a@example.com', to: 'b@example.com', subject: 'with a login', text: '' })
    expect(world.systems.mail.to('b@example.com')).toHaveLength(1)
    await world.close()
    await expect(transport.sendMail({ from: 'a@b.c', to: 'd@e.f', text: '' })).rejects.toThrow('ECONNREFUSED')
  })

  test('says so when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    await expect(World.open({ systems: { mail: mailbox({ smtp: port }) } })).rejects.toMatchObject({ code: 'LOCKED' })
    await expect(World.open({ systems: { pay: service([], { port }) } })).rejects.toMatchObject({ code: 'LOCKED' })
  })
})

describe('service', () => {
  const charges = new Map<string, { amount: number }>()
  const handlers = [
    http.post('https://api.pay.example/v1/charges', async ({ request }) => {
      const { amount } = (await request.json()) as { amount: number }
      const id = `ch_${charges.size + 1}`
      charges.set(id, { amount })
      return HttpResponse.json({ id, key: request.headers.get('authorization') }, { status: 201 })
    }),
    http.get('https://api.pay.example/v1/charges/:id', ({ params }) => {
      const charge = charges.get(String(params['id']))
      return charge ? HttpResponse.json(charge) : new HttpResponse(null, { status: 404 })
    }),
  ]

  test('answers an application in another process, and what it remembers is rolled back', async () => {
    const world = await open({ pay: service(handlers, { store: charges, origin: 'https://api.pay.example' }) })
    const url = world.url('pay')!
    const { stdout } = await promisify(execFile)(process.execPath, [
      '-e',
      `fetch('${url}/v1/charges', { method: 'POST', body: '{"amount":5}', headers: { authorization: 'sk_test' } })
         .then((answer) => answer.text()).then(console.log)`,
    ])
    expect(JSON.parse(stdout)).toEqual({ id: 'ch_1', key: 'sk_test' })
    expect(world.systems.pay.calls).toEqual([
      { method: 'POST', path: '/v1/charges', body: '{"amount":5}', status: 201 },
    ])
    const charged = await world.checkpoint('charged')
    expect((await fetch(`${url}/v1/charges/ch_1?expand=1`)).status).toBe(200)
    expect((await fetch(`${url}/v1/charges/ch_2`)).status).toBe(404)
    await fetch(`${url}/v1/charges`, { method: 'POST', body: '{"amount":7}' })
    expect(world.systems.pay.store.size).toBe(2)
    expect((await world.changes(charged)).pay).toMatchObject([
      { key: 'ch_2', inserted: [{ value: { amount: 7 } }] },
      { key: 'calls', inserted: [{ status: 200 }, { status: 404 }, { status: 201 }] },
    ])
    await world.rollback(charged)
    expect([...charges.keys()]).toEqual(['ch_1'])
    expect(world.systems.pay.calls).toHaveLength(1)
    await world.rollback(world.start)
    expect((await fetch(`${url}/v1/charges/ch_1`)).status).toBe(404)
  })

  test('cookies, bytes, broken connections and requests that are let through', async () => {
    const bytes = new Uint8Array([0, 255, 10])
    const world = await open({
      pay: service([
        http.get('*/cookies', () => {
          const headers = new Headers([
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ])
          return new HttpResponse(bytes, { headers })
        }),
        http.get('*/broken', () => HttpResponse.error()),
        http.get('*/through', () => passthrough()),
      ]),
    })
    const url = world.url('pay')
    const answer = await fetch(`${url}/cookies`)
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes)
    await expect(fetch(`${url}/broken`)).rejects.toThrow('fetch failed')
    expect((await fetch(`${url}/through`)).status).toBe(501)
  })

  test('says which request nobody answers', async () => {
    const world = await open({ pay: service(handlers, { origin: 'https://api.pay.example' }) })
    const answer = await fetch(`${world.url('pay')}/v2/refunds`, { method: 'DELETE' })
    expect([answer.status, await answer.text()]).toEqual([
      501,
      'service: no handler answers DELETE https://api.pay.example/v2/refunds\n',
    ])
  })
})

/** The members of a world, free to be taken apart. */
function bound<S extends Systems>(world: World<S>) {
  return {
    systems: world.systems,
    start: world.start,
    rollback: world.rollback.bind(world),
    changes: () => world.changes(),
    observe: () => world.observe(),
    reset: () => world.reset(),
  }
}

function urlParts(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
