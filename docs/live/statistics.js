// The statistics of `ol.claim`: Student's t for the mean of paired differences, and its verdict.

const FEWEST = 5; // fewer values decide nothing

/** Return the logarithm of the gamma function (Lanczos' approximation). */
function logGamma(x) {
  const c = [76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155,
    0.1208650973866179e-2, -0.5395239384953e-5];
  let sum = 1.000000000190015;
  for (let k = 0; k < 6; k++) sum += c[k] / (x + 1 + k);
  const t = x + 5.5;
  return (x + 0.5) * Math.log(t) - t + Math.log(2.5066282746310005 * sum / x);
}

/** Return the regularized incomplete beta function (its continued fraction, by Lentz). */
function beta(a, b, x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - beta(b, a, 1 - x);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x));
  let c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), f = d;
  for (let m = 1; m < 300; m++) {
    let n = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + n * d); c = 1 + n / c; f *= c * d;
    n = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + n * d); c = 1 + n / c; f *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return front * f / a;
}

/** Return how far from 0 the middle `confidence` of Student's t with `df` degrees reaches. */
export function tQuantile(confidence, df) {
  let low = 0, high = 1e6;
  for (let k = 0; k < 200; k++) {
    const t = (low + high) / 2;
    if (beta(df / 2, 0.5, df / (df + t * t)) > 1 - confidence) low = t;
    else high = t;
  }
  return (low + high) / 2;
}

/**
 * Judge the claim that the mean of `values`, a part of one per seed, is at least `atLeast`.
 * Returns {verdict, mean, low, high, count, missing}; the ends are NaN where there is no interval.
 */
export function judge(values, atLeast) {
  const there = Array.from(values).filter(Number.isFinite).map((v) => Math.round(v * 1e6) / 1e6);
  const n = there.length, missing = values.length - n;
  const mean = n ? there.reduce((sum, v) => sum + v, 0) / n : NaN;
  const spread = Math.max(...there) - Math.min(...there);
  const square = there.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1);
  const found = { mean, low: NaN, high: NaN, count: n, missing, verdict: "undecided" };
  const rounding = Math.max(1e-12, 1e-6 * Math.max(...there.map(Math.abs)));
  if (missing || n < 2 || spread <= rounding) return found;
  const half = tQuantile(0.95, n - 1) * Math.sqrt(square / n);
  found.low = mean - half;
  found.high = mean + half;
  const side = Math.round(atLeast * 1e6) / 1e6;
  if (n >= FEWEST && found.low >= side) found.verdict = "supported";
  if (n >= FEWEST && found.high < side) found.verdict = "contradicted";
  return found;
}

/** Return the median and the ends of the middle half of numbers, as numpy.quantile does. */
export function middleHalf(values) {
  const sorted = Array.from(values).filter(Number.isFinite).sort((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((share) => {
    const at = share * (sorted.length - 1), below = Math.floor(at);
    if (!sorted.length) return NaN;
    return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  });
}
