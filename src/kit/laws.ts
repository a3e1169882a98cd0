import { application } from './laws/application.ts'
import { data } from './laws/data.ts'
import { marks } from './laws/marks.ts'
import { promises } from './laws/promises.ts'
import { reports } from './laws/reports.ts'
import { programs } from './programs.ts'

/** What every system keeps. Each law reads as a sentence, and its name is the name of its test. */
export const laws = { ...data, ...marks, ...application, ...promises, ...reports, ...programs }

/** The name of a law. */
export type LawName = keyof typeof laws
