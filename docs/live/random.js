// Random numbers that a seed fixes: mulberry32, by Tommy Ettinger (public domain).

/** Return a function that draws numbers from 0 to 1, always the same ones for a seed. */
export function generator(seed) {
  let a = Math.imul(seed + 1, 0x9e3779b9) | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Shuffle the first `n` places of an array in place, each order equally likely. */
export function shuffle(array, n, random) {
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [array[i], array[j]] = [array[j], array[i]];
  }
}
