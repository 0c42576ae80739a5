import type { Plugin } from '@envelop/core';
import { type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';
import { AppError } from '../../lib/errors.ts';
import type { Viewer } from '../../lib/viewer.ts';
import type { Prepared } from '../pipeline.ts';
import type { OperationContext } from './operation.ts';

/** What somebody who is nobody yet must be able to ask, to become somebody. */
const openFields: ReadonlySet<string> = new Set(['siweNonce', 'signInWithEthereum', 'signOut', 'viewer', '__typename']);

/**
 * Demands a key, a token or a session for everything but signing in, before anything else of the context is made: for
 * installations that serve nobody they do not know. Stands after the plugin that parses.
 */
export function useSignedInOnly(): Plugin<OperationContext & { readonly viewer?: Viewer | null }> {
  return {
    onContextBuilding:
      () =>
      ({ context }) => {
        if (context.operation.prepared) assertSignedIn(context.operation.prepared, context.viewer ?? null);
      },
  };
}

/** Throws UNAUTHENTICATED where nobody asks for more than somebody does who is to sign in. */
export function assertSignedIn({ document, fragments }: Prepared, viewer: Viewer | null): void {
  if (viewer !== null || !document) return;
  const roots = document.definitions.flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION ? fieldNames(node.selectionSet, fragments) : [],
  );
  if (roots.every((name) => openFields.has(name))) return;
  throw new AppError(
    'UNAUTHENTICATED',
    'This installation answers no anonymous requests: sign in, or send an API key in the header x-api-key.',
  );
}

/** Names of the fields of a selection, those of its fragments included; the document is valid, so fragments end. */
function fieldNames(
  { selections }: SelectionSetNode,
  fragments: Readonly<Record<string, FragmentDefinitionNode>>,
): string[] {
  return selections.flatMap((node) => {
    if (node.kind === Kind.FIELD) return [node.name.value];
    if (node.kind === Kind.INLINE_FRAGMENT) return fieldNames(node.selectionSet, fragments);
    const fragment = fragments[node.name.value];
    return fragment ? fieldNames(fragment.selectionSet, fragments) : [];
  });
}
