import { AppError } from './errors.ts';

/** Who asks. */
export interface Viewer {
  readonly accountId: number;
  /** Name of the account's plan, such as FREE. */
  readonly plan: string;
  /** How they showed who they are: a signed-in session, an API key, a token of the configured OIDC issuer. */
  readonly via: 'SESSION' | 'KEY' | 'OIDC';
  /** Hash of the session's id, in hexadecimal digits, to end it; for SESSION only. */
  readonly session?: string;
}

/** What a request shows to say who asks: an API key or a signed token, or the cookie of a signed-in browser. */
export interface Credential {
  readonly kind: 'TOKEN' | 'COOKIE';
  readonly text: string;
}

/** Who asks by what they show; null when anonymous. Throws UNAUTHENTICATED where it is shown and not, or no longer, valid. */
export type Authenticate = (credential: Credential | null) => Promise<Viewer | null>;

/** Who asks, where only somebody may. Throws UNAUTHENTICATED for an anonymous request. */
export function requireViewer({ viewer }: { readonly viewer: Viewer | null }): Viewer {
  if (viewer === null)
    throw new AppError('UNAUTHENTICATED', 'Say who you are: sign in, or send an API key in the header x-api-key.');
  return viewer;
}

/**
 * Whose eyes an answer is for: answers of equal visibility may be shared, others never. Anonymous requests and public
 * data are `public`; an account's own data names the account.
 */
export function visibilityOf(viewer: Viewer | null): string {
  return viewer === null ? 'public' : `account ${viewer.accountId}`;
}
