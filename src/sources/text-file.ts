/**
 * Lines of a text file, plain or gzip, with bounded memory.
 *
 * A file that breaks (cut gzip, bytes that are no text) fails only after every whole line before the break was yielded,
 * so a reader can keep what was good and say where it stopped. A line cut by the break is left out.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { AppError, messageOf } from '../lib/errors.ts';

/** Longest line accepted, in characters; a longer one is taken for a file that is not made of lines. */
const lineCharsMax = 65_536;

/** Zero bytes and what the decoder puts for bytes that are not UTF-8. */
// oxlint-disable-next-line no-control-regex
const notText = /[\u0000\uFFFD]/;

/**
 * The lines of a file in order, without their line ends, some hundreds at a time; `.gz` is decompressed on the way.
 * Throws BAD_USER_INPUT, naming file and line, where the file is missing, unreadable, cut off or not text.
 */
export async function* readLines(path: string): AsyncGenerator<string[]> {
  let lineCount = 0;
  let rest = '';
  const decoder = new TextDecoder();
  try {
    for await (const bytes of path.endsWith('.gz') ? gunzip(createReadStream(path)) : createReadStream(path)) {
      const text = rest + decoder.decode(bytes as Buffer, { stream: true });
      const brokenAt = text.search(notText);
      const lines = (brokenAt < 0 ? text : text.slice(0, brokenAt)).split('\n');
      rest = lines.pop() ?? '';
      lineCount += lines.length;
      if (lines.length > 0) yield lines.map(withoutReturn);
      if (brokenAt >= 0) throw brokenFile(path, lineCount + 1, 'holds bytes that are not text');
      if (rest.length > lineCharsMax)
        throw brokenFile(path, lineCount + 1, `is longer than ${lineCharsMax} characters`);
    }
  } catch (error) {
    throw error instanceof AppError ? error : unreadable(path, lineCount, error);
  }
  if (decoder.decode() !== '') throw brokenFile(path, lineCount + 1, 'ends inside a character');
  if (rest !== '') yield [withoutReturn(rest)];
}

/**
 * Decompresses chunk by chunk, waiting for each. A plain pipe would throw away what it still holds when the data
 * breaks off; here everything decompressed before the break comes out first.
 */
async function* gunzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const stream = createGunzip();
  const ready: Buffer[] = [];
  let failure: Error | null = null;
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  stream.on('data', (bytes: Buffer) => ready.push(bytes));
  stream.on('error', (error) => {
    failure = error;
  });
  try {
    for await (const bytes of source) {
      await Promise.race([closed, new Promise<void>((resolve) => stream.write(bytes, () => resolve()))]);
      yield* ready.splice(0);
      if (failure !== null) throw failure;
    }
    stream.end();
    await closed;
    yield* ready.splice(0);
    if (failure !== null) throw failure;
  } finally {
    stream.destroy();
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function brokenFile(path: string, line: number, what: string): AppError {
  return new AppError('BAD_USER_INPUT', `${path}: line ${line} ${what}.`, { extensions: { path, line } });
}

function unreadable(path: string, lineCount: number, cause: unknown): AppError {
  const where = lineCount === 0 ? 'cannot be read' : `cannot be read beyond line ${lineCount}`;
  return new AppError('BAD_USER_INPUT', `${path} ${where}: ${messageOf(cause)}.`, {
    cause,
    extensions: { path, line: lineCount + 1 },
  });
}
