import { readdirSync, readFileSync } from 'node:fs';

/** What a process and all its descendants have used so far. Read from /proc; null where there is none. */
export interface ProcessUse {
  /** Seconds of all cores, of ended children too. */
  readonly cpuSeconds: number;
  /** Sum of the largest resident size of each process, bytes. */
  readonly peakBytes: number;
  /** Those that run. */
  readonly pids: readonly number[];
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSeconds: number;
  readonly endedChildrenSeconds: number;
}

/** Linux counts CPU time in hundredths of a second for every reader of /proc. */
const ticksPerSecond = 100;

function readProcess(pid: number): Process | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const seconds = (from: number): number => ((fields[from] ?? 0) + (fields[from + 1] ?? 0)) / ticksPerSecond;
    return { pid, parent, cpuSeconds: seconds(11), endedChildrenSeconds: seconds(13) };
  } catch {
    return null; // it ended meanwhile
  }
}

function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** What the tree of a process has used; null where that cannot be read. */
export function readProcessTree(root: number | null): ProcessUse | null {
  if (root === null || process.platform !== 'linux') return null;
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []));
  const rootProcess = all.find(({ pid }) => pid === root);
  if (!rootProcess) return null;
  const members = new Set([root]);
  for (let size = 0; size < members.size; ) {
    size = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  const mine = all.filter(({ pid }) => members.has(pid));
  return {
    cpuSeconds: mine.reduce((sum, one) => sum + one.cpuSeconds, rootProcess.endedChildrenSeconds),
    pids: mine.map(({ pid }) => pid),
    peakBytes: mine.reduce((sum, { pid }) => sum + peakOf(pid), 0),
  };
}

/** CPU seconds between two readings; null where one of them failed. */
export function cpuBetween(before: ProcessUse | null, after: ProcessUse | null): number | null {
  return before && after ? after.cpuSeconds - before.cpuSeconds : null;
}
