/** Seeded random numbers: the same key gives the same numbers on every machine; nothing here is secret or secure. */

/** A stream of random numbers; every call moves it on. */
export interface Random {
  /** Uniform in (0, 1), both ends excluded. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Student-t with `dof` > 2 degrees of freedom, scaled to variance 1 and cut at ±8. */
  studentT(dof: number): number;
}

const studentTMax = 8;

/** A 32-bit number that stands for a text (FNV-1a), to name a stream. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/**
 * The stream named by three 32-bit integers. Generator: sfc32 (Chris Doty-Humphrey, PractRand). Student-t: R. Bailey,
 * "Polar generation of random variates with the t-distribution", Mathematics of Computation 62 (1994).
 */
export function createRandom(stream: number, level: number, index: number): Random {
  const next = createSfc32(stream, level, index);
  const uniform = (): number => (next() + 0.5) / 4_294_967_296;
  /** A point in the unit disc: its first coordinate and squared radius. */
  function disc(): [number, number] {
    for (;;) {
      const u = 2 * uniform() - 1;
      const v = 2 * uniform() - 1;
      const w = u * u + v * v;
      if (w < 1 && w > 0) return [u, w];
    }
  }
  return {
    uniform,
    normal() {
      const [u, w] = disc();
      return u * Math.sqrt((-2 * Math.log(w)) / w);
    },
    studentT(dof) {
      const [u, w] = disc();
      const t = u * Math.sqrt((dof * (w ** (-2 / dof) - 1)) / w);
      return Math.max(-studentTMax, Math.min(studentTMax, t * Math.sqrt((dof - 2) / dof)));
    },
  };
}

function createSfc32(seedA: number, seedB: number, seedC: number): () => number {
  let a = seedA | 0;
  let b = seedB | 0;
  let c = seedC | 0;
  let counter = 1;
  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  }
  for (let round = 0; round < 12; round += 1) next();
  return next;
}
