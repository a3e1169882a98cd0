import { Column, Entity, ManyToOne, PrimaryGeneratedColumn } from 'typeorm'

@Entity('shows')
export class Show {
  @PrimaryGeneratedColumn()
  id!: number

  @Column('text')
  title!: string

  @Column('int')
  seats!: number
}

export type Status = 'reserved' | 'paid' | 'returned'

@Entity('tickets')
export class Ticket {
  @PrimaryGeneratedColumn()
  id!: number

  @ManyToOne(() => Show, { nullable: false, onDelete: 'CASCADE' })
  show!: Show

  @Column('text')
  holder!: string

  @Column('text', { default: 'reserved' })
  status!: Status
}
