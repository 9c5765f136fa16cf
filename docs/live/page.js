// The page: controls, pictures and words. All training happens behind `server`.

import { POINTS } from "./points.js";
import { drawCurves, drawDifferences, drawRegions } from "./draw.js";
import { fromLink, OWN, planOf, PRESETS, SHARED, toLink, wanted } from "./plans.js";
import { RULES } from "./rules.js";
import { SCHEDULES } from "./schedules.js";
import { startServer } from "./start.js";
import { judge, middleHalf } from "./statistics.js";
import { trainingPoints } from "./training.js";

const $ = (id) => document.getElementById(id);
const WORDS = {
  optimizer: (name) => RULES[name].label,
  schedule: (name) => SCHEDULES[name].label,
  activation: (name) => ({ relu: "ReLU", tanh: "tanh" })[name],
  noise: (share) => `${100 * share} %`,
  batch: (size) => (size === 500 ? "all points" : String(size)),
  rate: (rate) => plain(rate),
};
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

let page = wanted(), state = null, comparisons = 0, counted = false, seed = null, nearest = null;
let shown = null; // the plans that `state` belongs to

/** Write a number without an exponent. */
function plain(number) {
  return Number(number).toLocaleString("en", { maximumSignificantDigits: 6, useGrouping: false });
}
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const points = (share) => (100 * share).toFixed(1).replace("-", "−");

// ---- data ------------------------------------------------------------------------------------

function decoded({ x, y }) {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return { x: new Float32Array(bytes(x).buffer), y: bytes(y) };
}
const data = Object.fromEntries(Object.entries(POINTS).map(([part, set]) => [part, decoded(set)]));
const box = boxOf([data.train, data.val]);

/** Return [left, bottom, right, top]: all points, and some room. */
function boxOf(sets) {
  const all = [0, 1].map((axis) => sets.flatMap(({ x }) => Array.from(x).filter((_, i) => i % 2 === axis)));
  const [low, high] = [all.map((v) => Math.min(...v)), all.map((v) => Math.max(...v))];
  const room = 0.04 * Math.max(high[0] - low[0], high[1] - low[1]);
  return [low[0] - room, low[1] - room, high[0] + room, high[1] + room];
}

// ---- controls --------------------------------------------------------------------------------

function choice(part, name, { label, values }) {
  const box = document.createElement("label");
  box.textContent = label;
  const field = document.createElement(values ? "select" : "input");
  field.id = `${part}-${name}`;
  if (!values) Object.assign(field, { type: "number", min: 0, max: 999999, step: 1 });
  field.addEventListener("change", () => {
    const number = typeof { ...SHARED, ...OWN }[name].start === "number";
    const value = number ? Number(field.value) : field.value;
    page[part][name] = name === "first" ? Math.min(Math.max(0, Math.round(value || 0)), 999999) : value;
    page.preset = "own";
    restart();
  });
  box.append(field);
  return box;
}

function build() {
  for (const name in SHARED) $("shared").append(choice("shared", name, SHARED[name]));
  for (const part of ["A", "B"]) for (const name in OWN) $(part).append(choice(part, name, OWN[name]));
}

/** Show in the controls what the page holds. */
function fill() {
  for (const [part, controls] of [["shared", SHARED], ["A", OWN], ["B", OWN]]) {
    for (const [name, { values }] of Object.entries(controls)) {
      const field = $(`${part}-${name}`), value = page[part][name];
      if (values) {
        const all = values.includes(value) ? values : [...values, value].sort((a, b) => a - b);
        const words = WORDS[name] ?? String;
        field.replaceChildren(...all.map((v) => new Option(words(v), String(v))));
      }
      field.value = String(value);
      if (part === "B") field.disabled = !page.compare;
      if (name === "momentum") {
        field.parentElement.hidden = !("momentum" in RULES[page[part].optimizer].options);
      }
    }
  }
  $("preset").value = page.preset;
  const preset = PRESETS[page.preset];
  $("hint").textContent = preset ? preset.hint : "";
  $("lesson").hidden = !preset || !document.documentElement.dataset.lessons;
  if (preset) $("lesson").href = `../../notebooks/${preset.lesson}.html`;
  $("compare").checked = page.compare;
  $("atLeast").value = String(+(100 * page.atLeast).toFixed(6));
  const last = page.shared.first + page.shared.seeds - 1;
  $("seed").replaceChildren(new Option(`all ${page.shared.seeds} seeds`, ""),
    ...Array.from({ length: page.shared.seeds }, (_, s) => new Option(`seed ${page.shared.first + s}`, s)));
  if (seed !== null && seed >= page.shared.seeds) seed = null;
  $("seed").value = seed === null ? "" : String(seed);
  $("fresh").title = `Train again, from the seeds after ${last}`;
}

// ---- training --------------------------------------------------------------------------------

const send = startServer(receive);

function restart() {
  fill();
  history.replaceState(null, "", `#${toLink(page)}`);
  shown = ["A", ...(page.compare ? ["B"] : [])].map((name) => ({ name, plan: planOf(page, name) }));
  counted = false;
  state = null;
  send({ kind: "look", seed });
  send({ kind: "start", plans: shown.map(({ plan }) => plan), often: calm ? 1e9 : 350 });
  $("status").textContent = "";
}

function receive(message) {
  state = message;
  draw();
}

// ---- pictures and words ----------------------------------------------------------------------

const named = () => state.settings.map((setting, k) => ({ ...setting, name: shown[k].name }));

function draw() {
  if (!state || state.settings.length !== shown.length) return;
  const settings = named(), { plan } = shown[0];
  const marks = trainingPoints(data, plan.points, plan.noise);
  for (const name of ["A", "B"]) {
    const setting = settings.find((s) => s.name === name);
    $(`regions${name}`).hidden = !setting;
    if (setting) {
      drawRegions(canvasOf(`regions${name}`), setting.regions, box, marks);
      canvasOf(`regions${name}`).ariaLabel = regionsInWords(setting);
    }
  }
  $("pictures").classList.toggle("single", settings.length === 1);
  nearest = drawCurves(canvasOf("curves"), settings, $("metric").value, plan.epochs, seed);
  canvasOf("curves").ariaLabel = curvesInWords(settings);
  $("train").textContent = state.running ? "Pause" : "Train";
  $("train").disabled = $("one").disabled = state.finished;
  $("one").disabled ||= state.running;
  const done = settings.reduce((sum, s) => sum + s.update / s.updates, 0) / settings.length;
  $("progress").value = done;
  $("where").textContent = settings.map(({ name, epoch, update, updates }) => (
    `${name}: epoch ${epoch} of ${plan.epochs}, update ${update} of ${updates}`)).join("; ");
  if (state.finished) $("status").textContent = `Trained. ${curvesInWords(settings)}`;
  judged(settings);
  if ($("numbers").open) tables(settings);
}

const canvasOf = (id) => $(id).querySelector("canvas");
const lastOf = (setting, metric) => setting.curves[metric].map((curve) => curve.at(-1) ?? NaN);

function curvesInWords(settings) {
  return settings.map((setting) => {
    const [low, middle, high] = middleHalf(lastOf(setting, "val_accuracy"));
    if (Number.isNaN(middle)) return `${setting.name} has not finished an epoch.`;
    return `${setting.name} stands at a validation accuracy of ${percent(middle)} after epoch `
      + `${setting.epoch} (median; middle half ${percent(low)} to ${percent(high)}).`;
  }).join(" ");
}

function regionsInWords({ name, regions: { classes, votes, of } }) {
  const share = [0, 1, 2].map((k) => classes.filter((c) => c === k).length / classes.length);
  const agreed = votes.reduce((sum, v) => sum + v / of, 0) / votes.length;
  return `Decision regions of setting ${name}: the classes win ${share.map((s) => `${Math.round(100 * s)} %`)
    .join(", ")} of the plane; ${Math.round(100 * agreed)} % of the seeds agree on a place, on average.`;
}

/** Return A minus B, seed by seed, at the end of what is trained. */
function differences(settings) {
  const [a, b] = settings.map((setting) => lastOf(setting, "val_accuracy"));
  return a.map((value, s) => (diverged(settings, s) ? NaN : value - b[s]));
}
const diverged = (settings, s) => settings.some(({ curves }) => !Number.isFinite(curves.val_loss[s].at(-1)));

function judged(settings) {
  $("difference").hidden = settings.length < 2;
  if (settings.length < 2) return;
  const values = differences(settings), found = judge(values, page.atLeast);
  drawDifferences($("differences"), values, found, page.atLeast, seed);
  $("verdict").textContent = verdictInWords(found, state.finished);
  $("differences").ariaLabel = `A minus B, a dot for each seed. ${$("verdict").textContent}`;
  if (state.finished && !counted) [counted, comparisons] = [true, comparisons + 1];
  $("caution").textContent = comparisons < 2 ? "Press New seeds: does the verdict come out the same?"
    : `You have judged ${comparisons} comparisons on this page. Where the truth lies exactly at the claimed `
      + "number, about one in twenty is decided all the same, by luck: before you believe one, press New seeds.";
}

function verdictInWords({ verdict, mean, low, high, count, missing }, finished) {
  if (Number.isNaN(mean)) return missing ? "Undecided: no seed has a value in both." : "";
  const word = { supported: "✓ Supported", contradicted: "✗ Contradicted", undecided: "○ Undecided" }[verdict];
  const interval = Number.isFinite(low) ? `95 % interval ${points(low)} to ${points(high)}`
    : missing ? `no interval, as ${missing} diverged` : "no interval, as the values do not differ";
  const side = mean < 0 ? "below" : "above";
  return `${finished ? "" : "So far: "}${word}. A is ${points(Math.abs(mean))} points ${side} B on average `
    + `(${interval.replaceAll("--", "-")}, ${count} seed${count === 1 ? "" : "s"}).`
    + (count + missing < 5 ? " Fewer than five seeds decide nothing." : "");
}

function tables(settings) {
  const rows = [["setting", "training loss", "validation loss", "training accuracy", "validation accuracy",
    "on 20,000 fresh points"]];
  for (const setting of settings) {
    const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
    rows.push([`${setting.name}, mean`, ...["loss", "val_loss"].map((m) => mean(lastOf(setting, m)).toFixed(3)),
      ...["accuracy", "val_accuracy"].map((m) => percent(mean(lastOf(setting, m)))),
      setting.test ? percent(mean(setting.test)) : "at the end"]);
  }
  const each = [["seed", ...settings.map(({ name }) => `${name}, validation accuracy`)]];
  const gaps = settings.length > 1 ? differences(settings) : null;
  if (gaps) each[0].push("A minus B, points");
  settings[0].curves.loss.forEach((_, s) => each.push([String(page.shared.first + s),
    ...settings.map((setting) => percent(lastOf(setting, "val_accuracy")[s])),
    ...(gaps ? [points(gaps[s])] : [])]));
  $("tables").replaceChildren(table("How the settings stand", rows), table("Seed by seed", each));
}

function table(caption, rows) {
  const made = document.createElement("table");
  made.createCaption().textContent = caption;
  made.tabIndex = 0;
  rows.forEach((cells, r) => {
    const row = made.insertRow();
    cells.forEach((text, c) => {
      const cell = document.createElement(r === 0 || c === 0 ? "th" : "td");
      if (r === 0 || c === 0) cell.scope = r === 0 ? "col" : "row";
      cell.textContent = text;
      row.append(cell);
    });
  });
  return made;
}

// ---- what the reader does --------------------------------------------------------------------

function look(chosen) {
  seed = chosen;
  $("seed").value = seed === null ? "" : String(seed);
  send({ kind: "look", seed });
  draw();
}

function listen() {
  $("preset").addEventListener("change", () => { page = wanted($("preset").value); restart(); });
  $("compare").addEventListener("change", () => {
    page.compare = $("compare").checked;
    page.preset = "own";
    restart();
  });
  $("train").addEventListener("click", () => {
    const running = state?.running;
    send({ kind: running ? "pause" : "run" });
    $("train").textContent = running ? "Train" : "Pause";
    if (state && !running) state.running = true;
  });
  $("one").addEventListener("click", () => send({ kind: "one" }));
  $("again").addEventListener("click", restart);
  $("fresh").addEventListener("click", () => {
    page.shared.first += page.shared.seeds;
    restart();
    send({ kind: "run" });
  });
  $("link").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      $("status").textContent = "The link with all settings is in your clipboard.";
    } catch {
      $("status").textContent = `The link with all settings is this page's address: ${location.href}`;
    }
  });
  $("seed").addEventListener("change", () => look($("seed").value === "" ? null : Number($("seed").value)));
  $("metric").addEventListener("change", draw);
  $("atLeast").addEventListener("input", () => {
    const value = Number($("atLeast").value);
    if ($("atLeast").value === "" || !Number.isFinite(value)) return;
    page.atLeast = value / 100;
    history.replaceState(null, "", `#${toLink(page)}`);
    draw();
  });
  $("numbers").addEventListener("toggle", draw);
  const touch = (event) => {
    if (!nearest) return;
    const place = canvasOf("curves").getBoundingClientRect();
    const found = nearest(event.clientX - place.left, event.clientY - place.top);
    if (found !== seed) look(found);
  };
  canvasOf("curves").addEventListener("pointermove", touch);
  canvasOf("curves").addEventListener("pointerdown", touch);
  canvasOf("curves").addEventListener("pointerleave", () => seed !== null && look(null));
  addEventListener("hashchange", open);
  addEventListener("resize", draw);
}

/** Take over what the link says. */
function open() {
  const found = fromLink(location.hash);
  page = found.page;
  restart();
  if (found.refused.length) {
    $("status").textContent = `The link asks for something unknown (${found.refused.join(", ")}): `
      + "there the usual values stand.";
  }
}

document.body.classList.toggle("embedded", window.top !== window);
build();
listen();
send({ kind: "data", data, box });
open();
