import { runChaos } from './chaos.ts';
const r = await runChaos({ sessions: Number(process.argv[2]), seed: 1, restartEvery: [1e6, 1e6], killEvery: [1e6, 1e6], progress: console.log, sandbox: (process.argv[3] ?? 'none') as 'none' });
console.log(r.seconds, r.finished, r.lost.length, r.duplicate, r.stuck.length);
