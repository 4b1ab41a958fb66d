import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Issue } from '../stand-ins/linear/rows.ts';
import type { LinearDelivery } from '../stand-ins/linear/webhooks.ts';
import { type LinearService, startLinearService } from '../support/linear-service.ts';

const finish = (name: string) => `{ tool: finish, input: { title: Add ${name}, summary: "${name} is there." } }`;
const answer = (text: string) => `calls: [{ tool: finish, input: { title: T, summary: s, answer: ${text} } }]`;
const many = Array.from({ length: 4 }, (_, number) => `Ticket the ${number}`);

/** Linear's webhooks as a bad day has them; what is seen in Linear is the same as on any other. */
const script = `
tickets:${many
  .map(
    (title, number) => `
  ${title}:
    - calls: [{ tool: ask, input: { question: Which zone? } }]
    - expect: ["Ada writes:\\n\\nUTC"]
      calls: [{ tool: write, input: { path: ${number}.txt, content: "x\\n" } }, ${finish(`file ${number}`)}]`,
  )
  .join('')}
  Hears late:
    - calls: [{ tool: ask, input: { question: Which zone? } }]
    - { expect: ["Ada writes:\\n\\nUTC"], ${answer('UTC it is.')} }
  Is stopped late:
    - { until: never, ${answer('Never said.')} }
`;

let service: LinearService;
beforeAll(async () => {
  service = await startLinearService({
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
    change: (config) => ({ ...config, reconcile: { ...config.reconcile, minutes: 0.02 } }),
  });
});
afterAll(() => service?.stop());

const rest = ({ identifier }: Issue, fromRun = 1) => service.rest(identifier, fromRun);
const responses = (issue: Issue) => service.said(issue).filter((said) => said.startsWith('response: '));

test('each twice, the first behind the last, one in ten lost: every ticket is worked on once, and answered once', async () => {
  const { ada, linear } = service;
  const { faults } = linear;
  faults.add(
    { delivery: '*', action: { type: 'repeat', times: 1 } },
    { delivery: '*', every: 10, action: { type: 'drop' } },
    { delivery: 'AgentSessionEvent', nth: 1, action: { type: 'drop' } },
    { delivery: '*', every: 3, action: { type: 'late', ms: 300 } },
    { delivery: 'AgentSessionEvent', every: 2, action: { type: 'late', ms: 700 } },
  );
  const issues = many.map((title) => service.give(title));
  for (const issue of issues) {
    await expect.poll(() => service.said(issue).at(-1), { timeout: 30_000 }).toMatch(/^elicitation: Which zone\?/);
    ada.say(issue.id, 'UTC');
  }
  for (const [number, issue] of issues.entries()) {
    const { branch, runs } = await rest(issue, 2);
    expect(runs).toHaveLength(2);
    expect(await service.git('diff', '--name-only', `main...${branch}`)).toBe(`${number}.txt`);
    expect(responses(issue)).toEqual([expect.stringMatching(/^response: Pull request: /)]);
    expect(service.seen(issue)).toMatchObject({ state: 'In Review', attachments: [{}] });
  }
  const told = linear.outbox.told.length;
  faults.clear();
  expect(linear.outbox.counts.taken).toBeGreaterThan(told);
});

/** The same request, signed longer ago than anybody acts on: as Linear's own retries come. */
function signedLongAgo({ payload }: LinearDelivery): LinearDelivery {
  const old = { ...payload, webhookTimestamp: Number(payload.webhookTimestamp) - 61_000 };
  const body = Buffer.from(JSON.stringify(old));
  return { headers: service.linear.outbox.sign(String(payload.type), body), body, payload: old };
}

async function send({ headers, body }: LinearDelivery): Promise<number> {
  const url = `${service.url}/webhooks/linear`;
  return (await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })).status;
}

/** What is done meanwhile is told to nobody. */
function unheard<T>(deed: () => T): T {
  const { urls } = service.linear.outbox;
  const kept = urls.splice(0);
  try {
    return deed();
  } finally {
    urls.push(...kept);
  }
}

test('a word and a stop that come more than a minute late are taken in once, because Linear confirms them', async () => {
  const { ada } = service;
  const late = service.give('Hears late');
  const stopped = service.give('Is stopped late');
  await rest(late);
  await expect.poll(async () => (await service.app.sessions.view(stopped.identifier))?.firstModelCallAt).toBeTruthy();
  const deeds = unheard(() => [ada.say(late.id, 'UTC'), ada.stop(stopped.id)]);
  for (const deed of deeds) {
    const request = signedLongAgo(deed.delivery('AgentSessionEvent', 'prompted'));
    const again = { ...request, headers: { ...request.headers, 'linear-delivery': randomUUID() } };
    expect([await send(request), await send(request), await send(again)]).toEqual([200, 200, 200]);
  }
  await expect
    .poll(() => responses(late), { timeout: 30_000 })
    .toEqual([expect.stringMatching(/^response: UTC it is/)]);
  await expect.poll(() => responses(stopped)).toEqual([expect.stringMatching(/^response: Stopped, as you asked/)]);
  const { rows } = await service.database.pool.query("select outcome from deliveries where outcome like 'late%'");
  expect(new Set(rows.map(({ outcome }) => outcome))).toEqual(new Set(['late, and confirmed: prompted']));
  expect([(await rest(late)).runs.length, (await rest(stopped)).runs.length]).toEqual([2, 1]);
});

test('a word of which no webhook ever tells is heard by asking Linear, and answered once', async () => {
  const issue = service.give('Hears late');
  await rest(issue);
  const { comment } = unheard(() => service.ada.say(issue.id, 'UTC'));
  // Five minutes pass: what has just been said may be on its way.
  const { pool } = service.database;
  const ago = "interval '5 minutes'";
  await pool.query(`update sessions set opened_at = opened_at - ${ago}, given_at = given_at - ${ago}
    where ticket_id = (select id from tickets where identifier = '${issue.identifier}')`);
  service.linear.workspace.get('Comment', comment.id).createdAt = new Date(Date.now() - 300_000).toISOString();
  await expect
    .poll(() => responses(issue), { timeout: 30_000 })
    .toEqual([expect.stringMatching(/^response: UTC it is/)]);
  expect((await rest(issue, 2)).runs).toHaveLength(2);
});

test('one that Linear knows nothing of brings nothing, however well it is signed', async () => {
  const issue = service.give('Hears late');
  await rest(issue);
  const deed = unheard(() => service.ada.say(issue.id, 'UTC'));
  const { payload, ...request } = deed.delivery('AgentSessionEvent', 'prompted');
  const { agentActivity } = payload as { agentActivity: Record<string, unknown> };
  const forged = { ...payload, agentActivity: { ...agentActivity, id: randomUUID(), sourceCommentId: randomUUID() } };
  expect(await send(signedLongAgo({ ...request, payload: forged }))).toBe(200);
  await expect
    .poll(
      async () =>
        (await service.database.pool.query("select from deliveries where outcome like 'late; nothing%'")).rowCount,
    )
    .toBe(1);
  expect([(await rest(issue)).runs.length, service.strayComments()]).toEqual([1, []]);
});
