import { Body, Controller, Get, HttpCode, Module, Param, ParseIntPipe, Post } from '@nestjs/common'
import { TypeOrmModule } from '@nestjs/typeorm'
import { BoxOffice } from './box-office.ts'
import { Show, Ticket } from './entities.ts'

@Controller('shows')
class Shows {
  readonly #office: BoxOffice

  constructor(office: BoxOffice) {
    this.#office = office
  }

  @Post()
  announce(@Body() { title, seats }: Show): Promise<Show> {
    return this.#office.announce(title, seats)
  }

  @Get(':id')
  look(@Param('id', ParseIntPipe) id: number): Promise<{ title: string; left: number }> {
    return this.#office.look(id)
  }

  @Post(':id/tickets')
  reserve(@Param('id', ParseIntPipe) id: number, @Body() { holder }: Ticket): Promise<Ticket> {
    return this.#office.reserve(id, holder)
  }
}

@Controller('tickets')
class Tickets {
  readonly #office: BoxOffice

  constructor(office: BoxOffice) {
    this.#office = office
  }

  @Post(':id/pay')
  @HttpCode(200)
  pay(@Param('id', ParseIntPipe) id: number): Promise<Ticket> {
    return this.#office.move(id, 'reserved', 'paid')
  }

  @Post(':id/return')
  @HttpCode(200)
  giveBack(@Param('id', ParseIntPipe) id: number): Promise<Ticket> {
    return this.#office.move(id, 'reserved', 'returned')
  }
}

const { POSTGRES_URL = 'postgres://postgres@localhost:5432/box_office' } = process.env

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: POSTGRES_URL, entities: [Show, Ticket], synchronize: true }),
  ],
  controllers: [Shows, Tickets],
  providers: [BoxOffice],
})
export class App {}
