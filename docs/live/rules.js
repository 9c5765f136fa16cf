// The update rules, as in optlab/updates.py: the formulas of Keras' optimizers, down to the place
// of epsilon. A rule changes `weights` in place; `state` is what it remembers, `t` counts from 1.

export const RULES = {
  sgd: { label: "SGD", start: {}, options: {} },
  momentum: { label: "Momentum", start: { velocity: 0 }, options: { momentum: 0.9 } },
  nesterov: { label: "Nesterov", start: { velocity: 0 }, options: { momentum: 0.9 } },
  adagrad: { label: "Adagrad", start: { sum: 0.1 }, options: { epsilon: 1e-7 } },
  rmsprop: { label: "RMSprop", start: { square: 0 }, options: { rho: 0.9, epsilon: 1e-7 } },
  adadelta: { label: "Adadelta", start: { square: 0, steps: 0 }, options: { rho: 0.95, epsilon: 1e-7 } },
  adam: { label: "Adam", start: { m: 0, v: 0 }, options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } },
  adamw: {
    label: "AdamW", start: { m: 0, v: 0 },
    options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0.004 },
  },
  adamax: { label: "Adamax", start: { m: 0, u: 0 }, options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } },
  nadam: {
    label: "Nadam", start: { m: 0, v: 0, product: null },
    options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  },
};

/** Return what a rule remembers before its first update of `size` weights. */
export function initialState(rule, size) {
  const state = {};
  for (const [name, value] of Object.entries(RULES[rule].start)) {
    state[name] = value === null ? 1 : new Float64Array(size).fill(value);
  }
  return state;
}

const STEPS = {
  sgd(w, g, state, t, rate) {
    for (let i = 0; i < w.length; i++) w[i] -= rate * g[i];
  },

  momentum(w, g, { velocity }, t, rate, { momentum }) {
    for (let i = 0; i < w.length; i++) {
      velocity[i] = momentum * velocity[i] - rate * g[i];
      w[i] += velocity[i];
    }
  },

  nesterov(w, g, { velocity }, t, rate, { momentum }) {
    for (let i = 0; i < w.length; i++) {
      velocity[i] = momentum * velocity[i] - rate * g[i];
      w[i] += momentum * velocity[i] - rate * g[i];
    }
  },

  adagrad(w, g, { sum }, t, rate, { epsilon }) {
    for (let i = 0; i < w.length; i++) {
      sum[i] += g[i] * g[i];
      w[i] -= rate * g[i] / Math.sqrt(sum[i] + epsilon);
    }
  },

  rmsprop(w, g, { square }, t, rate, { rho, epsilon }) {
    for (let i = 0; i < w.length; i++) {
      square[i] = rho * square[i] + (1 - rho) * g[i] * g[i];
      w[i] -= rate * g[i] / Math.sqrt(square[i] + epsilon);
    }
  },

  adadelta(w, g, { square, steps }, t, rate, { rho, epsilon }) {
    for (let i = 0; i < w.length; i++) {
      square[i] = rho * square[i] + (1 - rho) * g[i] * g[i];
      const step = -Math.sqrt(steps[i] + epsilon) / Math.sqrt(square[i] + epsilon) * g[i];
      steps[i] = rho * steps[i] + (1 - rho) * step * step;
      w[i] += rate * step;
    }
  },

  adam(w, g, { m, v }, t, rate, { beta1, beta2, epsilon }) {
    const corrected = rate * Math.sqrt(1 - beta2 ** t) / (1 - beta1 ** t);
    for (let i = 0; i < w.length; i++) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      w[i] -= corrected * m[i] / (Math.sqrt(v[i]) + epsilon);
    }
  },

  adamw(w, g, state, t, rate, options) {
    for (let i = 0; i < w.length; i++) w[i] -= rate * options.decay * w[i];
    STEPS.adam(w, g, state, t, rate, options);
  },

  adamax(w, g, { m, u }, t, rate, { beta1, beta2, epsilon }) {
    const corrected = rate / (1 - beta1 ** t);
    for (let i = 0; i < w.length; i++) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      u[i] = Math.max(beta2 * u[i], Math.abs(g[i]));
      w[i] -= corrected * m[i] / (u[i] + epsilon);
    }
  },

  nadam(w, g, state, t, rate, { beta1, beta2, epsilon }) {
    const { m, v } = state;
    const now = beta1 * (1 - 0.5 * 0.96 ** t), next = beta1 * (1 - 0.5 * 0.96 ** (t + 1));
    state.product *= now;
    for (let i = 0; i < w.length; i++) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      const ahead = next * m[i] / (1 - state.product * next) + (1 - now) * g[i] / (1 - state.product);
      w[i] -= rate * ahead / (Math.sqrt(v[i] / (1 - beta2 ** t)) + epsilon);
    }
  },
};

/** Make update `t` of a rule. `options` has an entry for each of the rule's own. */
export function update(rule, weights, gradient, state, t, rate, options) {
  STEPS[rule](weights, gradient, state, t, rate, options);
}
