import { branch, checkpoint, did, journey, step } from './world'

journey.each([['card', 1], ['cash', 2]] as const)('pays by %s for %d', (how, amount) => {
  step('a step', did(`${how} ${amount}`))
})

journey('cases', () => {
  const both = step.each(['x', 'y'])('adds %s', ({ db }, letter) => did(`add ${letter}`)({ db, ctx: { log: [...db.keys()] } }))
  checkpoint('here')
  branch.each([{ name: 'ada', tags: ['a'] }, { name: 'bob', tags: [] }])('as $name with $tags, %#', ({ name }) => {
    step('reads both', () => {
      did(`${name} sees ${both.map((one) => one.value).join(' and ')}`)({ db: new Map(), ctx: { log: [] } })
    })
  })
})
