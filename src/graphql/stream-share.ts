import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  print,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';

/** What of a subscription its subscribers have in common: everything but where each wants to begin. */
export interface Share {
  /** The operation with its fragments, without the cursor. */
  readonly document: DocumentNode;
  readonly text: string;
  /** The variables that it still uses, in order of their names. */
  readonly variables: readonly string[];
}

/** The argument of a durable subscription that differs between subscribers who share it. */
const cursorArgument = 'after';

/** The part of an operation that can be shared. */
export function shareOf(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Readonly<Record<string, FragmentDefinitionNode>>,
): Share {
  const whole: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...Object.values(fragments)] };
  const types = new TypeInfo(schema);
  const root = schema.getSubscriptionType();
  const stripped = visit(
    whole,
    visitWithTypeInfo(types, {
      Argument: ({ name }) => (name.value === cursorArgument && types.getParentType() === root ? null : undefined),
    }),
  );
  const used = new Set<string>();
  visit(stripped, { VariableDefinition: () => false, Variable: ({ name }) => void used.add(name.value) });
  const document = visit(stripped, {
    VariableDefinition: ({ variable }) => (used.has(variable.name.value) ? undefined : null),
  });
  return { document, text: print(document), variables: [...used].toSorted() };
}

/** Equal for subscriptions that have the same answers: same operation, same variables, same visibility. */
export function shareKey(
  { text, variables }: Share,
  values: Readonly<Record<string, unknown>> | null | undefined,
  visibility: string,
): string {
  const used = variables.map((name) => [name, values?.[name]]);
  return createHash('sha256')
    .update(JSON.stringify([visibility, text, used]))
    .digest('base64');
}
