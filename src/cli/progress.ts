import cliProgress from 'cli-progress';

/** How long work tells how far it is: a bar on a terminal, a plain line now and then elsewhere. */
export interface Progress {
  /** Sets what is done of a total (null: unknown) and a word on what is being done. */
  update(done: number, total: number | null, note: string): void;
  stop(): void;
}

const linesEveryMs = 5000;

/** A progress display on standard error, so that standard output stays clean for results. */
export function createProgress(
  title: string,
  nowMs: () => number,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  return stream.isTTY ? createBar(title, stream) : createLines(title, nowMs, stream);
}

function createBar(title: string, stream: NodeJS.WriteStream): Progress {
  const bar = new cliProgress.SingleBar(
    { format: `${title} {bar} {value}/{total} {note}`, hideCursor: true, clearOnComplete: true, stream },
    cliProgress.Presets.shades_classic,
  );
  let isStarted = false;
  return {
    update(done, total, note) {
      if (!isStarted) bar.start(total ?? done, done, { note });
      isStarted = true;
      bar.setTotal(total ?? done);
      bar.update(done, { note });
    },
    stop: () => bar.stop(),
  };
}

function createLines(title: string, nowMs: () => number, stream: NodeJS.WriteStream): Progress {
  let toldAtMs = nowMs();
  return {
    update(done, total, note) {
      if (nowMs() - toldAtMs < linesEveryMs) return;
      toldAtMs = nowMs();
      stream.write(`${title}: ${done}${total === null ? '' : ` of ${total}`} ${note}\n`);
    },
    stop: () => {},
  };
}
