import { checkpoint } from './world'

checkpoint('lonely') // here
