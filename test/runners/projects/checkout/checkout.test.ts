import { branch, checkpoint, did, journey, step } from './world'

journey('checkout', () => {
  step('sign up', did('signup'))
  checkpoint('signed up')
  step('order', did('order'))
  checkpoint('order created')

  branch('refund', () => {
    step('refund it', did('refund'))
    checkpoint('refunded')
    branch('again', () => {
      step('refund again', did('again'))
    })
    branch('receipt', () => {
      step('open the receipt', did('receipt'))
    })
  })

  branch('cancel', () => {
    step('cancel it', did('cancel'))
  })

  branch('leave', { from: 'signed up' }, () => {
    step('delete the account', did('leave'))
  })

  step('ship', did('ship'))
})
