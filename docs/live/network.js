// A small network of dense layers with softmax and cross-entropy, as Keras computes them.
// All weights of a run lie in one array: for each layer its kernel (inputs × outputs), then its
// biases. Numbers are in double precision, so that they differ from Keras' only by its rounding.

/** Describe a network: `sizes` such as [2, 50, 3], the hidden layers' activation "relu" or "tanh". */
export function network(sizes, activation) {
  const layers = [];
  let length = 0;
  for (let l = 0; l + 1 < sizes.length; l++) {
    const [inputs, outputs] = [sizes[l], sizes[l + 1]];
    layers.push({ inputs, outputs, kernel: length, bias: length + inputs * outputs });
    length += inputs * outputs + outputs;
  }
  const room = () => sizes.map((size) => new Float64Array(size));
  const logs = new Float64Array(sizes.at(-1)); // logarithms of the class probabilities
  return { sizes, activation, layers, length, values: room(), errors: room(), logs };
}

/** Return first weights: He's for ReLU, Glorot's for tanh and the output, uniform; biases of 0. */
export function firstWeights(net, random) {
  const weights = new Float64Array(net.length);
  net.layers.forEach(({ inputs, outputs, kernel }, l) => {
    const he = net.activation === "relu" && l + 1 < net.layers.length;
    const limit = Math.sqrt(he ? 6 / inputs : 6 / (inputs + outputs));
    for (let i = 0; i < inputs * outputs; i++) weights[kernel + i] = limit * (2 * random() - 1);
  });
  return weights;
}

/** Compute the class probabilities of one point; they and all layers' values stay in the net. */
export function forward(net, weights, x0, x1) {
  const { layers, values, activation } = net;
  values[0][0] = x0;
  values[0][1] = x1;
  for (let l = 0; l < layers.length; l++) {
    const { inputs, outputs, kernel, bias } = layers[l];
    const from = values[l], to = values[l + 1], last = l + 1 === layers.length;
    if (outputs === 3) { // the output: a loop of three costs more than its sums
      let a = weights[bias], b = weights[bias + 1], c = weights[bias + 2];
      for (let i = 0, k = kernel; i < inputs; i++, k += 3) {
        const value = from[i];
        if (value === 0) continue;
        a += value * weights[k];
        b += value * weights[k + 1];
        c += value * weights[k + 2];
      }
      to[0] = a; to[1] = b; to[2] = c;
    } else {
      for (let j = 0; j < outputs; j++) to[j] = weights[bias + j];
      for (let i = 0, k = kernel; i < inputs; i++, k += outputs) {
        const value = from[i];
        if (value === 0) continue;
        for (let j = 0; j < outputs; j++) to[j] += value * weights[k + j];
      }
    }
    if (last) softmax(to, net.logs);
    else if (activation === "tanh") for (let j = 0; j < outputs; j++) to[j] = Math.tanh(to[j]);
    else for (let j = 0; j < outputs; j++) if (to[j] < 0) to[j] = 0;
  }
  return values[layers.length];
}

function softmax(z, logs) {
  let most = -Infinity, sum = 0;
  for (let k = 0; k < z.length; k++) if (z[k] > most) most = z[k];
  for (let k = 0; k < z.length; k++) {
    logs[k] = z[k] - most;
    sum += z[k] = Math.exp(logs[k]);
  }
  const log = Math.log(sum);
  for (let k = 0; k < z.length; k++) {
    z[k] /= sum;
    logs[k] -= log;
  }
}

/** Return the class of the highest probability; NaN makes it -1. */
export function winner(p) {
  let best = -1, most = -Infinity;
  for (let k = 0; k < p.length; k++) if (p[k] > most) { most = p[k]; best = k; }
  return Number.isNaN(p[0]) ? -1 : best;
}

/**
 * Compute the mean gradient of the loss over a batch: the points order[from] to order[to - 1].
 * Returns the sum of the losses and the number of points classified right.
 */
export function gradientOfBatch(net, weights, { x, y }, order, from, to, gradient) {
  const { layers, values, errors, activation } = net, top = layers.length;
  let total = 0, right = 0;
  gradient.fill(0);
  for (let n = from; n < to; n++) {
    const point = order[n], label = y[point];
    const p = forward(net, weights, x[2 * point], x[2 * point + 1]);
    total -= net.logs[label];
    if (winner(p) === label) right++;
    for (let k = 0; k < p.length; k++) errors[top][k] = p[k] - (k === label ? 1 : 0);
    for (let l = top - 1; l >= 0; l--) {
      const { inputs, outputs, kernel, bias } = layers[l];
      const value = values[l], error = errors[l + 1], below = errors[l];
      for (let j = 0; j < outputs; j++) gradient[bias + j] += error[j];
      if (outputs === 3) {
        const a = error[0], b = error[1], c = error[2];
        for (let i = 0, k = kernel; i < inputs; i++, k += 3) {
          const v = value[i];
          if (v === 0 && activation === "relu") { below[i] = 0; continue; } // a unit that is off
          gradient[k] += v * a;
          gradient[k + 1] += v * b;
          gradient[k + 2] += v * c;
          below[i] = weights[k] * a + weights[k + 1] * b + weights[k + 2] * c;
        }
      } else {
        for (let i = 0, k = kernel; i < inputs; i++, k += outputs) {
          const v = value[i];
          if (v === 0 && activation === "relu" && l > 0) { below[i] = 0; continue; }
          let sum = 0;
          for (let j = 0; j < outputs; j++) gradient[k + j] += v * error[j];
          if (l > 0) for (let j = 0; j < outputs; j++) sum += weights[k + j] * error[j];
          below[i] = sum;
        }
      }
      if (activation === "tanh" && l > 0) {
        for (let i = 0; i < inputs; i++) below[i] *= 1 - value[i] * value[i];
      }
    }
  }
  for (let i = 0; i < gradient.length; i++) gradient[i] /= to - from;
  return { total, right };
}

/** Return the mean loss and the accuracy of a network on points. */
export function evaluate(net, weights, { x, y }) {
  let total = 0, right = 0;
  for (let n = 0; n < y.length; n++) {
    const p = forward(net, weights, x[2 * n], x[2 * n + 1]);
    total -= net.logs[y[n]];
    if (winner(p) === y[n]) right++;
  }
  return { loss: total / y.length, accuracy: right / y.length };
}
