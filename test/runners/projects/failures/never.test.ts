import { branch, checkpoint, did, journey, step, test } from './world'

journey('never', () => {
  step('a step', did('n'))
  checkpoint('here')
  branch('ends', () => {
    step('hangs', { timeout: 40 }, () => new Promise(() => {})) // here: hangs
  })
  branch('comes next', () => void step('its step', did('next')))
  branch('comes later', () => void step('its step', did('later')))
})

journey('another', () => void step('a step', did('another')))

test('a plain test', ({ db }) => void db.set('plain', '1'))
test('a second plain test', ({ db }) => void db.set('plain', '2'))
