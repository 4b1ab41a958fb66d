// Preloaded into a worker: waits of six minutes take two seconds. With SIX_MINUTES=pass they seem to have taken six minutes.
const wait = globalThis.setTimeout;
const now = performance.now.bind(performance);
let ahead = 0;
performance.now = () => now() + ahead;
globalThis.setTimeout = Object.assign((work, ms, ...rest) => {
  if (!(ms > 355_000 && ms <= 360_000)) return wait(work, ms, ...rest);
  const shorter = () => {
    if (process.env.SIX_MINUTES === 'pass') ahead += ms;
    work(...rest);
  };
  return wait(shorter, 2_000);
}, wait);
