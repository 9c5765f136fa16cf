// Trains one setting or two, a slice at a time, and tells how they stand. Runs in a worker; where a
// browser allows none, in the page itself.

import { Training } from "./training.js";

const SLICE = 30; // milliseconds of training between two looks at the messages
const COARSE = 56, FINE = 112; // places along a side of the decision regions

/**
 * Return a function that takes the page's messages. `post` gets the answers, each with the number
 * of the start that it belongs to.
 * {kind: "data", data, box}: once. {kind: "start", number, plans, seed, often}: begin anew; tell
 * every `often` milliseconds. {kind: "run" | "pause" | "one"}: train on, stop, make one update of
 * each setting. {kind: "look", seed}: show the regions of one seed, or of all (null).
 */
export function serve(post) {
  let data, box, trainings = [], number = 0, running = false, often = 400, seed = null, told = 0;

  const tell = (fine) => {
    const settings = trainings.map((training) => ({
      epoch: training.epoch,
      update: training.done,
      updates: training.updates,
      perEpoch: training.perEpoch,
      curves: training.curves,
      regions: training.regions(box, fine ? FINE : COARSE, seed),
      test: training.finished ? training.test() : null,
    }));
    post({ kind: "state", number, running, finished: finished(), settings });
    told = performance.now();
  };
  const finished = () => trainings.every((training) => training.finished);
  const behind = () => trainings.filter((training) => !training.finished)
    .sort((a, b) => a.done / a.updates - b.done / b.updates)[0];

  const slice = (mine) => {
    if (!running || mine !== number) return;
    const end = performance.now() + SLICE;
    while (performance.now() < end && !finished()) behind().advance();
    if (finished()) running = false;
    if (!running || performance.now() - told > often) tell(!running);
    if (running) setTimeout(slice, 0, mine);
  };

  return (message) => {
    if (message.kind === "data") ({ data, box } = message);
    if (message.kind === "start") {
      running = false;
      ({ number, seed, often } = message);
      trainings = message.plans.map((plan) => new Training(plan, data));
      tell(true);
    }
    if (message.kind === "run" && !finished() && !running) {
      running = true;
      slice(number);
    }
    if (message.kind === "pause" && running) {
      running = false;
      tell(true);
    }
    if (message.kind === "one" && !running) {
      trainings.filter((training) => !training.finished).forEach((training) => training.advance());
      tell(true);
    }
    if (message.kind === "look") {
      seed = message.seed;
      if (!running && trainings.length) tell(true);
    }
  };
}
