import { availableParallelism, loadavg } from 'node:os';
import { benchAssignment, benchBusy } from './assignment.ts';
import { printTable, type Row } from './figures.ts';
import { benchWorkspaces } from './workspaces.ts';

/** `node bench/run.ts [group...]`: all of them unless told. */
const groups: Record<string, () => Promise<Row[]>> = {
  assignment: benchAssignment,
  busy: benchBusy,
  workspaces: benchWorkspaces,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(groups, name));
if (unknown.length > 0) {
  console.error(`There is no group ${unknown.join(', ')}. The groups: ${Object.keys(groups).join(', ')}.`);
  process.exit(2);
}
const load = loadavg().map((value) => value.toFixed(1));
console.log(`${availableParallelism()} cores, load ${load.join(' ')}, Node.js ${process.versions.node}\n`);
const rows: Row[] = [];
for (const name of asked.length > 0 ? asked : Object.keys(groups)) rows.push(...((await groups[name]?.()) ?? []));
printTable(rows);
