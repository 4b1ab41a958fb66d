import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { benchAssignment, benchBusy } from './assignment.ts';
import { benchDemo } from './demo.ts';
import { printTable, type Row } from './figures.ts';
import { benchMemory } from './memory.ts';
import { benchRequests } from './requests.ts';
import { benchTurns } from './turns.ts';
import { benchWorkspaces } from './workspaces.ts';

/** `node bench/run.ts [group...]`: all of them unless told. Each has a process of its own, so that none warms another. */
const groups: Record<string, () => Promise<Row[]>> = {
  demo: benchDemo,
  assignment: benchAssignment,
  busy: benchBusy,
  workspaces: benchWorkspaces,
  turns: benchTurns,
  requests: benchRequests,
  memory: benchMemory,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(groups, name));
if (unknown.length > 0) {
  console.error(`There is no group ${unknown.join(', ')}. The groups: ${Object.keys(groups).join(', ')}.`);
  process.exitCode = 2;
} else if (process.send) {
  for (const name of asked) process.send(await groups[name]?.());
  process.disconnect();
} else {
  const load = loadavg().map((value) => value.toFixed(1));
  console.log(`${availableParallelism()} cores, load ${load.join(' ')}, Node.js ${process.versions.node}\n`);
  const rows: Row[] = [];
  for (const name of asked.length > 0 ? asked : Object.keys(groups)) {
    const group = fork(import.meta.filename, [name]);
    group.on('message', (found: Row[]) => rows.push(...found));
    const [exitCode] = await once(group, 'exit');
    if (exitCode !== 0) rows.push({ figure: name, goal: '', value: 'failed, see above' });
  }
  printTable(rows);
}
