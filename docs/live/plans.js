// What the page can be asked for: the controls' values, the experiments of the series, and the
// link that holds them.

import { RULES } from "./rules.js";
import { SCHEDULES } from "./schedules.js";

/** What both settings share. With `updates` above 0, they count instead of the epochs. */
export const SHARED = {
  points: { label: "training points", values: [20, 50, 100, 250, 500], start: 500 },
  noise: { label: "wrong labels", values: [0, 0.1, 0.2, 0.4], start: 0 },
  layers: { label: "hidden layers", values: [1, 2], start: 1 },
  width: { label: "units in each", values: [3, 5, 10, 20, 50], start: 50 },
  activation: { label: "activation", values: ["relu", "tanh"], start: "relu" },
  epochs: { label: "epochs", values: [10, 20, 32, 64, 128, 200, 400], start: 128 },
  updates: { label: "or updates", values: [0, 64, 256, 1000, 4000, 16000], start: 0 },
  seeds: { label: "seeds", values: [1, 5, 20, 50], start: 20 },
  first: { label: "first seed", values: null, start: 0 },
};

/** What each setting has of its own. */
export const OWN = {
  optimizer: { label: "optimizer", values: Object.keys(RULES), start: "adam" },
  rate: {
    label: "learning rate",
    values: [1e-7, 1e-6, 1e-5, 1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
    start: 0.01,
  },
  momentum: { label: "momentum", values: [0, 0.5, 0.8, 0.9, 0.99], start: 0.9 },
  batch: { label: "batch size", values: [1, 5, 10, 16, 32, 64, 128, 256, 500], start: 256 },
  schedule: { label: "schedule", values: Object.keys(SCHEDULES), start: "constant" },
};

const sgd = { optimizer: "momentum", momentum: 0.9, rate: 0.01 };
/**
 * The experiments of the blob lessons, as a pair; `lesson` is the notebook that runs them whole.
 * The page names them in its list, so that a link can end with one: index.html#A4.
 */
export const PRESETS = {
  A1: {
    lesson: "02_choose_a_batch_size",
    shared: { epochs: 200 }, A: { ...sgd, batch: 5 }, B: { ...sgd, batch: 256 },
    hint: "Both make 200 epochs: which makes more updates? What comes if both make 4,000? Both keep rate "
      + "0.01: is that fair? Try the other six batch sizes.",
  },
  A2: {
    lesson: "03_decide_how_many_epochs",
    shared: { epochs: 400 }, A: { ...sgd, batch: 256 }, B: null,
    hint: "Choose the curves of the loss: after which epoch is the validation loss lowest? Then take 50 "
      + "training points: does it rise again, and does the accuracy care?",
  },
  A3: {
    lesson: "04_compare_optimizers",
    shared: {}, A: { optimizer: "adam", rate: 0.01 }, B: { optimizer: "adagrad", rate: 0.01 },
    hint: "Is one rate fair to both? Raise Adagrad's.",
  },
  A4: {
    lesson: "05_find_a_learning_rate",
    shared: {}, A: { optimizer: "adam", rate: 0.01 }, B: { optimizer: "adam", rate: 1 },
    hint: "Walk through all eight, from 1 down to 0.0000001: which learn, which do not?",
  },
  A5: {
    lesson: "06_add_momentum",
    shared: {}, A: { ...sgd, rate: 0.08 }, B: { optimizer: "sgd", rate: 0.08 },
    hint: "Who leads after 10 epochs, and who at the end? Then give plain SGD a rate of its own.",
  },
  A7: {
    lesson: "07_decay_the_learning_rate",
    shared: {}, A: { optimizer: "sgd", rate: 0.08 },
    B: { optimizer: "sgd", rate: 0.08, schedule: "time1" },
    hint: "The four decays are those of the lesson. Which cost accuracy?",
  },
  A10: {
    lesson: "08_schedule_the_learning_rate",
    shared: { epochs: 10 },
    A: { optimizer: "momentum", momentum: 0.5, rate: 0.1, batch: 16, schedule: "cosine" },
    B: { optimizer: "momentum", momentum: 0.5, rate: 0.1, batch: 16 },
    hint: "Does the lead stay with batches of 256? They make fewer updates in as many epochs: let both make "
      + "256 updates.",
  },
};

const started = (controls) => Object.fromEntries(
  Object.entries(controls).map(([name, { start }]) => [name, start]));

/** Return everything that the page holds, as it starts: with the experiment of a name. */
export function wanted(preset = "A4") {
  const { shared, A, B } = PRESETS[preset];
  return {
    preset, shared: { ...started(SHARED), ...shared }, A: { ...started(OWN), ...A },
    B: { ...started(OWN), ...(B ?? A) }, compare: B !== null, atLeast: 0.01,
  };
}

/** Return whether somebody has changed what the experiment of its name asks for. */
export function changed(page) {
  return toLink(page) !== toLink({ ...wanted(page.preset), atLeast: page.atLeast });
}

/** Return the plan of setting "A" or "B", for a Training. */
export function planOf(page, name) {
  const plan = { ...page.shared, ...page[name] };
  return { ...plan, batch: Math.min(plan.batch, plan.points) };
}

/** Return the part of a link behind "#" that brings this page back. */
export function toLink({ preset, shared, A, B, compare, atLeast }) {
  const list = (controls, values) => Object.keys(controls).map((name) => values[name]).join(",");
  return new URLSearchParams({
    preset, shared: list(SHARED, shared), A: list(OWN, A), B: list(OWN, B),
    compare: compare ? "1" : "0", points: String(+(100 * atLeast).toFixed(6)),
  }).toString().replaceAll("%2C", ",");
}

/** Return what a link asks for, and the names of what in it makes no sense: {page, refused}. */
export function fromLink(link) {
  const text = link.replace(/^#/, ""), refused = [];
  if (Object.hasOwn(PRESETS, text)) return { page: wanted(text), refused };
  const asked = new URLSearchParams(text);
  const known = Object.hasOwn(PRESETS, asked.get("preset") ?? "");
  if (asked.has("preset") && !known) refused.push("preset");
  const page = wanted(known ? asked.get("preset") : undefined);
  for (const [part, controls] of [["shared", SHARED], ["A", OWN], ["B", OWN]]) {
    if (!asked.has(part)) continue;
    const values = asked.get(part).split(",");
    Object.keys(controls).forEach((name, k) => {
      const value = typeof controls[name].start === "number" && values[k] !== ""
        ? Number(values[k]) : values[k];
      if (sensible(name, value, controls[name])) page[part][name] = value;
      else refused.push(`${part === "shared" ? "" : `${part}'s `}${controls[name].label}`);
    });
  }
  if (asked.has("compare")) page.compare = asked.get("compare") === "1";
  const points = Number(asked.get("points") ?? 1);
  if (asked.get("points") !== "" && Math.abs(points) <= 100) page.atLeast = points / 100;
  else refused.push("points");
  return { page, refused };
}

function sensible(name, value, { values }) {
  if (name === "first") return Number.isInteger(value) && value >= 0 && value < 1e6;
  if (name === "rate") return Number.isFinite(value) && value > 0 && value <= 100;
  if (name === "momentum") return Number.isFinite(value) && value >= 0 && value < 1;
  return values.includes(value);
}
