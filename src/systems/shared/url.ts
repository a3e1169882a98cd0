/** A connection URL in its parts, percent-decoded; what it does not have is empty. */
export interface UrlParts {
  /** `mysql`, without the colon. */
  readonly scheme: string
  readonly user: string
  readonly password: string
  /** An IPv6 address stands without its brackets. */
  readonly host: string
  readonly port: number | undefined
  /** What comes after the host, without the first slash. */
  readonly path: string
  readonly options: Readonly<Record<string, string>>
}

/**
 * Reads `scheme://user:password@host:port/path?option=value`, or says in a few words why it cannot.
 *
 * A password may hold an unescaped `@`; `%`, `/`, `?` and `#` in it must be percent-encoded.
 */
export function urlParts(url: string): UrlParts | string {
  if (!URL.canParse(url)) return 'is not a URL'
  const { protocol, username, password, hostname, port, pathname, searchParams } = new URL(url)
  try {
    return {
      scheme: protocol.slice(0, -1),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      host: decodeURIComponent(hostname).replace(/^\[|\]$/g, ''),
      port: port === '' ? undefined : Number(port),
      path: decodeURIComponent(pathname).replace(/^\//, ''),
      options: Object.fromEntries(searchParams),
    }
  } catch {
    return 'holds a % that is not followed by two hexadecimal digits'
  }
}
