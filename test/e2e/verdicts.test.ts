import { afterAll, beforeAll, describe, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';

// Put together here, so that no scanner takes this file for a leak.
const leaked = ['AKIA', 'Z7QXNW4LKD2VJ5TR'].join('');
const configured = 'model-key-0123456789-abcdef';

const files = {
  'package.json': '{"type":"module"}\n',
  '.shipmate.yml': 'verify: [node --test]\n',
  'sum.js': 'export const sum = (a, b) => a + b;\n',
  'sum.test.js':
    "import assert from 'node:assert/strict';\nimport test from 'node:test';\nimport { sum } from './sum.js';\n\n" +
    "test('adds', () => assert.equal(sum(1, 2), 3));\n",
};

const finish = '{ tool: finish, input: { title: A change, summary: A change was wanted. } }';
const write = (path: string, content: string) =>
  `{ tool: write, input: { path: ${path}, content: ${JSON.stringify(content)} } }`;

const script = `
tickets:
  Breaks a test:
    - calls: [${write('sum.js', 'export const sum = (a, b) => a - b;\n')}, ${finish}]
    - &again
      expect: [Not accepted. On a clean checkout of your change, "✖ adds"]
      calls: [${finish}]
    - *again
  Touches the workflow:
    - calls: [${write('.github/workflows/ci.yml', 'on: push\n')}, ${finish}]
    - &held
      expect: [Not accepted, this may not be published]
      calls: [${finish}]
    - *held
  Leaks a key:
    - calls: [${write('settings.js', `export const key = '${leaked}';\nexport const other = '${configured}';\n`)}, ${finish}]
    - *held
    - *held
  Mends without a test:
    - calls: [${write('sum.js', 'export const sum = (a, b) => Number(a) + Number(b);\n')}, ${finish}]
    - calls: [${finish}]
`;

describe('what the service makes of finished work', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ script, files, env: { ANTHROPIC_API_KEY: configured } });
  });
  afterAll(() => service?.stop());

  async function work(title: string, labels: string[] = []) {
    const view = await service.work({ title, labels });
    const shown = await service.app.desk.show(view.ticket.identifier);
    return { view, shown, word: shown.activities.at(-1)?.activity, whole: JSON.stringify([view, shown]) };
  }

  test.for([
    ['Breaks a test', /sum\.test\.js|adds/],
    ['Touches the workflow', /`\.github\/workflows\/ci\.yml` is CI configuration/],
    ['Leaks a key', /`settings\.js`, line 1, has what looks like/],
  ] as const)('refused three times, then people are asked: %s', async ([title, reason], { expect }) => {
    const { view, shown, word, whole } = await work(title);
    expect(view.state).toBe('awaitingInput');
    expect(view.runs.map((run) => [run.outcome?.stopReason, run.endedAt !== null])).toEqual([['needsInput', true]]);
    expect(word?.type).toBe('elicitation');
    const body = word?.type === 'elicitation' ? word.body : '';
    expect(body).toContain('**I need your help.** My change was refused three times');
    expect(body).toMatch(reason);
    expect(body).toContain('**What now?**');
    expect([view.branch, view.pullRequest, view.unsent]).toEqual([null, null, []]);
    const pushed = await service.git('for-each-ref', '--format=%(refname)', 'refs/heads');
    const snapshot = new RegExp(`branch \`(shipmate/${view.ticket.identifier}-.*-snapshot)\``).exec(body)?.[1];
    // The gate holds back what it would hold back of a change.
    if (title === 'Breaks a test') expect(pushed).toContain(`refs/heads/${snapshot}`);
    else expect([snapshot, pushed.includes(`/${view.ticket.identifier}-`)]).toEqual([undefined, false]);
    if (title !== 'Breaks a test') expect(body).toContain(`\`shipmate pull ${view.ticket.identifier}\``);
    expect(shown.ticket.state.name).toBe('In Progress');
    const held = shown.activities.filter(
      ({ activity }) => activity.type === 'thought' && activity.body.startsWith('**Not published.**'),
    );
    expect(held).toHaveLength(title === 'Breaks a test' ? 0 : 1);
    for (const secret of [leaked, configured]) expect(whole).not.toContain(secret);
  });

  test('a bug without a reproduction becomes a draft that says so', async ({ expect }) => {
    const { view, word } = await work('Mends without a test', ['bug']);
    expect(view.state).toBe('complete');
    expect(view.runs[0]?.outcome?.proof).toBe('unproved');
    expect(word?.type === 'response' && word.body).toMatch(/\(draft, \*\*not proved\*\*: .*(reproduc|red|fail)/i);
    const { rows } = await service.database.pool.query('select draft, body from local_git_pull_requests');
    expect(rows).toHaveLength(1);
    expect(rows[0].draft).toBe(true);
    const { ticket } = await service.app.desk.show(view.ticket.identifier);
    expect(ticket.state.name, 'a draft is not to be reviewed').toBe('In Progress');
    expect(rows[0].body).toMatch(/^> \[!WARNING\]\n> \*\*DRAFT: not proved\.\*\*/);
  });
});
