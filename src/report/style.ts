/** The look of the page, in light and dark. */
export const STYLE = `
:root { color-scheme: light dark; font: 15px/1.6 system-ui, sans-serif; --line: light-dark(#d8dbe0, #3a3f47);
  --card: light-dark(#fff, #1c1f24); --pale: light-dark(#f4f5f7, #15171b); --text: light-dark(#1c2024, #e4e6ea);
  --dim: light-dark(#646b75, #949ca8); --good: light-dark(#1a7f37, #4cc26b); --bad: light-dark(#c4232c, #ff7b72);
  --wait: light-dark(#8a6100, #e0b04a); --mark: light-dark(#0f6d8f, #5cc0e4) }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 4rem; background: var(--pale); color: var(--text) }
h1 { margin: 0; font-size: 1.5rem } header p { margin: .2rem 0 0 }
h2 { margin: 2rem 0 .5rem; font: 600 .85rem ui-monospace, monospace; color: var(--dim) }
small { color: var(--dim) } p { margin: .3rem 0 }
summary { cursor: pointer } summary:hover { background: var(--pale) }
.card { margin: .5rem 0; padding: .6rem .9rem; border: 1px solid var(--line); border-radius: 8px; background: var(--card) }
ul { margin: .2rem 0 .2rem .45rem; padding: 0 0 0 1rem; border-left: 1px solid var(--line); list-style: none }
pre { margin: .3rem 0; padding: .5rem .7rem; overflow-x: auto; border-radius: 6px; background: var(--pale);
  color: var(--text); font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
pre span { display: block } .failure { border-left: 3px solid var(--bad) } .http { font: 13px/1.6 ui-monospace, monospace }
.checkpoint { color: var(--mark) } .not.run { color: var(--dim) }
.passed { color: var(--good) } .failed, .removed { color: var(--bad) } .added { color: var(--good) }
.skipped, .todo { color: var(--wait) } summary b, li b { color: var(--text) }
figure { margin: .5rem 0; overflow-x: auto } svg { max-width: 100%; height: auto }
svg text { fill: currentColor } svg [stroke=black] { stroke: currentColor } svg [fill=black] { fill: currentColor }
svg [stroke=red] { stroke: var(--bad) }
`
