// Preloaded into a worker: waits of six minutes take two seconds.
const wait = globalThis.setTimeout;
globalThis.setTimeout = Object.assign(
  (work, ms, ...rest) => wait(work, ms > 355_000 && ms <= 360_000 ? 2_000 : ms, ...rest),
  wait,
);
