import { builder } from '../graphql/builder.ts';
import { isRefusal, orRefusal, RefusalRef } from '../graphql/refusal.ts';
import { AccountRef } from './schema.ts';
import { sessionMs } from './session.ts';
import { endSession, recordNonce, type SignedIn, type SiweNonce, signInWithEthereum } from './session-store.ts';
import { loadOwnAccount } from './store.ts';

/** What the client gets, and whether the token went into a cookie instead. */
type Shown = SignedIn & { readonly isInCookie: boolean };

const SiweNonceRef = builder.objectRef<SiweNonce>('SiweNonce').implement({
  description: 'A nonce to be put into a Sign-In with Ethereum message: good once, for ten minutes.',
  fields: (t) => ({
    nonce: t.exposeString('nonce', { description: '32 letters and digits.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'Until when.', resolve: ({ expiresAt }) => expiresAt }),
  }),
});

const SignedInRef = builder.objectRef<Shown>('SignedIn').implement({
  description: 'Somebody signed in.',
  fields: (t) => ({
    account: t.field({
      type: AccountRef,
      description: 'Their account; made at the first time.',
      resolve: ({ accountId }, _args, ctx) => loadOwnAccount(ctx, accountId),
    }),
    token: t.string({
      nullable: true,
      description: 'To be sent as `Authorization: Bearer`; null where it was put into a cookie.',
      resolve: ({ token, isInCookie }) => (isInCookie ? null : token),
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When the session ends, 24 hours from now.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
  }),
});

const SignInResult = builder.unionType('SignInResult', {
  description: 'What came of signing in.',
  types: [SignedInRef, RefusalRef],
  resolveType: (value) => (isRefusal(value) ? RefusalRef : SignedInRef),
});

builder.mutationField('siweNonce', (t) =>
  t.field({
    type: SiweNonceRef,
    description: 'Gives out a nonce for Sign-In with Ethereum.',
    resolve: (_root, _args, ctx) => recordNonce(ctx),
  }),
);

builder.mutationField('signInWithEthereum', (t) =>
  t.field({
    type: SignInResult,
    description: 'Signs in the owner of an Ethereum address (EIP-4361): of its key, or of its contract (EIP-1271).',
    args: {
      message: t.arg.string({ required: true, description: 'The message that was signed, to the letter.' }),
      signature: t.arg.string({ required: true, description: 'The signature: 0x and hexadecimal digits.' }),
      useCookie: t.arg.boolean({
        required: true,
        defaultValue: false,
        description:
          'Put the token into an HttpOnly cookie for our own pages, where scripts cannot read it. HTTP only.',
      }),
    },
    resolve: (_root, { message, signature, useCookie }, ctx) =>
      orRefusal(async () => {
        const signedIn = await signInWithEthereum(ctx, message, signature);
        const isInCookie = useCookie && ctx.setSessionCookie !== undefined;
        if (isInCookie) ctx.setSessionCookie?.(signedIn.token, sessionMs);
        return { ...signedIn, isInCookie };
      }),
  }),
);

builder.mutationField('signOut', (t) =>
  t.boolean({
    description:
      'Ends the session that asks, and removes its cookie; whether there was one. API keys stay: revokeApiKey.',
    resolve: (_root, _args, ctx) => {
      ctx.setSessionCookie?.('', 0);
      const session = ctx.viewer?.session;
      return session === undefined ? false : endSession(ctx, Buffer.from(session, 'hex'));
    },
  }),
);
