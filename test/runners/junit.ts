import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { validateXML } from 'xmllint-wasm'
import { root } from './package.ts'

/** The test cases of a JUnit report by their names, with what is inside each. Throws unless the report keeps junit.xsd. */
export async function casesOf(xml: string): Promise<ReadonlyMap<string, string>> {
  const schema = { fileName: 'junit.xsd', contents: readFileSync(join(root, 'test/runners/junit.xsd'), 'utf8') }
  const { valid, errors } = await validateXML({ xml: [{ fileName: 'report.xml', contents: xml }], schema: [schema] })
  if (!valid) throw new Error(errors.map(({ rawMessage }) => rawMessage).join('\n'))
  const cases = xml.matchAll(/<testcase [^>]*?\bname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)
  return new Map([...cases].map(([, name = '', inside = '']) => [name, inside]))
}
