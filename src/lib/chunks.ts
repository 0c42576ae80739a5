/** Joins items that the source has at hand: those it gives before the event loop turns, at most `chunkMax`. */
export async function* chunksOf<Item>(
  source: AsyncIterator<Item>,
  chunkMax: number,
): AsyncGenerator<Item[], void, undefined> {
  try {
    let coming = source.next();
    for (;;) {
      const first = await coming;
      if (first.done === true) return;
      const chunk = [first.value];
      coming = source.next();
      while (chunk.length < chunkMax) {
        const next = await Promise.race([coming.catch(() => null), turnOfLoop()]);
        if (next === null || next.done === true) break;
        chunk.push(next.value);
        coming = source.next();
      }
      coming.catch(() => {}); // a failed source is told after what it gave: when its turn is awaited
      yield chunk;
    }
  } finally {
    void source.return?.(undefined);
  }
}

function turnOfLoop(): Promise<null> {
  return new Promise((resolve) => {
    setImmediate(resolve, null);
  });
}
