import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBuiltInAgent } from '../../src/agents/built-in/index.ts';
import { createScriptedModel } from '../../src/models/scripted/index.ts';
import { createSessionTools } from '../../src/tools/session-tools.ts';
import { createWorkspaceTools } from '../../src/tools/workspace-tools.ts';
import { type Opened, openSandbox, workingDriver } from '../tools/open-sandbox.ts';
import { accepted, createContext } from './bench.ts';
import { createLedger } from './memory-journal.ts';

let opened: Opened;
let scripts: string;

beforeAll(async () => {
  opened = await openSandbox(await workingDriver());
  scripts = await mkdtemp(join(tmpdir(), 'shipmate-script-'));
});
afterAll(async () => {
  await opened.close();
  await rm(scripts, { recursive: true, force: true });
});

test('a scripted model mends a file with the real tools', async () => {
  const file = join(scripts, 'mend.yaml');
  await writeFile(
    file,
    `replies:
  - text: First the plan.
    calls:
      - { tool: update_plan, input: { steps: [{ content: Mend the sum, status: inProgress }] } }
      - { tool: write, input: { path: src/sum.sh, content: "echo $(($1 - $2))\\n" } }
      - { tool: write, input: { path: src/AGENTS.md, content: "Keep it POSIX.\\n" } }
  - calls:
      - { tool: bash, input: { command: "[ $(sh src/sum.sh 2 3) = 5 ] || { echo red; exit 1; }" } }
  - expect: ["exit 1 in", red]
    calls:
      - { tool: read, input: { path: src/sum.sh } }
      - { tool: edit, input: { path: src/sum.sh, edits: [{ oldText: "$1 - $2", newText: "$1 + $2" }] } }
  - expect: ["echo $(($1 - $2))", "Edited src/sum.sh (+1 -1 lines)."]
    calls:
      - { tool: bash, input: { command: "[ $(sh src/sum.sh 2 3) = 5 ] && echo green" } }
  - expect: green
    calls:
      - { tool: finish, input: { title: Mend the sum, summary: It subtracted. } }
`,
  );
  const ledger = createLedger();
  const { sandbox, dir } = opened;
  const tools = [
    ...createWorkspaceTools({ sandbox, dir, outputDir: '/tmp/output' }),
    ...createSessionTools({ finish: async () => accepted }),
  ];
  const model = createScriptedModel({ file, costOf: () => null });
  const outcome = await createBuiltInAgent({ model }).run(
    createContext(ledger, { tools }),
    new AbortController().signal,
  );
  expect(outcome.stopReason).toBe('finished');
  expect(await readFile(join(dir, 'src/sum.sh'), 'utf8')).toBe('echo $(($1 + $2))\n');
  const told = ledger.activities.flatMap((activity) =>
    activity.type === 'action' && activity.result
      ? [`${activity.action} ${activity.parameter}: ${activity.result}`]
      : [],
  );
  expect(told).toEqual([
    'Writing src/sum.sh: 1 line',
    'Writing src/AGENTS.md: 1 line',
    expect.stringMatching(/^Running \[ .* exit 1 in \d+\.\d s$/),
    'Reading src/sum.sh: 1 line',
    'Editing src/sum.sh: +1 -1 lines',
    expect.stringMatching(/^Running \[ .* exit 0 in \d+\.\d s$/),
  ]);
});
