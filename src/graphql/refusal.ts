import { AppError } from '../lib/errors.ts';
import { builder } from './builder.ts';

/**
 * How mutations tell an expected failure: as a member of their result union, so that a client's types know it. What is
 * not expected, and who may not ask at all, stays an error of the request.
 */

// Here rather than in builder.ts: a schema of domains that change nothing must not have an empty root.
builder.mutationType({
  description: 'Everything that changes something; an expected failure is a member of the result union.',
});

/** An expected failure of a mutation. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly code: string;
  readonly message: string;
}

/** The member that every result union has beside its success. */
export const RefusalRef = builder.objectRef<Refusal>('Refusal').implement({
  description: 'Why a mutation did not do what was asked; nothing was changed.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'One of the error codes of the API, such as BAD_USER_INPUT.' }),
    message: t.exposeString('message', { description: 'A sentence that says what to do.' }),
  }),
});

/** Tells a refusal from a success, in the `resolveType` of a result union. */
export function isRefusal(value: object): value is Refusal {
  return 'kind' in value && value.kind === 'refusal';
}

/** What `run` gives, or its expected failure as a value; UNAUTHENTICATED and bugs are thrown on. */
export async function orRefusal<Success>(run: () => Promise<Success>): Promise<Success | Refusal> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'UNAUTHENTICATED') throw error;
    return { kind: 'refusal', code: error.code, message: error.message };
  }
}
