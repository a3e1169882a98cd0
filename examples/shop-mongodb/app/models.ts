import { type Connection, type InferSchemaType, Schema } from 'mongoose'

const users = new Schema({ name: { type: String, required: true, unique: true } })

const goods = new Schema({ _id: String, price: { type: Number, required: true }, left: { type: Number, min: 0 } })

const orders = new Schema(
  {
    number: { type: Number, required: true, unique: true },
    user: { type: Schema.Types.ObjectId, ref: 'User', required: true },
    lines: [{ item: { type: String, ref: 'Goods' }, price: Number, _id: false }],
    status: { type: String, enum: ['open', 'paid', 'shipped', 'cancelled', 'refunded'], default: 'open' },
    history: [{ status: String, at: Date, _id: false }],
  },
  { timestamps: true },
)

const counters = new Schema({ _id: String, last: { type: Number, required: true } })

const reviews = new Schema(
  { item: String, user: Schema.Types.ObjectId, stars: { type: Number, min: 1, max: 5 } },
  { autoCreate: false, autoIndex: false },
)

export type Order = InferSchemaType<typeof orders>

/** The collections of the shop. That of the reviews is there as soon as there is one. */
export function modelsOn(connection: Connection) {
  return {
    User: connection.model('User', users),
    Goods: connection.model('Goods', goods, 'goods'),
    Order: connection.model('Order', orders),
    Counter: connection.model('Counter', counters),
    Review: connection.model('Review', reviews),
  }
}
