import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { benchAssignment, benchBusy } from './assignment.ts';
import { benchDemo } from './demo.ts';
import { printTable, type Row } from './figures.ts';
import { benchGrowth } from './growth.ts';
import { benchIntake } from './intake.ts';
import { benchLinear } from './linear.ts';
import { benchMemory } from './memory.ts';
import { benchRequests } from './requests.ts';
import { benchTurns } from './turns.ts';
import { benchWaiting } from './waiting.ts';
import { benchWorkspaces } from './workspaces.ts';

const options = {
  seconds: { type: 'string' },
  sessions: { type: 'string' },
  turn: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;
const { values, positionals: asked } = parseArgs({ options, allowPositionals: true });
const seconds = values.seconds === undefined ? {} : { seconds: Number(values.seconds) };
const sessions = values.sessions === undefined ? {} : { sessions: Number(values.sessions) };
const turn = values.turn === undefined ? {} : { turn: Number(values.turn) };
/** Each has a process of its own, so that none warms another. */
const quick: Record<string, () => Promise<Row[]>> = {
  demo: benchDemo,
  assignment: benchAssignment,
  busy: benchBusy,
  workspaces: benchWorkspaces,
  turns: benchTurns,
  requests: benchRequests,
  memory: benchMemory,
  linear: () => benchLinear({ ...seconds, ...turn }),
};
/** Only when they are named: they take long. */
const long: Record<string, () => Promise<Row[]>> = {
  intake: () => benchIntake(seconds),
  waiting: () => benchWaiting(sessions),
  growth: () => benchGrowth(sessions),
};
const groups = { ...quick, ...long };

const help = `npm run bench [-- [group...] [options]]

  ${Object.keys(quick).join(', ')}
      Some minutes in all; these unless told.
  linear [--seconds 20] [--turn 1]
      Among them: through a stand-in Linear. Webhooks for so long; sessions with turns of so many seconds.
  intake [--seconds 600]
      100 deliveries a second of 20 kB while every slot is busy, for 10 minutes.
  waiting [--sessions 1000]
      That many sessions in one worker, all of them waiting on a slow model. 5 to 10 minutes.
  growth [--sessions 1000000]
      What each step costs with a thousand to a million sessions in the tables. About 10 minutes, 15 GB of disk.
`;

const unknown = asked.filter((name) => !Object.hasOwn(groups, name));
if (values.help) {
  console.log(help);
} else if (unknown.length > 0) {
  console.error(`There is no group ${unknown.join(', ')}.\n\n${help}`);
  process.exitCode = 2;
} else if (process.send) {
  for (const name of asked) process.send(await groups[name]?.());
  process.disconnect();
} else {
  const load = loadavg().map((value) => value.toFixed(1));
  console.log(`${availableParallelism()} cores, load ${load.join(' ')}, Node.js ${process.versions.node}\n`);
  const rows: Row[] = [];
  for (const name of asked.length > 0 ? asked : Object.keys(quick)) {
    const given = Object.entries(values).map(([option, value]) => `--${option}=${value}`);
    const group = fork(import.meta.filename, [name, ...given]);
    group.on('message', (found: Row[]) => rows.push(...found));
    const [exitCode] = await once(group, 'exit');
    if (exitCode !== 0) rows.push({ figure: name, goal: '', value: 'failed, see above' });
  }
  printTable(rows);
}
