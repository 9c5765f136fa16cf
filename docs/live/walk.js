// The map, the rules that race on it, and how often each arrives from random starts.

import { sheet } from "./draw.js";
import { generator } from "./random.js";
import { RULES } from "./rules.js";
import { descend, distance, SURFACES } from "./surfaces.js";

const $ = (id) => document.getElementById(id);
// Colours and dashes of the series (optlab/looks.py), so that a rule looks the same everywhere.
export const LOOKS = {
  sgd: ["#000000", []], momentum: ["#D55E00", [6, 4]], nesterov: ["#56B4E9", [6, 2, 2, 2, 2, 2]],
  adagrad: ["#009E73", [8, 3, 2, 3]], rmsprop: ["#E69F00", [6, 4]], adadelta: ["#CC79A7", [12, 3]],
  adam: ["#0072B2", []], adamax: ["#56B4E9", [2, 3]], nadam: ["#CC79A7", []],
};
const RATES = {
  sgd: 0.03, momentum: 0.01, nesterov: 0.01, adagrad: 1, rmsprop: 0.03, adadelta: 3, adam: 0.3,
  adamax: 0.3, nadam: 0.1,
}; // those of lesson 01
const STEPS = [-4, -3, -2, -1, 0].flatMap((power) => (
  [1, 1.5, 2, 3, 5, 7].map((first) => Number(`${first}e${power}`)))); // the sliders' rates
const NEAR = 0.1, STARTS = 200;
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

let surface = "ravine", start = SURFACES.ravine.start, seen = Infinity, ends = null, racing = null;
let background = null; // the map without paths, which takes a while to compute

const rateOf = (rule) => STEPS[Number($(`rate-${rule}`).value)];
const chosen = () => Object.keys(LOOKS).filter((rule) => $(`use-${rule}`).checked);
const text = (number) => Number(number).toLocaleString("en", { maximumSignificantDigits: 2 });
const small = (number) => (number < 0.001 ? "below 0.001" : text(number));

function build() {
  $("surface").append(...Object.entries(SURFACES).map(([name, { label }]) => new Option(label, name)));
  const head = $("rules").insertRow();
  for (const word of ["rule", "rate", "value", "lowest loss", "updates to a ring", "from 200 starts"]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = word;
    head.append(cell);
  }
  for (const [rule, [color, dash]] of Object.entries(LOOKS)) {
    const row = $("rules").insertRow();
    row.innerHTML = `<th scope="row"><label><input type="checkbox" id="use-${rule}">
      <svg width="26" height="8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" stroke="white"
      stroke-width="8"/><line x1="0" x2="26" y1="4" y2="4" stroke="${color}"
      stroke-width="3" stroke-dasharray="${dash}"/></svg> ${RULES[rule].label}</label></th>
      <td><input type="range" id="rate-${rule}" min="0" max="${STEPS.length - 1}" step="1"
      aria-label="rate of ${RULES[rule].label}"></td><td id="says-${rule}"></td>
      <td id="low-${rule}"></td><td id="away-${rule}"></td><td id="share-${rule}"></td>`;
    $(`use-${rule}`).checked = ["sgd", "momentum", "adam"].includes(rule);
    $(`rate-${rule}`).value = STEPS.indexOf(RATES[rule]);
  }
}

// ---- the map ---------------------------------------------------------------------------------

const toMap = ([x, y], [left, bottom, right, top], width, height) => (
  [(x - left) / (right - left) * width, (top - y) / (top - bottom) * height]);

/** Paint the surface in steps of its logarithm, so that the valley's floor shows as well. */
function paint(width, height) {
  const { value, domain: [left, bottom, right, top] } = SURFACES[surface];
  const image = new ImageData(width, height);
  const heights = Float64Array.from({ length: width * height }, (_, i) => Math.log10(1e-3 + value(
    left + (i % width + 0.5) / width * (right - left),
    top - (Math.floor(i / width) + 0.5) / height * (top - bottom))));
  let low = Infinity, high = -Infinity;
  for (const h of heights) { if (h < low) low = h; if (h > high) high = h; }
  heights.forEach((h, i) => {
    const level = Math.floor((h - low) / (high - low) * 18) / 18;
    [120, 150, 190].forEach((dark, c) => { image.data[4 * i + c] = dark + (255 - dark) * level; });
    image.data[4 * i + 3] = 255;
  });
  const made = new OffscreenCanvas(width, height);
  made.getContext("2d").putImageData(image, 0, 0);
  return made;
}

function draw() {
  const canvas = $("map"), { domain, minima } = SURFACES[surface];
  const { context, width, height } = sheet(canvas);
  if (!background || background.width !== Math.round(width) || background.of !== surface) {
    background = Object.assign(paint(Math.round(width), Math.round(height)), { of: surface });
  }
  context.drawImage(background, 0, 0, width, height);
  const place = (point) => toMap(point, domain, width, height);
  for (const rule of chosen()) {
    const [color, dash] = LOOKS[rule];
    context.strokeStyle = context.fillStyle = color;
    if (ends) {
      for (const end of ends[rule] ?? []) disc(context, place(end), 2.5);
      continue;
    }
    const path = walks[rule].slice(0, seen + 1).filter((p) => p.every((v) => Math.abs(v) < 1e4));
    context.beginPath();
    path.map(place).forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.lineWidth = 5;
    context.strokeStyle = "white";
    context.stroke();
    context.lineWidth = 2.5;
    context.strokeStyle = color;
    context.setLineDash(dash);
    context.stroke();
    context.setLineDash([]);
    disc(context, place(path.at(-1)), 5);
  }
  context.strokeStyle = "#222222";
  context.lineWidth = 2;
  for (const minimum of minima) {
    context.beginPath();
    context.arc(...place(minimum), 8, 0, 2 * Math.PI);
    context.stroke();
  }
  const [x, y] = place(start);
  if (!ends) context.strokeRect(x - 5, y - 5, 10, 10);
  canvas.ariaLabel = `${SURFACES[surface].label}, from (${start.map(text).join(", ")}). ${inWords()}`;
}

function disc(context, [x, y], r) {
  context.beginPath();
  context.arc(x, y, r, 0, 2 * Math.PI);
  context.fill();
}

// ---- the walks -------------------------------------------------------------------------------

let walks = {};

function walk() {
  const steps = Number($("steps").value), momentum = Number($("momentum").value);
  ends = null;
  cancelAnimationFrame(racing);
  seen = Infinity;
  $("momentumValue").textContent = momentum;
  for (const rule of Object.keys(LOOKS)) {
    walks[rule] = descend(surface, rule, start, steps, rateOf(rule), momentum);
    const used = $(`use-${rule}`).checked, values = walks[rule].map(([x, y]) => SURFACES[surface].value(x, y));
    $(`says-${rule}`).textContent = text(rateOf(rule));
    $(`rate-${rule}`).ariaValueText = text(rateOf(rule));
    $(`low-${rule}`).textContent = used ? small(Math.min(...values.filter(Number.isFinite))) : "";
    $(`away-${rule}`).textContent = used ? arrival(rule) : "";
    $(`share-${rule}`).textContent = "";
  }
  $("x").value = +start[0].toFixed(3);
  $("y").value = +start[1].toFixed(3);
  $("status").textContent = inWords();
  draw();
}

/** Return after how many updates a walk comes within NEAR of a minimum, and stays. */
function arrival(rule) {
  const away = walks[rule].map((point) => distance(surface, point));
  let last = away.length;
  while (last && away[last - 1] < NEAR) last--;
  if (!(away.at(-1) < 1e6)) return "diverged";
  return last < away.length ? String(last) : "–";
}

function inWords() {
  if (ends) return $("status").textContent;
  const told = { diverged: "diverged", "–": "not there" };
  return chosen().map((rule) => (
    `${RULES[rule].label}: ${told[arrival(rule)] ?? `there after ${arrival(rule)} updates`}`)).join("; ");
}

function race() {
  walk();
  if (calm) return;
  seen = 0;
  const steps = Number($("steps").value), frame = () => {
    seen += Math.max(1, Math.round(steps / 200));
    draw();
    if (seen < steps) racing = requestAnimationFrame(frame);
  };
  racing = requestAnimationFrame(frame);
}

function many() {
  cancelAnimationFrame(racing);
  const [left, bottom, right, top] = SURFACES[surface].domain, random = generator(1);
  const starts = Array.from({ length: STARTS }, () => (
    [left + random() * (right - left), bottom + random() * (top - bottom)]));
  const steps = Number($("steps").value), momentum = Number($("momentum").value);
  ends = {};
  for (const rule of chosen()) {
    ends[rule] = starts.map((from) => descend(surface, rule, from, steps, rateOf(rule), momentum).at(-1));
    const there = ends[rule].filter((end) => distance(surface, end) < NEAR).length;
    $(`share-${rule}`).textContent = `${there} of ${STARTS}`;
  }
  $("status").textContent = `Dots: where ${STARTS} random walks end, after ${steps} updates. `
    + chosen().map((rule) => `${RULES[rule].label}: ${$(`share-${rule}`).textContent} arrive`).join("; ");
  draw();
}

// ---- what the reader does --------------------------------------------------------------------

function listen() {
  $("surface").addEventListener("change", () => {
    surface = $("surface").value;
    start = SURFACES[surface].start;
    walk();
  });
  for (const [id, axis] of [["x", 0], ["y", 1]]) {
    $(id).addEventListener("change", () => {
      const value = Number($(id).value), domain = SURFACES[surface].domain;
      const inside = Math.min(Math.max(value, domain[axis]), domain[axis + 2]);
      start = start.map((old, k) => (k === axis && Number.isFinite(value) ? inside : old));
      walk();
    });
  }
  $("map").addEventListener("click", (event) => {
    const { left, top, width, height } = $("map").getBoundingClientRect();
    const [x0, y0, x1, y1] = SURFACES[surface].domain;
    start = [x0 + (event.clientX - left) / width * (x1 - x0), y1 - (event.clientY - top) / height * (y1 - y0)];
    walk();
  });
  $("rules").addEventListener("input", walk);
  $("momentum").addEventListener("input", walk);
  $("steps").addEventListener("change", walk);
  $("race").addEventListener("click", race);
  $("many").addEventListener("click", many);
  addEventListener("resize", draw);
}

build();
listen();
walk();
