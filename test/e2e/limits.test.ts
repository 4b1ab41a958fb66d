import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { SessionView } from '../../src/app.ts';
import { writeFooter } from '../../src/flow/footer.ts';
import { chat } from '../stand-ins/model-server/chat.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const files = { 'one.txt': 'one\n' };
const endOf = (view: SessionView) => view.activities.at(-1)?.activity;
const questions = (view: SessionView) =>
  view.activities.filter(({ activity }) => activity.type === 'elicitation').length;

const script = `
price: { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5 }
tickets:
  Never ends:
    - { text: First a plan., calls: [{ tool: update_plan, input: { steps: [{ content: One, status: completed }, { content: Two, status: pending }] } }] }
    - { calls: [{ tool: write, input: { path: two.txt, content: two } }] }
    - { calls: [{ tool: write, input: { path: three.txt, content: three } }] }
    - { calls: [{ tool: write, input: { path: four.txt, content: four } }] }
    - { calls: [{ tool: write, input: { path: five.txt, content: five } }] }
  Breaks off each time:
    - { fail: { cut: true, times: 50 } }
  Goes in circles:
    - calls: [{ tool: bash, input: { command: "ls  missing" } }]
    - calls: [{ tool: bash, input: { command: "ls missing" } }]
    - calls: [{ tool: bash, input: { command: " ls missing" } }]
    - { expect: [You are going in circles], calls: [{ tool: bash, input: { command: "ls missing" } }] }
    - calls: [{ tool: bash, input: { command: "ls   missing" } }]
    - calls: [{ tool: bash, input: { command: "ls missing " } }]
    - { expect: [It is called one.txt], calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: I see one.txt. } }] }
`;

describe('what a limit comes to', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      files,
      change: (config) => ({
        ...config,
        budget: { ...config.budget, turns: 2, ticket: { ...config.budget.ticket, turns: 3 } },
      }),
    });
  });
  afterAll(() => service?.stop());

  test('replies that break off were paid for: they count, and end at the limit like any others', async ({ expect }) => {
    const view = await service.work({ title: 'Breaks off each time' });
    expect([view.state, view.usage.calls]).toEqual(['awaitingInput', 2]);
    expect(endOf(view)).toMatchObject({
      body: expect.stringContaining('**This run has reached its limit** of 2 turns'),
    });
    expect(view.usage.tokens).toMatchObject({ input: expect.toSatisfy((tokens: number) => tokens > 1_000), output: 0 });
    expect(view.usage.costUsd).toBeGreaterThan(0);
  });

  test('of a run, then of its ticket: one question that says which, what was spent, where it stands and how to go on', async ({
    expect,
  }) => {
    const first = await service.work({ title: 'Never ends' });
    const { identifier } = first.ticket;
    expect([first.state, first.runs[0]?.outcome?.stopReason, questions(first)]).toEqual([
      'awaitingInput',
      'budgetExceeded',
      1,
    ]);
    const said = (view: SessionView) => (endOf(view) as { body: string }).body;
    expect(said(first)).toContain(
      '**This run has reached its limit** of 2 turns (`budget.turns`).\n\n**Asked:** Never ends\n\n**Tried:**\n',
    );
    expect(said(first)).toContain(
      'Where things stand: 1 of 2 steps of the plan are done. The work so far is kept; the next run goes on from it.',
    );
    expect(said(first)).toContain(
      '**What now?**\n- Say "continue" to give it another run\n- To give every run more, raise `budget.turns` in shipmate.yaml\n\n*Cost',
    );
    expect(said(first)).toMatch(/\n\n\*Cost so far: under \$0\.01, [\d.]+k? tokens, 2 turns, \d+ s of work\.\*$/);
    await service.app.desk.comment(identifier, 'continue', someone);
    const second = await service.rest(identifier, 2);
    expect(said(second)).toContain('**This ticket has reached its limit** of 3 turns (`budget.ticket.turns`).');
    expect(said(second)).toContain('Raise `budget.ticket.turns` in shipmate.yaml, restart Shipmate and say "continue"');
    expect(said(second)).toMatch(/\*Cost so far: .* 3 turns, .*; this run: .* 1 turn, \d+ s of work\.\*$/);
    const calls = second.usage.calls;
    await service.app.desk.comment(identifier, 'continue', someone);
    const third = await service.rest(identifier, 3);
    expect([third.usage.calls, third.state, questions(third)]).toEqual([calls, 'awaitingInput', 3]);
    const footer = await service.app.db.transaction().execute((tx) => writeFooter(tx, third.id));
    expect(footer).toMatch(/^\*Cost so far: under \$0\.01, [\d.]+k? tokens, 3 turns, \d+ s of work\.\*$/);
    const reservations = await service.app.db.selectFrom('reservations').select('step_id').execute();
    expect(reservations).toEqual([]);
  });
});

describe('an agent that goes in circles', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ script, files });
  });
  afterAll(() => service?.stop());

  test('asks on its ticket, and goes on with the answer', async ({ expect }) => {
    const stuck = await service.work({ title: 'Goes in circles' });
    expect([stuck.state, stuck.runs[0]?.outcome?.stopReason, questions(stuck)]).toEqual([
      'awaitingInput',
      'loopDetected',
      1,
    ]);
    const { body } = endOf(stuck) as { body: string };
    expect(body).toContain('I am going in circles: 3 calls in a row failed with the same error');
    expect(body).toContain('**Asked:** Goes in circles\n\n**Tried:**\n- `bash: ls missing`');
    expect(body).toContain('Where things stand: ');
    await service.app.desk.comment(stuck.ticket.identifier, 'It is called one.txt', someone);
    const done = await service.rest(stuck.ticket.identifier, 2);
    expect(done.state).toBe('complete');
    const footer = await service.app.db.transaction().execute((tx) => writeFooter(tx, done.id));
    expect(footer).toMatch(/^\*Cost so far: .* 7 turns, .*; this run: .* 1 turn, \d+ s of work\.\*$/);
  });
});

const price = { input: 2, output: 10, cacheRead: 2, cacheWrite: 2 };

/** A model that never finishes, and mostly uses all that it may; it counts what it would bill. */
async function startAdversary() {
  const billed = { calls: 0, usd: 0, shortest: Infinity };
  const server = createServer(async (incoming, outgoing) => {
    const text = (await buffer(incoming)).toString('utf8');
    const body = JSON.parse(text);
    const number = ++billed.calls;
    await delay(100 + (number % 7) * 50);
    const output = number % 3 === 0 ? 50 : body.max_tokens;
    const usage = { input: Math.floor(text.length / 3), output, cacheRead: 0, cacheWrite: 0 };
    billed.usd += (usage.input * price.input + usage.output * price.output) / 1e6;
    billed.shortest = Math.min(billed.shortest, body.max_tokens);
    const calls = [{ id: `call_${number}`, name: 'note', inputText: JSON.stringify({ text: `Note ${number}` }) }];
    const at = { delayMs: 0, until: null };
    const reply = { type: 'reply' as const, text: '', thinking: null, calls, usage, cut: false, ...at };
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    const request = { url: new URL('http://loopback'), headers: incoming.headers, body };
    outgoing.end(chat.frames(reply, request, number).join(''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    billed,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

test('twenty runs of two services at once never spend more than the day allows; then nothing is called any more', async ({
  expect,
}) => {
  const adversary = await startAdversary();
  const usd = 1.5;
  const common = { files, env: { OPENAI_BASE_URL: adversary.url, OPENAI_API_KEY: 'key' } };
  const change = (config: TestService['config']): TestService['config'] => ({
    ...config,
    model: 'openai-compatible:adversary',
    models: { ...config.models, prices: { adversary: price } },
    worker: { ...config.worker, slots: 10 },
    sandbox: { ...config.sandbox, driver: 'none' },
    budget: { ...config.budget, day: { tokens: null, usd } },
  });
  const first = await startTestService({ ...common, change });
  const second = await startTestService({
    ...common,
    databaseUrl: () => first.database.url,
    change: (config) => ({ ...change(config), repositories: first.config.repositories }),
  });
  try {
    const assignee = first.config.trackers.board.agent;
    const tickets = await Promise.all(
      Array.from({ length: 20 }, (_, n) => first.app.desk.createTicket({ title: `Ticket ${n}`, assignee }, someone)),
    );
    const views = await Promise.all(tickets.map(({ identifier }) => first.rest(identifier)));
    const spent = views.reduce((sum, { usage }) => sum + (usage.costUsd ?? 0), 0);
    console.log(`twenty runs, ${adversary.billed.calls} calls, $${spent.toFixed(6)} of $${usd}`);
    expect(adversary.billed.usd).toBeLessThanOrEqual(usd);
    expect(spent).toBeCloseTo(adversary.billed.usd, 4);
    // It was used, and the last replies were kept short for it.
    expect(spent).toBeGreaterThan(usd * 0.8);
    expect(adversary.billed.shortest).toBeLessThan(16_000);
    const ends = views.map((view) => [view.state, view.runs[0]?.outcome?.stopReason, questions(view)].join(' '));
    expect(new Set(ends)).toEqual(new Set(['awaitingInput budgetExceeded 1']));
    const bodies = views.map((view) => (endOf(view) as { body: string }).body);
    expect(bodies.every((body) => body.includes("**Today's limit for all tickets is reached** of $1.5"))).toBe(true);

    const calls = adversary.billed.calls;
    const late = await first.work({ title: 'Too late' });
    expect([late.state, late.usage.calls, adversary.billed.calls]).toEqual(['awaitingInput', 0, calls]);
    expect((endOf(late) as { body: string }).body).toContain('Say "continue" tomorrow (UTC)');
  } finally {
    await second.stop();
    await first.stop();
    await adversary.close();
  }
});
