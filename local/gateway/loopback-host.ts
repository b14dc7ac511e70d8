/**
 * Whether a request was meant for this machine. A web page can have its own host name resolved to 127.0.0.1 and then
 * read and write here as its own server; but its requests still carry its name.
 */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host);
}
