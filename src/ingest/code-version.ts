import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What tells one state of this program from another: a digest of its files and of the engine that computes its floating
 * point. State that other code has made is not trusted to mean the same.
 */
export function readCodeVersion(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const isSource = import.meta.url.endsWith('.ts');
  const root = isSource ? dirname(here) : here;
  const digest = createHash('sha256').update(process.versions.v8);
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names) if (name.endsWith(isSource ? '.ts' : '.js')) digest.update(readFileSync(join(root, name)));
  return digest.digest('base64url');
}
