// Surfaces to walk down, as in optlab/surfaces.py, and the paths that the update rules take.

import { initialState, RULES, update } from "./rules.js";

const BEALE = [[1.5, 1], [2.25, 2], [2.625, 3]];
const TURN = 2 * Math.PI;

/** label, value(x, y), slope(x, y, into), domain [left, bottom, right, top], minima, start. */
export const SURFACES = {
  ravine: {
    label: "a ravine, 50 times steeper across than along",
    value: (x, y) => (x * x + 50 * y * y) / 2,
    slope(x, y, into) { into[0] = x; into[1] = 50 * y; },
    domain: [-10, -3, 10, 3], minima: [[0, 0]], start: [-8, 1.8],
  },
  beale: {
    label: "Beale's function: steep walls, a flat bent valley",
    value: (x, y) => BEALE.reduce((sum, [a, k]) => sum + (a - x + x * y ** k) ** 2, 0),
    slope(x, y, into) {
      into[0] = into[1] = 0;
      for (const [a, k] of BEALE) {
        const part = 2 * (a - x + x * y ** k);
        into[0] += part * (y ** k - 1);
        into[1] += part * k * x * y ** (k - 1);
      }
    },
    domain: [-4.5, -4.5, 4.5, 4.5], minima: [[3, 0.5]], start: [1, 1],
  },
  saddle: {
    label: "a saddle between two valleys",
    value: (x, y) => x * x + (y * y - 1) ** 2 / 4,
    slope(x, y, into) { into[0] = 2 * x; into[1] = y * (y * y - 1); },
    domain: [-1.5, -1.5, 1.5, 1.5], minima: [[0, -1], [0, 1]], start: [-1.2, 0.01],
  },
  rastrigin: {
    label: "Rastrigin's function: a bowl full of valleys",
    value: (x, y) => [x, y].reduce((sum, v) => sum + v * v + 10 * (1 - Math.cos(TURN * v)), 0),
    slope(x, y, into) {
      into[0] = 2 * x + 10 * TURN * Math.sin(TURN * x);
      into[1] = 2 * y + 10 * TURN * Math.sin(TURN * y);
    },
    domain: [-5.12, -5.12, 5.12, 5.12], minima: [[0, 0]], start: [3.3, -2.2],
  },
};

/** Return the path of a rule, [[x, y], ...]: the start and the place after each update. */
export function descend(surface, rule, start, steps, rate, momentum) {
  const { slope } = SURFACES[surface];
  const place = Float64Array.from(start), gradient = new Float64Array(2);
  const state = initialState(rule, 2), options = { ...RULES[rule].options };
  if ("momentum" in options) options.momentum = momentum;
  const path = [[...place]];
  for (let t = 1; t <= steps; t++) {
    slope(place[0], place[1], gradient);
    update(rule, place, gradient, state, t, rate, options);
    path.push([...place]);
  }
  return path;
}

/** Return how far a place is from the nearest minimum. */
export function distance(surface, [x, y]) {
  return Math.min(...SURFACES[surface].minima.map(([a, b]) => Math.hypot(x - a, y - b)));
}
