import { z } from 'zod';
import { custodies, type WalletApp, type WalletAppFact, walletAppFacts } from './wallet-app.ts';

/** Reads the shipped list of wallet apps. Pure. */

/** A wallet app with the networks it supports, by slug. */
export interface ListedApp extends WalletApp {
  readonly networks: readonly string[];
}

/** A version of the list; a higher one replaces what was loaded before. */
export interface AppList {
  readonly version: number;
  readonly apps: readonly ListedApp[];
}

const link = z.url({ protocol: /^https$/ });
const fact = z.boolean().nullable();
const listedApp = z.strictObject({
  slug: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  name: z.string().min(1),
  url: link,
  custody: z.enum(custodies),
  isHardware: z.boolean(),
  isOpenSource: fact,
  hasMultisig: fact,
  hasDapps: fact,
  hasStaking: fact,
  checkedOn: z.iso.date().transform((day) => Date.parse(day)),
  networks: z.array(z.string()).min(1),
  sources: z.array(z.strictObject({ url: link, facts: z.array(z.enum(walletAppFacts)).min(1) })).min(1),
});
const appList = z.strictObject({ version: z.int().positive(), apps: z.array(listedApp) });

/** The facts of an app that are set. */
function factsOf(app: WalletApp): WalletAppFact[] {
  const known: Record<WalletAppFact, unknown> = {
    CUSTODY: app.custody,
    HARDWARE: app.isHardware,
    OPEN_SOURCE: app.isOpenSource,
    MULTISIG: app.hasMultisig,
    DAPPS: app.hasDapps,
    STAKING: app.hasStaking,
    NETWORKS: true,
  };
  return walletAppFacts.filter((name) => known[name] !== null);
}

/** Throws where an app has a fact without a source, or a source for a fact it does not have. */
function assertSourced(app: ListedApp): void {
  const said = new Set(app.sources.flatMap(({ facts }) => facts));
  const known = factsOf(app);
  for (const name of walletAppFacts)
    if (said.has(name) !== known.includes(name))
      throw new Error(
        `wallet app ${app.slug}: ${name} ${said.has(name) ? 'has a source but no value' : 'has no source'}`,
      );
}

/** The list of a parsed file. Throws where it is not one, or where a fact stands in no source. */
export function parseAppList(file: unknown): AppList {
  const list = appList.parse(file);
  for (const app of list.apps) assertSourced(app);
  return list;
}
