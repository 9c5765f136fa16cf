// Learning-rate schedules, as in optlab/schedules.py: the rate at update `t`, counted from 0, of
// `n` updates in all. Their shapes are those of lesson 08.

const halfWave = (first, last, fraction) => {
  const share = (1 + Math.cos(Math.PI * fraction)) / 2;
  return first * share + last * (1 - share);
};
const between = (x) => Math.min(Math.max(x, 0), 1);

export const SCHEDULES = {
  constant: { label: "constant", rate: (peak) => peak },
  time1: { label: "time-based, decay 0.1 per update", rate: (peak, t) => peak / (1 + 0.1 * t) },
  time2: { label: "time-based, decay 0.01", rate: (peak, t) => peak / (1 + 0.01 * t) },
  time3: { label: "time-based, decay 0.001", rate: (peak, t) => peak / (1 + 0.001 * t) },
  time4: { label: "time-based, decay 0.0001", rate: (peak, t) => peak / (1 + 0.0001 * t) },
  step: {
    label: "step: halved each quarter",
    rate: (peak, t, n) => peak * 0.5 ** Math.floor((t + 0.5) / Math.max(1, Math.floor(n / 4))),
  },
  exponential: {
    label: "exponential: down to a hundredth",
    rate: (peak, t, n) => peak * Math.exp(-Math.log(100) * t / n),
  },
  cosine: { label: "cosine: down to 0", rate: (peak, t, n) => halfWave(peak, 0, between(t / n)) },
  warmup: {
    label: "warm-up, then cosine",
    rate(peak, t, n) {
      const up = Math.max(1, Math.floor(n / 10));
      return t < up ? peak * t / up : halfWave(peak, 0, between((t - up) / Math.max(1, n - up)));
    },
  },
  onecycle: {
    label: "one-cycle",
    rate(peak, t, n) {
      const up = 0.3 * n;
      return t < up
        ? halfWave(peak / 25, peak, between(t / up))
        : halfWave(peak, 1e-4 * peak, between((t - up) / (n - up)));
    },
  },
};

/** Return the rate at update `t`, from 0, of `n` in all. */
export function rateAt(schedule, peak, t, n) {
  return SCHEDULES[schedule].rate(peak, t, n);
}
