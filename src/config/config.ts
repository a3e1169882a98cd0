/** What `venomqa.config.*` may say. Each member is optional; environment variables of the same meaning win over it. */
export interface Config {
  /** Where the application answers: `api` of a world gets it. `VENOMQA_BASE_URL` */
  readonly baseUrl?: string
  /** Where the one database is: short for `systems: { db: … }`. `VENOMQA_DB_URL` */
  readonly dbUrl?: string
  /** By which backend `dbUrl` is rolled back: ours, or one that package.json registers. Default: by the URL. `VENOMQA_DB_BACKEND` */
  readonly dbBackend?: string
  /** The systems by the names that steps use: a URL, or more. `VENOMQA_<NAME>_URL` */
  readonly systems?: Readonly<Record<string, string | SystemConfig>>
  /** How long a step may take that has no time-out of its own: seconds, or `'500ms'`, `'30s'`, `'2m'`. Default: the runner's. `VENOMQA_TIMEOUT` */
  readonly timeout?: number | string
  /** How many workers may run paths at once, each on a database of its own. Default 1. `VENOMQA_PARALLEL_PATHS` */
  readonly parallelPaths?: number | string
  /** Whether each checkpoint and rollback is told, with its time. Default false. `VENOMQA_VERBOSE` */
  readonly verbose?: boolean | string
}

/** One system. */
export interface SystemConfig {
  readonly url?: string
  /** Ours, or one that package.json registers. Default: by the URL. */
  readonly backend?: string
  /** What the backend may be told beside the URL, such as `settle` of `postgres(url, { settle })`. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** The configuration as it was given, typed: for `venomqa.config.ts`. */
export function defineConfig(config: Config): Config {
  return config
}
