import { z } from 'zod';

/** The parts of the Open Inference Protocol, version 2, that a grade model is served by. Pure; problems are sentences. */

/** What a server says of a model. */
export interface ModelMetadata {
  readonly hasContributions: boolean;
}

/** What a server answered to one batch. */
export interface Outputs {
  readonly name: string;
  readonly version: string;
  /** One a row, 0..100. */
  readonly values: readonly number[];
  readonly contributions: readonly (readonly number[])[] | null;
}

/** What an answer must fit. */
export interface OutputShape {
  readonly rows: number;
  readonly columns: number;
  readonly hasContributions: boolean;
}

const tensor = z.object({ name: z.string(), shape: z.array(z.coerce.number()) });
const metadata = z.object({ inputs: z.array(tensor), outputs: z.array(tensor) });
const answer = z.object({
  model_name: z.string().min(1).max(100),
  model_version: z.coerce.string().max(100).optional(),
  outputs: z.array(tensor.extend({ data: z.array(z.unknown()) })),
});

/** A model's metadata: one input `input` of so many columns, an output `value`, perhaps `contributions`. */
export function readMetadata(body: unknown, columns: number): ModelMetadata | string {
  const parsed = metadata.safeParse(body);
  if (!parsed.success) return `The model's metadata cannot be read: ${z.prettifyError(parsed.error)}`;
  const { inputs, outputs } = parsed.data;
  const [input] = inputs;
  if (inputs.length !== 1 || input?.name !== 'input') return 'The model must have one input, named "input".';
  const width = input.shape.at(-1);
  if (width !== -1 && width !== columns) return `The model takes ${width} inputs a row, the definition has ${columns}.`;
  const names = outputs.map(({ name }) => name);
  if (!names.includes('value')) return 'The model has no output "value".';
  return { hasContributions: names.includes('contributions') };
}

/** The outputs of an answer. */
export function readOutputs(body: unknown, { rows, columns, hasContributions }: OutputShape): Outputs | string {
  const parsed = answer.safeParse(body);
  if (!parsed.success) return `An answer cannot be read: ${z.prettifyError(parsed.error)}`;
  const { model_name: name, model_version: version = '', outputs } = parsed.data;
  const values = numbersOf(outputs, 'value', rows);
  if (typeof values === 'string') return values;
  const wrong = values.find((value) => value < 0 || value > 100);
  if (wrong !== undefined) return `A value is ${wrong}; values are 0 to 100.`;
  if (!hasContributions) return { name, version, values, contributions: null };
  const flat = numbersOf(outputs, 'contributions', rows * columns);
  if (typeof flat === 'string') return flat;
  const contributions = values.map((_, row) => flat.slice(row * columns, (row + 1) * columns));
  return { name, version, values, contributions };
}

/** The numbers of an output, row by row; servers may send them flat or in the shape of the tensor. */
function numbersOf(outputs: z.infer<typeof answer>['outputs'], name: string, count: number): number[] | string {
  const output = outputs.find((one) => one.name === name);
  if (output === undefined) return `An answer has no output "${name}".`;
  const numbers: unknown[] = output.data.flat(Infinity);
  if (numbers.length !== count) return `Output "${name}" has ${numbers.length} numbers, not ${count}.`;
  if (!numbers.every((number): number is number => typeof number === 'number' && Number.isFinite(number)))
    return `Output "${name}" holds something that is no number.`;
  return numbers;
}
