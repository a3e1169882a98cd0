import { step } from './world'

step('lonely', () => {}) // here
