import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';
import type { AppError } from '../lib/errors.ts';
import { limitExceeded } from '../lib/limits.ts';
import type { Limits } from './limits.ts';

/**
 * What can be said of a document before it is validated, and must be: validation itself is quadratic in repeated
 * fields and exponential fragments. Each fragment is measured once, so measuring is linear in the document.
 */

/** Figures of an operation with its fragments written out. */
export interface DocumentFacts {
  readonly depth: number;
  readonly aliases: number;
  readonly rootFields: number;
  readonly nodes: number;
  /** Most directives on one selection. */
  readonly directives: number;
}

interface Names {
  readonly name: string;
  readonly rest: Names | null;
}

interface Measure extends DocumentFacts {
  readonly deepest: Names | null;
  readonly mostDirected: string;
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

const nothing: Measure = {
  depth: 0,
  aliases: 0,
  rootFields: 0,
  nodes: 0,
  directives: 0,
  deepest: null,
  mostDirected: '',
};

function fragmentsOf(document: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  return fragments;
}

/** Response name of a field. */
export function responseName(node: FieldNode): string {
  return node.alias?.value ?? node.name.value;
}

function createMeasure(fragments: Fragments): (set: SelectionSetNode) => Measure {
  const known = new Map<string, Measure>();

  function ofSelection(node: SelectionNode): Measure {
    if (node.kind === Kind.FIELD) return ofField(node);
    if (node.kind === Kind.INLINE_FRAGMENT) return ofSet(node.selectionSet);
    const name = node.name.value;
    const seen = known.get(name);
    if (seen) return seen;
    known.set(name, nothing); // a fragment inside itself: left to validation, which refuses it
    const fragment = fragments.get(name);
    const measured = fragment ? ofSet(fragment.selectionSet) : nothing;
    known.set(name, measured);
    return measured;
  }

  function ofField(node: FieldNode): Measure {
    const inner = node.selectionSet ? ofSet(node.selectionSet) : nothing;
    const isIntrospection = node.name.value.startsWith('__');
    return {
      depth: isIntrospection ? 1 : inner.depth + 1,
      deepest: { name: responseName(node), rest: isIntrospection ? null : inner.deepest },
      aliases: inner.aliases + (node.alias ? 1 : 0),
      rootFields: 1,
      nodes: inner.nodes + 1,
      directives: inner.directives,
      mostDirected: inner.mostDirected,
    };
  }

  function ofSet(set: SelectionSetNode): Measure {
    const total = { ...nothing };
    for (const node of set.selections) add(total, ofSelection(node), node);
    return total;
  }
  return ofSet;
}

function add(total: { -readonly [K in keyof Measure]: Measure[K] }, part: Measure, node: SelectionNode): void {
  if (part.depth > total.depth) [total.depth, total.deepest] = [part.depth, part.deepest];
  if (part.directives > total.directives) [total.directives, total.mostDirected] = [part.directives, part.mostDirected];
  const own = node.directives?.length ?? 0;
  if (own > total.directives) [total.directives, total.mostDirected] = [own, nameOf(node)];
  total.aliases += part.aliases;
  total.nodes += part.nodes;
  total.rootFields += part.rootFields;
}

function nameOf(node: SelectionNode): string {
  if (node.kind === Kind.FIELD) return responseName(node);
  return node.kind === Kind.FRAGMENT_SPREAD ? `...${node.name.value}` : '...';
}

/**
 * How many pairs of equally named object fields validation will compare below selection sets that are merged: every
 * pair of them, and again below each, for all of them together. Each comparison costs some 10 µs.
 */
function countComparisons(sets: readonly SelectionSetNode[], fragments: Fragments): number {
  const setsByName = new Map<string, SelectionSetNode[]>();
  const spread = new Set<string>();
  const collect = (set: SelectionSetNode): void => {
    for (const node of set.selections) {
      if (node.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = spread.has(node.name.value) ? undefined : fragments.get(node.name.value);
        spread.add(node.name.value);
        if (fragment) collect(fragment.selectionSet);
      } else if (node.kind === Kind.INLINE_FRAGMENT) collect(node.selectionSet);
      else if (node.selectionSet) {
        const group = setsByName.get(responseName(node));
        if (group) group.push(node.selectionSet);
        else setsByName.set(responseName(node), [node.selectionSet]);
      }
    }
  };
  sets.forEach(collect);
  let count = 0;
  for (const group of setsByName.values())
    count += (group.length * (group.length - 1)) / 2 + countComparisons(group, fragments);
  return count;
}

function pathOf(names: Names | null, length: number): string {
  const shown: string[] = [];
  for (let at = names; at && shown.length < length; at = at.rest) shown.push(at.name);
  return shown.join('.');
}

function refuse(measure: Measure, limits: Limits, operation: string): AppError | null {
  const checks = [
    ['depth', measure.depth, pathOf(measure.deepest, limits.depth + 1), 'fields are nested to a depth of'],
    ['aliases', measure.aliases, operation, 'the number of aliases is'],
    ['directives', measure.directives, measure.mostDirected, 'the number of directives on one field is'],
    ['rootFields', measure.rootFields, operation, 'the number of root fields is'],
    ['nodes', measure.nodes, operation, 'the number of fields, with fragments written out, is'],
  ] as const;
  for (const [name, value, field, what] of checks) {
    if (value <= limits[name]) continue;
    const sentence = `Too much is asked at \`${field}\`: ${what} ${value}, at most ${limits[name]} is allowed.`;
    return limitExceeded({ name, limit: limits[name], value, field, sentence });
  }
  return null;
}

/** Measures every operation of a document: the facts are the largest of them, the refusal the first one found. */
export function measureDocument(
  document: DocumentNode,
  limits: Limits,
): { facts: DocumentFacts; refusal: AppError | null } {
  const fragments = fragmentsOf(document);
  const measure = createMeasure(fragments);
  const facts = { depth: 0, aliases: 0, rootFields: 0, nodes: 0, directives: 0 };
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    const measured = measure(node.selectionSet);
    for (const name of ['depth', 'aliases', 'rootFields', 'nodes', 'directives'] as const)
      facts[name] = Math.max(facts[name], measured[name]);
    const refusal = refuse(measured, limits, titleOf(node)) ?? refuseComparisons(node, fragments, limits);
    if (refusal) return { facts, refusal };
  }
  return { facts, refusal: null };
}

function refuseComparisons(node: OperationDefinitionNode, fragments: Fragments, limits: Limits): AppError | null {
  if (hasFragmentCycle(fragments)) return null; // validation names the cycle
  const value = countComparisons([node.selectionSet], fragments);
  if (value <= limits.comparisons) return null;
  const field = titleOf(node);
  const sentence = `Fields are repeated too often in \`${field}\`: ${value} pairs have to be compared, at most ${limits.comparisons} are allowed.`;
  return limitExceeded({ name: 'comparisons', limit: limits.comparisons, value, field, sentence });
}

function titleOf(node: OperationDefinitionNode): string {
  return node.name ? `${node.operation} ${node.name.value}` : node.operation;
}

function hasFragmentCycle(fragments: Fragments): boolean {
  const state = new Map<string, 'open' | 'done'>();
  const visitSet = (set: SelectionSetNode): boolean =>
    set.selections.some((node) =>
      node.kind === Kind.FRAGMENT_SPREAD
        ? visit(node.name.value)
        : node.selectionSet !== undefined && visitSet(node.selectionSet),
    );
  const visit = (name: string): boolean => {
    if (state.has(name)) return state.get(name) === 'open';
    state.set(name, 'open');
    const fragment = fragments.get(name);
    if (fragment && visitSet(fragment.selectionSet)) return true;
    state.set(name, 'done');
    return false;
  };
  return [...fragments.keys()].some(visit);
}

/** Tokens in a text up to `max`; what cannot be read as a token ends the count. */
export function countTokens(text: string, max: number): number {
  const lexer = new Lexer(new Source(text));
  let count = 0;
  try {
    while (count < max && lexer.advance().kind !== TokenKind.EOF) count += 1;
  } catch {
    return count;
  }
  return count;
}
