import { type GraphQLSchema, isObjectType } from 'graphql';

/** Global ids as clients send them: whatever is no id of ours names nothing, so that it is answered with null. */

/** What a global id says: a type of the schema and the id within it. */
export interface NodeId {
  readonly typename: string;
  readonly id: string;
}

/** Reads a global id; both parts are empty where the text is none. */
export function decodeNodeId(text: string): { typename: string; id: string } {
  const [, typename = '', id = ''] = /^(\w+):(.+)$/.exec(Buffer.from(text, 'base64').toString('utf8')) ?? [];
  return { typename, id };
}

/** Whether the schema has such a type and its objects are found by id. */
export function isNodeType(schema: GraphQLSchema, { typename }: NodeId): boolean {
  const type = schema.getType(typename);
  return isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node');
}
