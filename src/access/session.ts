import { randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';

/**
 * Sessions as signed tokens (JWT, HS256). A token alone is not enough: its session must stand in the database, by the
 * hash of its id, so that it can be ended, and so that neither a leaked table nor a leaked secret makes a session.
 */

/** Longest life of a session, and the one that is given. */
export const sessionMs = 24 * 3_600_000;
/** Whose tokens these are; tells them from those of an OIDC issuer. */
export const sessionIssuer = 'tokengraph';

/** A new session's id: 192 random bits. */
export function createSessionId(): string {
  return randomBytes(24).toString('base64url');
}

/** The token of a session. Times are epoch milliseconds. */
export function signSession(secret: Uint8Array, id: string, nowMs: number, expiresAt: number): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(sessionIssuer)
    .setJti(id)
    .setIssuedAt(Math.floor(nowMs / 1000))
    .setExpirationTime(Math.floor(expiresAt / 1000))
    .sign(secret);
}

/** The session a token speaks of; null where it is not ours, was changed, or has expired. */
export async function readSessionId(secret: Uint8Array, token: string, nowMs: number): Promise<string | null> {
  try {
    const { payload } = await jwtVerify(token, secret, {
      algorithms: ['HS256'],
      issuer: sessionIssuer,
      requiredClaims: ['jti', 'exp'],
      currentDate: new Date(nowMs),
    });
    return payload.jti ?? null;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}
