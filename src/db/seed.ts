import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the data that ships, read: beside the migrations, which sources and build reach by different numbers of steps. */
export function readSeed(file: string): unknown {
  const name = join('prisma', 'seed', file);
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, name);
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'));
    if (dirname(folder) === folder) throw new Error(`${name} is missing from this installation`);
  }
}
