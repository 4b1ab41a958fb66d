import { expect, test } from 'vitest';
import type { Activity } from '../../src/core/activity.ts';
import { writeProposal } from '../../src/core/approval-text.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Rating } from '../../src/core/scope.ts';
import type { ToolResult } from '../../src/core/tool.ts';
import type { WorkReport } from '../../src/core/work-report.ts';
import { createSessionTools } from '../../src/tools/session-tools.ts';

function setUp() {
  const reports: Activity[] = [];
  const plans: Plan[] = [];
  const handedIn: WorkReport[] = [];
  const tools = createSessionTools({
    finish: async (report) => {
      handedIn.push(report);
      return { text: 'A test is red.', isError: true };
    },
  });
  const scope = {
    report: (activity: Activity) => void reports.push(activity),
    plan: (plan: Plan) => void plans.push(plan),
    evidence() {},
    rating() {},
    usage() {},
    effect() {},
  };
  const call = async (name: string, input: unknown): Promise<ToolResult> => {
    const tool = tools.find((each) => each.name === name);
    if (!tool) throw new Error(`no tool ${name}`);
    return tool.run(input, { key: 'turn:1/0', signal: new AbortController().signal, scope });
  };
  return { call, tools, reports, plans, handedIn };
}

test('update_plan and note commit with their step', async () => {
  const { call, plans, reports } = setUp();
  const steps = [
    { content: 'Look', status: 'completed' },
    { content: 'Mend', status: 'inProgress' },
  ];
  expect(await call('update_plan', { steps })).toEqual({ text: 'The plan is shown.', isError: false });
  expect(await call('note', { text: 'The API changed.' })).toEqual({ text: 'Noted.', isError: false });
  expect(plans).toEqual([steps]);
  expect(reports).toEqual([{ type: 'thought', body: 'The API changed.' }]);
});

test('ask ends the run', async () => {
  const { call } = setUp();
  expect((await call('ask', { question: 'Which?' })).outcome).toEqual({ stopReason: 'needsInput', message: 'Which?' });
});

test('scope hands a rating on, cleaned of what nobody could read; parts are read from their lines', async () => {
  const rated: Rating[] = [];
  const [tool] = createSessionTools({
    finish: async () => ({ text: '', isError: false }),
    scope: async (rating) => {
      rated.push(rating);
      return { text: 'Go on.', isError: false };
    },
  });
  const scope = { report() {}, plan() {}, evidence() {}, rating() {}, usage() {}, effect() {} };
  const rate = async (input: unknown) =>
    (await tool?.run(input, { key: 'turn:1/0', signal: new AbortController().signal, scope }))?.text;
  const plain = { confidence: 'green', size: 'S', files: [' a.ts ', 'a.ts', ''], plan: ['Do it'] };
  expect(await rate(plain)).toBe('Go on.');
  expect(rated[0]).toEqual({ ...plain, files: ['a.ts'], questions: [], parts: [] });

  const files = Array.from({ length: 1000 }, (_, index) => `src/${index}.ts`);
  expect(
    await rate({
      ...plain,
      files,
      plan: ['x'.repeat(100_000)],
      parts: ['A', 'B\r\nAfter: 0, 0\nrepository: web\nWhy.', `C\n${'x'.repeat(9_000)}`],
    }),
  ).toBe('Go on.');
  expect([rated[1]?.files.length, rated[1]?.plan[0]?.length]).toEqual([200, 1000]);
  expect(rated[1]?.parts).toEqual([
    { title: 'A', description: '', repository: null, after: [] },
    { title: 'B', description: 'Why.', repository: 'web', after: [0] },
    { title: 'C', description: expect.stringMatching(/^x{1900,} … \(shortened\)$/), repository: null, after: [] },
  ]);
  // What is kept of a part is shown to whoever approves it, to its end.
  const long = rated[1]?.parts[2];
  const content = { kind: 'split' as const, parts: long ? [long] : [] };
  const shown = writeProposal({ code: '3fa2c1', content, message: '', silenceMinutes: null }, { by: [] });
  expect(shown).toContain(long?.description);
  expect(await rate({ ...plain, parts: ['A\nafter: 1', 'B\nafter: 0'] })).toMatch(/^The parts wait for one another/);
  expect(await rate({ ...plain, parts: ['A', ' '] })).toMatch(/^Part 1 has no title/);
  expect(await rate({ ...plain, confidence: 'violet' })).toMatch(/^These are not the arguments of scope/);
  expect(rated).toHaveLength(2);
});

test('finish hands the whole report in, and answers what verification says', async () => {
  const { call, handedIn } = setUp();
  expect(await call('finish', { title: 'Mend it', summary: 'Done.' })).toEqual({
    text: 'A test is red.',
    isError: true,
  });
  await call('finish', {
    title: 'No',
    summary: 'No change.',
    decisions: ['a'],
    risk: 'b',
    learned: ['d'],
    answer: 'c',
  });
  expect(handedIn).toEqual([
    {
      title: 'Mend it',
      summary: 'Done.',
      decisions: [],
      risk: null,
      criteria: [],
      threads: [],
      learned: [],
      answer: null,
    },
    {
      title: 'No',
      summary: 'No change.',
      decisions: ['a'],
      risk: 'b',
      criteria: [],
      threads: [],
      learned: ['d'],
      answer: 'c',
    },
  ]);
});

test('wrong arguments change nothing and are explained', async () => {
  const { call, plans, handedIn } = setUp();
  expect((await call('update_plan', { steps: [{ content: 'x', status: 'done' }] })).text).toBe(
    'These are not the arguments of update_plan:\n✖ Invalid option: expected one of "pending"|"inProgress"|"completed"|"canceled"\n  → at steps[0].status',
  );
  expect((await call('finish', 'all done')).isError).toBe(true);
  expect([plans, handedIn]).toEqual([[], []]);
});

test('a call that was interrupted may be made again; only those that end a run have to keep their place', () => {
  expect(setUp().tools.map(({ name, readOnly, repeatable }) => [name, readOnly, repeatable])).toEqual([
    ['update_plan', true, true],
    ['note', true, true],
    ['ask', false, true],
    ['finish', false, true],
  ]);
});
