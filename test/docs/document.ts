import { readFileSync } from 'node:fs';

/** Reads what a handbook promises: its code blocks and tables, so that tests can hold the code to them. */

/** A fenced block: its language, its text, and the line it begins at. */
interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

/** A GraphQL operation of a handbook with the variables and the answer shown after it; null where none is shown. */
export interface ShownOperation {
  readonly line: number;
  readonly query: string;
  readonly variables: Record<string, unknown> | null;
  readonly answer: ShownAnswer | null;
}

/** An answer as shown: `data` by its shape, the rest to the letter. */
export interface ShownAnswer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
  readonly extensions?: unknown;
}

/** A handbook. */
export interface Handbook {
  readonly text: string;
  readonly operations: readonly ShownOperation[];
  /** Texts of the blocks in a language, in order. */
  blocks(language: string): string[];
  /** Cells of the first table under a heading, without its head; backquotes are dropped. */
  table(heading: string): string[][];
}

/** Reads a handbook from the project's root. */
export function readHandbook(path: string): Handbook {
  const text = readFileSync(path, 'utf8');
  const blocks = readBlocks(text);
  return {
    text,
    operations: readOperations(blocks),
    blocks: (language) => blocks.filter((block) => block.language === language).map((block) => block.text),
    table: (heading) => readTable(text, heading),
  };
}

function readBlocks(text: string): Block[] {
  const fences = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  return fences.map(({ 1: language = '', 2: body = '', index }) => ({
    language,
    text: body,
    line: text.slice(0, index).split('\n').length,
  }));
}

/** What follows an operation up to the next block of another language: an object with `data`, `errors` or `extensions` is an answer. */
function readOperations(blocks: readonly Block[]): ShownOperation[] {
  return blocks.flatMap((block, index) => {
    if (block.language !== 'graphql') return [];
    const rest = blocks.slice(index + 1);
    const end = rest.findIndex(({ language }) => language !== 'json');
    const shown = rest.slice(0, end === -1 ? rest.length : end).map(({ text }) => JSON.parse(text) as object);
    const isAnswer = (value: object): boolean => 'data' in value || 'errors' in value || 'extensions' in value;
    const variables = (shown.find((value) => !isAnswer(value)) ?? null) as Record<string, unknown> | null;
    return [{ line: block.line, query: block.text, variables, answer: shown.find(isAnswer) ?? null }];
  });
}

function readTable(text: string, heading: string): string[][] {
  const [, section = ''] = text.split(`\n${heading}\n`);
  const [table = ''] = /^\|.*\|\n(\|.*\|\n)+/m.exec(section) ?? [];
  return table
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}
