/** A map that forgets what was used longest ago when the weight of what it holds passes a bound. */
export interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  readonly size: number;
}

/** A cache bounded by the characters of its keys; a key longer than a tenth of the bound is not kept at all. */
export function createBoundedCache<Value>(charactersMax: number): BoundedCache<Value> {
  const values = new Map<string, Value>();
  let characters = 0;
  const drop = (key: string): void => {
    if (values.delete(key)) characters -= key.length;
  };
  return {
    get(key) {
      const value = values.get(key);
      if (value === undefined) return undefined;
      values.delete(key); // a Map iterates in order of insertion: what was just used goes last
      values.set(key, value);
      return value;
    },
    set(key, value) {
      if (key.length > charactersMax / 10) return;
      drop(key);
      values.set(key, value);
      characters += key.length;
      for (const oldest of values.keys()) {
        if (characters <= charactersMax) break;
        drop(oldest);
      }
    },
    get size() {
      return values.size;
    },
  };
}
