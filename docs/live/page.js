// The page: controls, pictures and words. All training happens behind `server`.

import { POINTS } from "./points.js";
import { band, drawCurves, drawDifferences, drawRegions } from "./draw.js";
import { changed, fromLink, OWN, planOf, PRESETS, SHARED, toLink, wanted } from "./plans.js";
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
  updates: (count) => (count ? String(count) : "as the epochs"),
  rate: (rate) => plain(rate),
};
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

let page = wanted(), shown = []; // the settings on the page, {name, plan}
let starts = 0, running = false, state = null; // the last start, and what the server said of it
let pinned = null, hovered = null, nearest = null; // the seed that is chosen, or touched
let comparisons = 0, counted = false, moved = false; // moved: the claim, after its result was seen

const seed = () => hovered ?? pinned;

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
      if (name === "epochs") field.disabled = page.shared.updates > 0;
      if (name === "momentum") {
        field.parentElement.hidden = !("momentum" in RULES[page[part].optimizer].options);
      }
    }
  }
  $("preset").value = page.preset;
  $("changed").hidden = !changed(page);
  $("hint").textContent = PRESETS[page.preset].hint;
  $("lesson").hidden = !document.documentElement.dataset.lessons;
  $("lesson").href = `../../notebooks/${PRESETS[page.preset].lesson}.html`;
  $("compare").checked = page.compare;
  $("atLeast").value = String(+(100 * page.atLeast).toFixed(6));
  const { seeds, first } = page.shared;
  $("seed").replaceChildren(new Option(seeds === 1 ? "the one seed" : `all ${seeds} seeds`, ""),
    ...Array.from({ length: seeds }, (_, s) => new Option(`seed ${first + s}`, s)));
  if (pinned !== null && pinned >= seeds) pinned = null;
  $("seed").value = pinned === null ? "" : String(pinned);
}

// ---- training --------------------------------------------------------------------------------

const send = startServer(receive);

/** Begin anew with what the page holds; nothing of an earlier training stays to be seen. */
function restart() {
  fill();
  history.replaceState(null, "", `#${toLink(page)}`);
  shown = ["A", ...(page.compare ? ["B"] : [])].map((name) => ({ name, plan: planOf(page, name) }));
  [state, running, counted, moved, hovered] = [null, false, false, false, null];
  for (const id of ["status", "where", "verdict"]) $(id).textContent = "";
  $("progress").value = 0;
  buttons();
  const plans = shown.map(({ plan }) => plan);
  send({ kind: "start", number: ++starts, plans, seed: seed(), often: calm ? 2000 : 350 });
}

function run() {
  running = true;
  send({ kind: "run" });
  buttons();
}

function pause() {
  running = false;
  send({ kind: "pause" });
  buttons();
}

function receive(message) {
  if (message.number !== starts) return; // of a training that is given up
  state = message;
  if (state.finished) running = false;
  draw();
}

function buttons() {
  $("train").textContent = running ? "Pause" : "Train";
  $("train").disabled = Boolean(state?.finished);
  $("one").disabled = running || !state || state.finished;
}

// ---- pictures and words ----------------------------------------------------------------------

const named = () => state.settings.map((setting, k) => ({ ...setting, name: shown[k].name }));

function draw() {
  if (!state) return;
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
  const length = plan.updates || plan.epochs;
  nearest = drawCurves(canvasOf("curves"), settings, $("metric").value, length, plan.updates > 0, seed());
  canvasOf("curves").ariaLabel = `Learning curves. ${curvesInWords(settings)}`;
  $("curvesTitle").textContent = seed() === null ? "Learning curves"
    : `Learning curves, and the run of seed ${page.shared.first + seed()}`;
  buttons();
  $("progress").value = settings.reduce((sum, s) => sum + s.update / s.updates, 0) / settings.length;
  $("progress").dataset.running = String(state.running); // as the server says, not the button
  $("where").textContent = settings.map(({ name, epoch, update, updates, perEpoch }) => (
    `${name}: epoch ${epoch} of ${+(updates / perEpoch).toFixed(1)}, update ${update} of ${updates}`)).join("; ");
  if (state.finished) $("status").textContent = `Trained. ${curvesInWords(settings)}`;
  judged(settings);
  if ($("numbers").open) tables(settings);
}

const canvasOf = (id) => $(id).querySelector("canvas");
const lastOf = (setting, metric) => setting.curves[metric].map((curve) => curve.at(-1) ?? NaN);
/** How many seeds have diverged: they have finished an epoch, and their loss is no number. */
const divergedOf = (setting) => setting.curves.val_loss.filter((c) => c.length && !Number.isFinite(c.at(-1))).length;

function curvesInWords(settings) {
  return settings.map((setting) => {
    const { name, epoch, curves } = setting, lost = divergedOf(setting), all = curves.loss.length;
    if (!curves.loss[0].length) return `${name} has not finished an epoch.`;
    if (lost === all) return `${name}: ${all === 1 ? "its seed" : `all ${all} seeds`} diverged.`;
    const [low, middle, high] = middleHalf(lastOf(setting, "val_accuracy"));
    let words = `${name} stands at a validation accuracy of ${percent(middle)} after `
      + (page.shared.updates ? `update ${setting.update}` : `epoch ${epoch}`);
    if (all > 1) words += ` (median; middle half ${percent(low)} to ${percent(high)})`;
    if ($("metric").value === "loss") {
      const medians = band(curves.val_loss).map((row) => row[1]), lowest = Math.min(...medians);
      words += `; its validation loss was lowest after epoch ${medians.indexOf(lowest) + 1} `
        + `(median ${lowest.toFixed(3)}) and is ${medians.at(-1).toFixed(3)}`;
    }
    return `${words}.${lost ? ` ${lost} of its ${all} seeds diverged.` : ""}`;
  }).join(" ");
}

function regionsInWords({ name, regions: { classes, votes, of } }) {
  const share = [0, 1, 2].map((k) => classes.filter((c) => c === k).length / classes.length);
  const agreed = votes.reduce((sum, v) => sum + v / of, 0) / votes.length;
  return `Decision regions of setting ${name}: the classes win ${share.map((s) => `${Math.round(100 * s)} %`)
    .join(", ")} of the plane; ${Math.round(100 * agreed)} % of the seeds agree on a place, on average.`;
}

/** Return A minus B, seed by seed, as they stand; NaN where one of them has diverged. */
function differences(settings) {
  const [a, b] = settings.map((setting) => lastOf(setting, "val_accuracy"));
  return a.map((value, s) => value - b[s]);
}

function judged(settings) {
  $("difference").hidden = settings.length < 2;
  if (settings.length < 2) return;
  const values = differences(settings), found = judge(values, page.atLeast);
  drawDifferences($("differences"), values, found, page.atLeast, seed());
  const said = settings.every(({ curves }) => curves.loss[0].length) ? verdictInWords(found, state.finished)
    : "Not trained yet: press Train.";
  $("verdict").textContent = said;
  $("differences").ariaLabel = `A minus B, a dot for each seed. ${said}`;
  if (state.finished && !counted) [counted, comparisons] = [true, comparisons + 1];
  $("caution").textContent = moved ? "You changed the claim after you saw this result: press New seeds to test it."
    : comparisons < 2 ? "Press New seeds: does the verdict come out the same?"
      : `You have judged ${comparisons} comparisons on this page. Of claims whose truth lies exactly at the claimed `
        + "number, about one in twenty is decided all the same, by luck: before you believe a verdict, press New seeds.";
}

function verdictInWords({ verdict, mean, low, high, count, missing }, finished) {
  const number = String(+(100 * Math.abs(page.atLeast)).toFixed(6)), side = page.atLeast < 0 ? "−" : "";
  const far = `${side}${number} point${number === "1" ? "" : "s"} above`;
  const word = { supported: `✓ Supported: at least ${far}`, contradicted: `✗ Contradicted: less than ${far}`,
    undecided: `○ Undecided whether at least ${far}` }[verdict];
  const so = finished ? "" : "So far: ";
  if (!count) return `${so}${word}. In every seed, A or B diverged.`;
  const level = Math.abs(mean) < 0.0005;
  const where = level ? "A and B are level" : `A is ${points(Math.abs(mean))} points ${mean < 0 ? "below" : "above"} B`;
  const interval = Number.isFinite(low) ? `95 % interval ${points(low)} to ${points(high)}`
    : missing ? `no interval, as ${missing} diverged`
      : count === 1 ? "no interval from one seed" : "no interval, as the values do not differ";
  return `${so}${word}. ${where} on average (${interval}, ${count} seed${count === 1 ? "" : "s"}).`
    + (count + missing < 5 ? " Fewer than five seeds decide nothing." : "");
}

function tables(settings) {
  const shownAs = (value, say) => (Number.isFinite(value) ? say(value) : "diverged");
  const mean = (values, say) => {
    const there = values.filter(Number.isFinite);
    return there.length ? say(there.reduce((sum, v) => sum + v, 0) / there.length) : "–";
  };
  const rows = [["setting", "training loss", "validation loss", "training accuracy", "validation accuracy",
    "on 20,000 fresh points", "diverged"]];
  for (const setting of settings) {
    rows.push([`${setting.name}, mean`,
      ...["loss", "val_loss"].map((m) => mean(lastOf(setting, m), (v) => v.toFixed(3))),
      ...["accuracy", "val_accuracy"].map((m) => mean(lastOf(setting, m), percent)),
      setting.test ? mean(setting.test, percent) : "at the end", String(divergedOf(setting))]);
  }
  const each = [["seed", ...settings.map(({ name }) => `${name}, validation accuracy`)]];
  const gaps = settings.length > 1 ? differences(settings) : null;
  if (gaps) each[0].push("A minus B, points");
  if (settings.every(({ curves }) => curves.loss[0].length)) {
    settings[0].curves.loss.forEach((_, s) => each.push([String(page.shared.first + s),
      ...settings.map((setting) => shownAs(lastOf(setting, "val_accuracy")[s], percent)),
      ...(gaps ? [shownAs(gaps[s], points)] : [])]));
  }
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

let pending = null;

/** Show another seed, or all; many touches in a row ask the server once. */
function look(change) {
  const before = seed();
  change();
  $("seed").value = pinned === null ? "" : String(pinned);
  if (seed() === before) return;
  draw();
  pending ??= setTimeout(() => {
    pending = null;
    send({ kind: "look", seed: seed() });
  }, 120);
}

function listen() {
  $("preset").addEventListener("change", () => { page = wanted($("preset").value); restart(); });
  $("reset").addEventListener("click", () => { page = wanted(page.preset); restart(); });
  $("compare").addEventListener("change", () => { page.compare = $("compare").checked; restart(); });
  $("train").addEventListener("click", () => (running ? pause() : run()));
  $("one").addEventListener("click", () => send({ kind: "one" }));
  $("again").addEventListener("click", restart);
  $("fresh").addEventListener("click", () => {
    const next = page.shared.first + page.shared.seeds;
    page.shared.first = next < 1e6 ? next : 0;
    restart();
    run();
  });
  $("link").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      $("status").textContent = "The link with all settings is in your clipboard.";
    } catch {
      $("status").textContent = `The link with all settings is this page's address: ${location.href}`;
    }
  });
  $("seed").addEventListener("change", () => look(() => {
    pinned = $("seed").value === "" ? null : Number($("seed").value);
  }));
  $("metric").addEventListener("change", draw);
  $("atLeast").addEventListener("input", () => {
    const value = Number($("atLeast").value);
    if ($("atLeast").value === "" || !(Math.abs(value) <= 100)) return;
    page.atLeast = value / 100;
    moved ||= Boolean(state?.finished);
    history.replaceState(null, "", `#${toLink(page)}`);
    draw();
  });
  $("numbers").addEventListener("toggle", draw);
  const touched = (event) => {
    const place = canvasOf("curves").getBoundingClientRect();
    return nearest ? nearest(event.clientX - place.left, event.clientY - place.top) : null;
  };
  canvasOf("curves").addEventListener("pointermove", (event) => look(() => { hovered = touched(event); }));
  canvasOf("curves").addEventListener("pointerleave", () => look(() => { hovered = null; }));
  canvasOf("curves").addEventListener("click", (event) => look(() => { pinned = touched(event); }));
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
