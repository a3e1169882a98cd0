import { journey } from './world'

// @ts-expect-error a journey needs a body
journey('shop') // here
