import { ConflictException, Injectable, NotFoundException } from '@nestjs/common'
import { DataSource, In } from 'typeorm'
import { Show, type Status, Ticket } from './entities.ts'

/** Sells the seats of shows. */
@Injectable()
export class BoxOffice {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  announce(title: string, seats: number): Promise<Show> {
    return this.#db.getRepository(Show).save({ title, seats })
  }

  async look(id: number): Promise<{ title: string; left: number }> {
    const show = await this.#db.getRepository(Show).findOneBy({ id })
    if (!show) throw new NotFoundException('there is no such show')
    const sold = await this.#db.getRepository(Ticket).countBy(taken(id))
    return { title: show.title, left: show.seats - sold }
  }

  /** The show is locked, so that two cannot take its last seat. */
  reserve(id: number, holder: string): Promise<Ticket> {
    return this.#db.transaction(async (tx) => {
      const show = await tx.findOne(Show, { where: { id }, lock: { mode: 'pessimistic_write' } })
      if (!show) throw new NotFoundException('there is no such show')
      if (await tx.existsBy(Ticket, { ...taken(id), holder })) throw new ConflictException('one seat each')
      if ((await tx.countBy(Ticket, taken(id))) >= show.seats) throw new ConflictException('sold out')
      return tx.save(Ticket, { show, holder })
    })
  }

  async move(id: number, from: Status, to: Status): Promise<Ticket> {
    const tickets = this.#db.getRepository(Ticket)
    const { affected } = await tickets.update({ id, status: from }, { status: to })
    if (affected === 0) throw new ConflictException(`this ticket cannot be ${to}`)
    return tickets.findOneByOrFail({ id })
  }
}

const taken = (id: number) => ({ show: { id }, status: In(['reserved', 'paid'] satisfies Status[]) })
