// The pictures: decision regions, learning curves, paired differences. On white paper, as in the
// lessons, with the colours and marks that the package gives to the classes.

import { middleHalf } from "./statistics.js";

export const CLASSES = [[0, 114, 178], [230, 159, 0], [0, 158, 115]];
export const LOOKS = { A: { color: "#0072B2", dash: [] }, B: { color: "#B04A00", dash: [9, 4] } };
const INK = "#222222", PALE = "#DDDDDD", TINT = 0.75;
const FONT = "13px system-ui, sans-serif";

/** Fit a canvas to its place on the page and return {context, width, height} in CSS pixels. */
export function sheet(canvas) {
  const width = canvas.clientWidth, height = canvas.clientHeight, dense = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  const context = canvas.getContext("2d");
  context.scale(dense, dense);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.font = FONT;
  context.lineJoin = "round";
  return { context, width, height };
}

/** Paint where each class wins, paler where fewer seeds agree, and the training points. */
export function drawRegions(canvas, regions, box, points) {
  const { context, width, height } = sheet(canvas);
  if (regions) {
    const { classes, votes, of, size } = regions;
    const image = new ImageData(size, size);
    for (let i = 0; i < classes.length; i++) {
      const lead = Math.min(Math.max((votes[i] / of - 1 / 3) / (2 / 3), 0), 1) * TINT;
      for (let c = 0; c < 3; c++) {
        image.data[4 * i + c] = 255 - lead * (255 - CLASSES[classes[i]][c]);
      }
      image.data[4 * i + 3] = 255;
    }
    const small = new OffscreenCanvas(size, size);
    small.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.drawImage(small, 0, 0, width, height);
  }
  const [left, bottom, right, top] = box;
  for (let i = 0; i < points.y.length; i++) {
    const x = (points.x[2 * i] - left) / (right - left) * width;
    const y = (top - points.x[2 * i + 1]) / (top - bottom) * height;
    mark(context, points.y[i], x, y, 3.4);
    context.fillStyle = `rgb(${CLASSES[points.y[i]]})`;
    context.fill();
    context.strokeStyle = "white";
    context.lineWidth = 0.7;
    context.stroke();
  }
}

/** Trace the mark of a class: disc, square, triangle. */
export function mark(context, label, x, y, r) {
  context.beginPath();
  if (label === 0) context.arc(x, y, r, 0, 2 * Math.PI);
  else if (label === 1) context.rect(x - r, y - r, 2 * r, 2 * r);
  else {
    context.moveTo(x, y - 1.2 * r);
    context.lineTo(x + 1.1 * r, y + r);
    context.lineTo(x - 1.1 * r, y + r);
    context.closePath();
  }
}

/** Return round numbers across a range, about `count` of them. */
export function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

/** Draw the frame of a chart; return functions from its numbers to places on the canvas. */
function axes(context, width, height, [x0, x1], [y0, y1], xLabel, yText) {
  const [left, right, top, bottom] = [52, 14, 12, 42];
  const x = (v) => left + (v - x0) / (x1 - x0 || 1) * (width - left - right);
  const y = (v) => height - bottom - (v - y0) / (y1 - y0 || 1) * (height - top - bottom);
  context.lineWidth = 1;
  context.fillStyle = INK;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const v of ticks(y0, y1, 5)) {
    context.strokeStyle = PALE;
    line(context, [[left, y(v)], [width - right, y(v)]]);
    context.fillText(yText(v), left - 6, y(v));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const v of ticks(x0, x1, Math.max(2, Math.min(8, width / 80)))) {
    context.fillText(String(+v.toPrecision(6)), x(v), height - bottom + 6);
  }
  context.fillText(xLabel, (left + width - right) / 2, height - 18);
  context.strokeStyle = INK;
  line(context, [[left, top], [left, height - bottom], [width - right, height - bottom]]);
  return { x, y };
}

function line(context, points) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

/** Return the median and the middle half of curves[seed][epoch], epoch by epoch. */
export function band(curves) {
  const epochs = Math.max(0, ...curves.map((curve) => curve.length));
  return Array.from({ length: epochs }, (_, e) => middleHalf(curves.map((curve) => curve[e])));
}

const late = (rows) => rows.slice(Math.floor(rows.length / 10)); // without the first steep fall

/**
 * Draw learning curves: of each setting the median of the seeds (thick) and their middle half
 * (band), the training median grey and dashed, and one seed as a thin line.
 * `settings` is [{name, curves, perEpoch, updates}]. The axis counts epochs, `length` in all, or
 * updates if `byUpdate`. Returns a function from a place to the nearest seed.
 */
export function drawCurves(canvas, settings, metric, length, byUpdate, seed) {
  const { context, width, height } = sheet(canvas);
  const accuracy = metric === "accuracy";
  const bands = settings.map(({ curves }) => [band(curves[`val_${metric}`]), band(curves[metric])]);
  const all = bands.flat().flatMap((rows) => (accuracy ? rows : late(rows))).flat().filter(Number.isFinite);
  let low = all.length ? Math.min(...all) : accuracy ? 0.3 : 0;
  let high = all.length ? Math.max(...all) : 1;
  if (!accuracy) high = Math.min(high, 3); // a loss that grows without end would flatten the rest
  const step = accuracy ? 0.1 : high - low < 0.5 ? 0.1 : 0.5;
  low = Math.floor(low / step + 1e-9) * step;
  high = Math.max(Math.ceil(high / step - 1e-9) * step, low + step);
  if (accuracy) high = Math.min(high, 1);
  const { x, y } = axes(context, width, height, [0, length], [low, high], byUpdate ? "update" : "epoch",
    (v) => (accuracy ? `${Math.round(100 * v)} %` : String(+v.toFixed(2))));
  context.save();
  context.beginPath();
  context.rect(x(0), y(high) - 2, x(length) - x(0) + 2, y(low) - y(high) + 4);
  context.clip();
  /** Where the end of an epoch of a setting lies on the axis. */
  const at = ({ perEpoch, updates }, e) => (byUpdate ? Math.min((e + 1) * perEpoch, updates) : e + 1);
  settings.forEach((setting, k) => {
    const { name, curves } = setting, [val, train] = bands[k], { color, dash } = LOOKS[name];
    const path = (rows, j) => rows.map((row, e) => [x(at(setting, e)), y(Math.min(row[j], 10 * high))]);
    context.fillStyle = color;
    context.globalAlpha = 0.2;
    context.beginPath();
    [...path(val, 0), ...path(val, 2).reverse()].forEach(([a, b], i) => (
      i ? context.lineTo(a, b) : context.moveTo(a, b)));
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = "#777777";
    context.lineWidth = 1.6;
    context.setLineDash(name === "A" ? [5, 4] : [2, 3]);
    line(context, path(train, 1));
    context.setLineDash(dash);
    context.strokeStyle = color;
    context.lineWidth = 3;
    line(context, path(val, 1));
    context.setLineDash([]);
    if (seed !== null) {
      const one = path(curves[`val_${metric}`][seed].map((v) => [v]), 0);
      for (const [wide, ink] of [[3.4, INK], [1.8, color]]) {
        context.lineWidth = wide;
        context.strokeStyle = ink;
        line(context, one.filter(([, b]) => Number.isFinite(b)));
      }
    }
  });
  context.restore();
  return (px, py) => {
    let best = null, least = 24;
    const value = (px - x(0)) / (x(length) - x(0)) * length;
    for (const { curves, perEpoch } of settings) {
      const e = Math.round(byUpdate ? value / perEpoch : value) - 1;
      curves[`val_${metric}`].forEach((curve, s) => {
        const away = Math.abs(y(curve[e]) - py); // NaN where the curve has no such epoch
        if (away < least) [best, least] = [s, away];
      });
    }
    return best;
  };
}

/** Draw paired differences in points: a dot per seed, mean and interval, the claimed side shaded. */
export function drawDifferences(canvas, values, found, atLeast, seed) {
  const { context, width, height } = sheet(canvas);
  const there = values.filter(Number.isFinite).map((v) => 100 * v);
  const ends = [found.low, found.high].filter(Number.isFinite).map((v) => 100 * v);
  const marks = [...there, ...ends, 100 * atLeast, 0];
  const least = Math.min(...marks), most = Math.max(...marks), room = 0.06 * (most - least) || 1;
  const [left, right] = [16, 16], base = height - 40;
  const x = (v) => left + (v - least + room) / (most - least + 2 * room) * (width - left - right);
  context.fillStyle = "#E4E4E4";
  context.fillRect(x(100 * atLeast), 8, width - right - x(100 * atLeast), base - 8);
  context.strokeStyle = INK;
  context.lineWidth = 1;
  line(context, [[left, base], [width - right, base]]);
  line(context, [[x(0), 8], [x(0), base]]);
  context.setLineDash([5, 4]);
  line(context, [[x(100 * atLeast), 8], [x(100 * atLeast), base]]);
  context.setLineDash([]);
  context.fillStyle = INK;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const v of ticks(least - room, most + room, Math.min(8, width / 70))) {
    context.fillText(String(+v.toPrecision(6)).replace("-", "−"), x(v), base + 5);
  }
  const what = width > 420 ? "A minus B, percentage points (shaded: the claimed side)" : "A minus B, points";
  context.fillText(what, width / 2, base + 22);
  const rows = [0.18, 0.32, 0.46];
  values.map((v, s) => [100 * v, s]).filter(([v]) => Number.isFinite(v)).sort((a, b) => a[0] - b[0])
    .forEach(([v, s], i) => {
      context.beginPath();
      context.arc(x(v), 8 + rows[i % 3] * (base - 8), s === seed ? 7 : 4.5, 0, 2 * Math.PI);
      context.fillStyle = s === seed ? "#B0004A" : INK;
      context.globalAlpha = s === seed ? 1 : 0.7;
      context.fill();
      context.globalAlpha = 1;
    });
  if (!Number.isFinite(found.mean)) return;
  const level = 8 + 0.76 * (base - 8), middle = x(100 * found.mean);
  context.strokeStyle = context.fillStyle = INK;
  if (ends.length) {
    context.lineWidth = 2.5;
    line(context, [[x(ends[0]), level], [x(ends[1]), level]]);
    for (const end of ends) line(context, [[x(end), level - 6], [x(end), level + 6]]);
  }
  context.beginPath();
  [[0, -7], [7, 0], [0, 7], [-7, 0]].forEach(([a, b], i) => (
    i ? context.lineTo(middle + a, level + b) : context.moveTo(middle + a, level + b)));
  context.fill();
}
