import { builder } from '../graphql/builder.ts';
import { isRefusal, orRefusal, RefusalRef } from '../graphql/refusal.ts';
import { requireViewer } from '../lib/viewer.ts';
import {
  type ApiKey,
  type CreatedKey,
  graceSecondsDefault,
  listApiKeys,
  recordApiKey,
  revokeApiKey,
  rotateApiKey,
} from './key-store.ts';
import { ViewerRef } from './schema.ts';

const ApiKeyRef = builder.objectRef<ApiKey>('ApiKey').implement({
  description: 'A secret that lets a program ask in the name of an account; its text is shown once, when it is made.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Names the key; stands in its text between `tg_` and the next `_`.' }),
    name: t.exposeString('name', { description: 'What its owner calls it.' }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was made.', resolve: ({ createdAt }) => createdAt }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'From when it is refused; null: it works until it is revoked.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
  }),
});

const ApiKeyCreatedRef = builder.objectRef<CreatedKey>('ApiKeyCreated').implement({
  description: 'A new API key.',
  fields: (t) => ({
    apiKey: t.field({ type: ApiKeyRef, description: 'The key.', resolve: ({ apiKey }) => apiKey }),
    secret: t.exposeString('secret', {
      description: 'Its text, to be sent in the header x-api-key. Shown now and never again: only a hash is stored.',
    }),
  }),
});

const ApiKeyRevokedRef = builder.objectRef<{ readonly revoked: ApiKey }>('ApiKeyRevoked').implement({
  description: 'An API key was ended: every node refuses it within 5 s, open sockets that use it close within 60 s.',
  fields: (t) => ({ apiKey: t.field({ type: ApiKeyRef, description: 'The key.', resolve: ({ revoked }) => revoked }) }),
});

const createdUnion = (name: 'CreateApiKeyResult' | 'RotateApiKeyResult', description: string) =>
  builder.unionType(name, {
    description,
    types: [ApiKeyCreatedRef, RefusalRef],
    resolveType: (value) => (isRefusal(value) ? RefusalRef : ApiKeyCreatedRef),
  });
const CreateApiKeyResult = createdUnion('CreateApiKeyResult', 'What came of making an API key.');
const RotateApiKeyResult = createdUnion('RotateApiKeyResult', 'What came of replacing an API key.');
const RevokeApiKeyResult = builder.unionType('RevokeApiKeyResult', {
  description: 'What came of ending an API key.',
  types: [ApiKeyRevokedRef, RefusalRef],
  resolveType: (value) => (isRefusal(value) ? RefusalRef : ApiKeyRevokedRef),
});

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A key to be made.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What to call it, 1 to 100 characters.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'From when it is to be refused; it stays when left out.' }),
  }),
});

builder.objectField(ViewerRef, 'apiKeys', (t) =>
  t.field({
    type: [ApiKeyRef],
    description: 'Their API keys that work, newest first; never the secrets.',
    resolve: ({ accountId }, _args, ctx) => listApiKeys(ctx, accountId),
  }),
);

builder.mutationField('createApiKey', (t) =>
  t.field({
    type: CreateApiKeyResult,
    description: 'Makes an API key for the account that asks.',
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'The key.' }) },
    resolve: (_root, { input: { name, expiresAt } }, ctx) => {
      const { accountId } = requireViewer(ctx);
      return orRefusal(() => recordApiKey(ctx, accountId, { name, expiresAt: expiresAt ?? null }));
    },
  }),
);

builder.mutationField('rotateApiKey', (t) =>
  t.field({
    type: RotateApiKeyResult,
    description: 'Makes a successor of an API key with its name and end; both work for a while.',
    args: {
      id: t.arg.id({ required: true, description: 'The key to be replaced.' }),
      graceSeconds: t.arg.int({
        required: true,
        defaultValue: graceSecondsDefault,
        description: 'How much longer the old key works, 0 to 604,800 seconds.',
      }),
    },
    resolve: (_root, { id, graceSeconds }, ctx) => {
      const { accountId } = requireViewer(ctx);
      return orRefusal(() => rotateApiKey(ctx, accountId, id, graceSeconds));
    },
  }),
);

builder.mutationField('revokeApiKey', (t) =>
  t.field({
    type: RevokeApiKeyResult,
    description: 'Ends an API key now.',
    args: { id: t.arg.id({ required: true, description: 'The key.' }) },
    resolve: (_root, { id }, ctx) => {
      const { accountId } = requireViewer(ctx);
      return orRefusal(async () => ({ revoked: await revokeApiKey(ctx, accountId, id) }));
    },
  }),
);
