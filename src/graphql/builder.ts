import SchemaBuilder from '@pothos/core';
import RelayPlugin, { resolveNodes } from '@pothos/plugin-relay';
import type { DecimalText } from '../lib/decimal.ts';
import { CursorScalar, AddressScalar, BigIntScalar, DateTimeScalar, DecimalScalar, JsonScalar } from './scalars.ts';
import type { Context } from './context.ts';
import { decodeNodeId, isNodeType } from './node-id.ts';

/**
 * The Pothos builder: no types of its own, only the rules all domains share. A domain declares its object refs once in
 * its `schema.ts`; the domain that owns a field adds it with `builder.objectField(TokenRef, …)`, so `tokens/` never
 * learns that grades exist. Fields are non-null unless said otherwise; every type, field and argument is described.
 */
export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  Scalars: {
    ID: { Input: string; Output: string | number };
    /** Instants are epoch milliseconds inside. */
    DateTime: { Input: number; Output: number };
    Decimal: { Input: DecimalText; Output: DecimalText };
    BigInt: { Input: bigint; Output: bigint | string };
    /** Cursors of the event log are sequence numbers inside. */
    Cursor: { Input: number; Output: number };
    Address: { Input: string; Output: string };
    JSON: { Input: unknown; Output: unknown };
  };
}>({
  plugins: [RelayPlugin],
  defaultFieldNullability: false,
  relay: {
    cursorType: 'String',
    decodeGlobalID: decodeNodeId,
    nodeTypeOptions: { description: 'An object that `node` and `nodes` find again by its id.' },
    idFieldOptions: { description: 'Global identifier: opaque, stable, usable with `node`.' },
    nodeQueryOptions: {
      description: 'The object with this global id, or null when there is none.',
      args: { id: { description: 'The global id, as returned in an `id` field.' } },
      resolve: (_root, { id }, _ctx, { schema }, load) => (isNodeType(schema, id) ? load(id) : null),
    },
    nodesQueryOptions: {
      description: 'The objects with these global ids, in the order asked for; null where there is none.',
      args: { ids: { description: 'Global ids, at most 250.' } },
      nullable: { list: false, items: true },
      resolve: (_root, { ids }, ctx, info): Promise<unknown[]> =>
        resolveNodes(
          builder,
          ctx,
          info,
          ids.map((id) => (isNodeType(info.schema, id) ? id : null)),
        ),
    },
    pageInfoTypeOptions: { description: 'Where a page stands in its list.' },
    pageInfoFieldOptions: { description: 'Where this page stands in its list.' },
    hasNextPageFieldOptions: { description: 'Whether items follow this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether items precede this page.' },
    startCursorFieldOptions: { description: 'Cursor of the first item; null on an empty page.' },
    endCursorFieldOptions: { description: 'Cursor of the last item; null on an empty page.' },
    cursorFieldOptions: { description: 'Position of this item, for `after` and `before`.' },
    edgesFieldOptions: { description: 'The items of this page with their cursors.' },
    nodeFieldOptions: { description: 'The item.' },
    nodesOnConnection: { description: 'The items of this page, without cursors.' },
    firstArgOptions: {
      description: 'How many items from the start, 1 to 100; 20 when neither `first` nor `last` is given.',
    },
    lastArgOptions: { description: 'How many items from the end, 1 to 100; not together with `first`.' },
    afterArgOptions: { description: 'Only items after this cursor.' },
    beforeArgOptions: { description: 'Only items before this cursor.' },
    defaultConnectionTypeOptions: { description: 'One page of a list.' },
    defaultEdgeTypeOptions: { description: 'One item of a page and its position.' },
  },
});

builder.queryType({ description: 'Everything that can be read.' });
builder.subscriptionType({
  description: 'Everything that is pushed, over WebSocket (graphql-transport-ws) and server-sent events alike.',
});

builder.addScalarType('DateTime', DateTimeScalar);
builder.addScalarType('Decimal', DecimalScalar);
builder.addScalarType('BigInt', BigIntScalar);
builder.addScalarType('Cursor', CursorScalar);
builder.addScalarType('Address', AddressScalar);
builder.addScalarType('JSON', JsonScalar);
