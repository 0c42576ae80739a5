/**
 * Which web pages may use the API from a browser: those of its own origin and of the origins in the configuration. Any
 * other origin gets no CORS header and cannot open a WebSocket. Credentials are never allowed across origins.
 */

/** Whether a browser page of `origin` may talk to the server at `host`; requests without an origin are not from pages. */
export function isAllowedOrigin(origin: string | null, host: string | null, allowed: readonly string[]): boolean {
  if (origin === null || allowed.includes('*') || allowed.includes(origin)) return true;
  return host !== null && (origin === `http://${host}` || origin === `https://${host}`);
}

/** CORS headers for a request: none for a foreign origin; the preflight ones when asked before the request. */
export function corsHeaders(
  header: (name: string) => string | null | undefined,
  allowed: readonly string[],
  isPreflight: boolean,
): Record<string, string> {
  const origin = header('origin') ?? null;
  if (origin === null || !isAllowedOrigin(origin, header('host') ?? null, allowed)) return { vary: 'origin' };
  return {
    vary: 'origin',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'x-request-id, retry-after',
    ...(isPreflight
      ? {
          'access-control-allow-methods': 'GET, POST',
          'access-control-allow-headers': 'content-type, authorization, x-api-key, x-request-id, last-event-id',
          'access-control-max-age': '600',
        }
      : {}),
  };
}
