import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { AppError } from '../lib/errors.ts';

/** An OpenID Connect issuer outside: says who a bearer token is of, by the keys it publishes. */
export interface IdentityProvider {
  readonly issuer: string;
  /**
   * Who a token is of and until when (epoch ms); null where it is not good: not by this issuer, not for us, changed, by
   * an algorithm that is not allowed, expired. Throws SERVICE_UNAVAILABLE where the issuer's keys cannot be had.
   */
  verify(token: string, nowMs: number): Promise<{ readonly subject: string; readonly expiresAt: number } | null>;
}

/** Where an issuer is and what its tokens must say. */
export interface IdentityProviderOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Null: told by the issuer's /.well-known/openid-configuration. */
  readonly jwksUrl: string | null;
}

/** Asymmetric ones only: with a symmetric one our own knowledge of the key would let us, and whoever hacks us, sign. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const answerMs = 5_000;
/** Keys are asked for again after this; an unknown key asks sooner, though not again and again. */
const keysMs = { cacheMaxAge: 600_000, cooldownDuration: 30_000, timeoutDuration: answerMs };
const skewSeconds = 30;

/** Makes the reader of an issuer's tokens; it asks the issuer for nothing before the first token comes. */
export function createIdentityProvider({ issuer, audience, jwksUrl }: IdentityProviderOptions): IdentityProvider {
  let keys: ReturnType<typeof createRemoteJWKSet> | null = null;
  return {
    issuer,
    async verify(token, nowMs) {
      try {
        keys ??= createRemoteJWKSet(new URL(jwksUrl ?? (await discover(issuer))), keysMs);
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms,
          requiredClaims: ['sub', 'exp'],
          clockTolerance: skewSeconds,
          currentDate: new Date(nowMs),
        });
        return payload.sub ? { subject: payload.sub, expiresAt: (payload.exp ?? 0) * 1000 } : null;
      } catch (error) {
        if (error instanceof errors.JOSEError && !isAway(error)) return null;
        const sentence = 'The issuer of the token cannot be asked for its keys now; try again in a few seconds.';
        throw new AppError('SERVICE_UNAVAILABLE', sentence, { cause: error });
      }
    },
  };
}

/** jose says JWKSTimeout for silence and a bare JOSEError for an answer that is no key set. */
function isAway(error: errors.JOSEError): boolean {
  return error instanceof errors.JWKSTimeout || error.code === 'ERR_JOSE_GENERIC';
}

async function discover(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(answerMs) });
  const found = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (found.issuer !== issuer || typeof found.jwks_uri !== 'string')
    throw new Error(`${url} does not describe ${issuer}`);
  return found.jwks_uri;
}
