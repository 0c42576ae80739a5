/** Reads the next item while the one before is being worked on. */
export async function* readAhead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  for (let pending = source.next(); ; ) {
    const item = await pending;
    if (item.done) return;
    pending = source.next();
    pending.catch(() => {}); // thrown where it is awaited
    yield item.value;
  }
}
