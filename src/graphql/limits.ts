/** What one operation may ask for. The same figures hold on HTTP, WebSocket and SSE, since all three share the pipeline. */
export interface Limits {
  /** Lexical tokens in a document. */
  readonly tokens: number;
  /** Levels of nested fields; introspection is exempt. */
  readonly depth: number;
  /** Aliased fields in an operation, its fragments written out. */
  readonly aliases: number;
  /** Directives on one field or fragment spread. */
  readonly directives: number;
  /** Fields at the root of an operation. */
  readonly rootFields: number;
  /** Fields of an operation with every fragment written out: stops fragments that multiply each other. */
  readonly nodes: number;
  /** Pairs of equally named object fields that validation must compare: stops quadratic validation. */
  readonly comparisons: number;
  /** Cost of an operation, see cost.ts. */
  readonly cost: number;
  /** Largest `first` or `last`. */
  readonly page: number;
  /** Items of one list given as an argument, or inside one. */
  readonly inputList: number;
  /** Milliseconds a query may run. */
  readonly executionMs: number;
  /** Characters of all documents kept in the document cache. */
  readonly cachedCharacters: number;
}

/** The figures that are promised to clients. */
export const defaultLimits: Limits = {
  tokens: 2_000,
  depth: 12,
  aliases: 30,
  directives: 5,
  rootFields: 20,
  nodes: 100_000,
  comparisons: 5_000,
  cost: 1_000,
  page: 100,
  inputList: 250,
  executionMs: 10_000,
  cachedCharacters: 4_000_000,
};
