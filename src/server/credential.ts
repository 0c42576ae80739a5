import { AppError } from '../lib/errors.ts';
import type { Authenticate, Credential, Viewer } from '../lib/viewer.ts';

/**
 * Where a request shows who asks: an API key in `x-api-key`, a key or a token in `Authorization: Bearer`, the cookie of a
 * signed-in browser. A WebSocket shows them in the payload of `connection_init` under the same names, else in the headers
 * of its upgrade.
 */

/** The cookie that holds a session. */
export const sessionCookie = 'tokengraph_session';

/** The header that sets the cookie, out of reach of scripts and of other sites' requests; empty and 0 remove it. */
export function sessionCookieOf(token: string, lifeMs: number, publicOrigin: string | null): string {
  const secure = publicOrigin?.startsWith('https:') ? '; Secure' : '';
  return `${sessionCookie}=${token}; Path=/graphql; Max-Age=${Math.floor(lifeMs / 1000)}; HttpOnly; SameSite=Lax${secure}`;
}

/** What a request carries, however it came. */
export interface Carrier {
  /** Headers by lower-case name. */
  readonly header: (name: string) => string | null;
  /** Payload of `connection_init`; empty over HTTP. */
  readonly connectionParams: Readonly<Record<string, unknown>>;
}

/** What a request shows of who asks, the most explicit first; null when nothing. */
export function readCredential({ header, connectionParams }: Carrier, publicOrigin: string | null): Credential | null {
  const params = Object.entries(connectionParams).map(([name, value]) => [name.toLowerCase(), value] as const);
  const param = (name: string): string | null => {
    const value = params.find(([given]) => given === name)?.[1];
    return typeof value === 'string' ? value : null;
  };
  const shown =
    param('x-api-key') ?? bearerOf(param('authorization')) ?? header('x-api-key') ?? bearerOf(header('authorization'));
  if (shown !== null) return { kind: 'TOKEN', text: shown.trim() };
  const cookie = isOwnPage(header, publicOrigin) ? cookieOf(header('cookie')) : null;
  return cookie === null ? null : { kind: 'COOKIE', text: cookie };
}

/** What stands after `Bearer`, or alone; other schemes are for a proxy in front of us. */
function bearerOf(authorization: string | null): string | null {
  return /^(?:bearer\s+)?(\S+)$/i.exec(authorization?.trim() ?? '')?.[1] ?? null;
}

function cookieOf(cookies: string | null): string | null {
  for (const part of (cookies ?? '').split(';')) {
    const [name = '', value = ''] = part.trim().split('=', 2);
    if (name === sessionCookie && value !== '') return value;
  }
  return null;
}

/**
 * A cookie comes by itself, whoever wrote the page, so it counts only for pages of our own origin, whatever else CORS
 * allows. Requests without an origin are not from pages, or read only.
 */
function isOwnPage(header: Carrier['header'], publicOrigin: string | null): boolean {
  const origin = header('origin');
  const host = header('host');
  return origin === null || origin === publicOrigin || origin === `http://${host}` || origin === `https://${host}`;
}

/** Who it is from, null when anonymous, as of now. Throws UNAUTHENTICATED where what is shown is not valid. */
export type Check = () => Promise<Viewer | null>;

/** Reads what is shown once, to be judged now and again. Without `access` everybody is anonymous. */
export function createCheck(
  access: { readonly authenticate: Authenticate; readonly publicOrigin: string | null } | undefined,
  carrier: Carrier,
): Check {
  if (!access) return () => Promise.resolve(null);
  const credential = readCredential(carrier, access.publicOrigin);
  return () => access.authenticate(credential);
}

/** Whether a check still gives the account it gave before. Where that cannot be told, the next time will tell. */
export async function isStill(viewer: Viewer, check: Check): Promise<boolean> {
  try {
    return (await check())?.accountId === viewer.accountId;
  } catch (error) {
    return !(error instanceof AppError && error.code === 'UNAUTHENTICATED');
  }
}
