import { AppError } from './errors.ts';

/** Who asks. */
export interface Viewer {
  readonly accountId: number;
  /** Name of the account's plan, such as FREE. */
  readonly plan: string;
  /** How they showed who they are: a signed-in session, an API key, a token of the configured OIDC issuer. */
  readonly via: 'SESSION' | 'KEY' | 'OIDC';
}

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
