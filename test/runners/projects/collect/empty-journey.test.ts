import { checkpoint, journey } from './world'

journey('shop', () => { // here
  checkpoint('nothing yet')
})
