// One setting from many seeds, all trained in step: update by update, epoch by epoch.

import { evaluate, firstWeights, forward, gradientOfBatch, network, winner } from "./network.js";
import { generator, shuffle } from "./random.js";
import { initialState, RULES, update } from "./rules.js";
import { rateAt } from "./schedules.js";

export const METRICS = ["loss", "accuracy", "val_loss", "val_accuracy"];

/** Return the training points of a plan: the first `points` of them, some with a wrong label. */
export function trainingPoints({ train }, points, noise) {
  const y = train.y.slice(0, points), random = generator(-2);
  const order = Uint32Array.from(y.keys());
  shuffle(order, points, random);
  for (const i of order.subarray(0, Math.round(noise * points))) {
    y[i] = (y[i] + 1 + Math.floor(2 * random())) % 3;
  }
  return { x: train.x.subarray(0, 2 * points), y };
}

export class Training {
  /**
   * @param plan optimizer, rate, momentum, batch, schedule, epochs, updates, layers, width,
   *   activation, points, noise, seeds, first: what the page's controls say; `first` is the first seed.
   * @param data {train, val, test}, each {x: numbers in pairs, y: labels}.
   */
  constructor(plan, data) {
    this.plan = plan;
    this.data = data;
    this.train = trainingPoints(data, plan.points, plan.noise);
    this.perEpoch = Math.ceil(plan.points / plan.batch);
    this.updates = plan.updates || plan.epochs * this.perEpoch;
    this.net = network([2, ...Array(plan.layers).fill(plan.width), 3], plan.activation);
    this.options = { ...RULES[plan.optimizer].options };
    if ("momentum" in this.options) this.options.momentum = plan.momentum;
    this.gradient = new Float64Array(this.net.length);
    this.done = 0; // updates
    this.runs = Array.from({ length: plan.seeds }, (_, seed) => {
      const random = generator(plan.first + seed);
      const weights = firstWeights(this.net, random);
      return {
        weights, random,
        state: initialState(plan.optimizer, weights.length),
        order: Uint32Array.from({ length: plan.points }, (_, i) => i),
        total: 0, right: 0, seen: 0,
      };
    });
    /** curves[metric][seed] lists one number per finished epoch, and one for a last part of one. */
    this.curves = Object.fromEntries(METRICS.map((name) => [name, this.runs.map(() => [])]));
  }

  get epoch() {
    return Math.floor(this.done / this.perEpoch);
  }

  get finished() {
    return this.done >= this.updates;
  }

  /** Make one update of every seed. */
  advance() {
    const { plan, net, train, gradient } = this;
    const batch = this.done % this.perEpoch;
    const rate = rateAt(plan.schedule, plan.rate, this.done, this.updates);
    const from = batch * plan.batch, to = Math.min(from + plan.batch, plan.points);
    this.done++;
    for (const run of this.runs) {
      if (batch === 0) {
        shuffle(run.order, plan.points, run.random);
        run.total = run.right = run.seen = 0;
      }
      const seen = gradientOfBatch(net, run.weights, train, run.order, from, to, gradient);
      run.total += seen.total;
      run.right += seen.right;
      run.seen += to - from;
      update(plan.optimizer, run.weights, gradient, run.state, this.done, rate, this.options);
    }
    if (this.done % this.perEpoch === 0 || this.finished) this.endEpoch();
  }

  /** Note how each seed stands, as Keras does: training figures are means over the epoch. */
  endEpoch() {
    this.runs.forEach((run, seed) => {
      const val = evaluate(this.net, run.weights, this.data.val);
      const n = run.seen, sound = Number.isFinite(val.loss); // else the run has diverged
      const row = [run.total / n, sound ? run.right / n : NaN, val.loss, sound ? val.accuracy : NaN];
      METRICS.forEach((name, k) => this.curves[name][seed].push(row[k]));
    });
  }

  /** Return the accuracy of each seed on the fresh points, once it is trained. */
  test() {
    this.tested ??= this.runs.map((run) => {
      const { loss, accuracy } = evaluate(this.net, run.weights, this.data.test);
      return Number.isFinite(loss) ? accuracy : NaN;
    });
    return this.tested;
  }

  /**
   * Return where each class wins, on size × size places of a square: the class that most seeds
   * choose and how many do; or what one seed alone chooses (the number is then 0 or 1).
   */
  regions([left, bottom, right, top], size, seed = null) {
    const chosen = seed === null ? this.runs : [this.runs[seed]];
    const classes = new Int8Array(size * size), votes = new Uint8Array(size * size);
    const count = new Uint8Array(3);
    for (let row = 0, place = 0; row < size; row++) {
      const y = top - (row + 0.5) / size * (top - bottom);
      for (let column = 0; column < size; column++, place++) {
        const x = left + (column + 0.5) / size * (right - left);
        count.fill(0);
        for (const run of chosen) {
          const k = winner(forward(this.net, run.weights, x, y));
          if (k >= 0) count[k]++;
        }
        let best = 0;
        for (let k = 1; k < 3; k++) if (count[k] > count[best]) best = k;
        classes[place] = best;
        votes[place] = count[best];
      }
    }
    return { classes, votes, of: chosen.length, size };
  }
}
