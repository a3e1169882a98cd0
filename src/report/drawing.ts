import { Markup } from './markup.ts'

/** Draws a graph in Graphviz' language as SVG. */
export type Draw = (dot: string) => Markup

/** How to draw graphs; undefined where `@viz-js/viz` is not installed. */
export async function drawer(): Promise<Draw | undefined> {
  const { instance } = await import('@viz-js/viz').catch(() => ({ instance: undefined }))
  if (!instance) return undefined
  const viz = await instance()
  // Graphviz knows how wide the letters of Arial are.
  const font = { fontname: 'Arial', fontsize: 11 }
  const looks = { graphAttributes: { bgcolor: 'transparent' }, nodeAttributes: font, edgeAttributes: font }
  return (dot) => {
    const svg = viz.renderString(dot, { format: 'svg', ...looks })
    // Several drawings stand in one page, and each has the same ids.
    return new Markup(svg.slice(svg.indexOf('<svg')).replaceAll(/ id="[^"]*"/g, ''))
  }
}
