import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { setTeamAccess, somebody } from '../stand-ins/linear/people.ts';
import { type Linear, startLinear } from '../stand-ins/linear/server.ts';
import type { LinearDelivery } from '../stand-ins/linear/webhooks.ts';
import { addTeam, addUser } from '../stand-ins/linear/workspace.ts';
import { startTestService, type TestService } from '../support/service.ts';

const [newest, older] = ['the-new-signing-secret', 'the-signing-secret-before'];

let linear: Linear;
let service: TestService;
let given: LinearDelivery;
beforeAll(async () => {
  linear = await startLinear({ webhookSecret: older });
  service = await startTestService({
    parts: ['listen'],
    files: {},
    env: {
      LINEAR_API_URL: linear.url,
      LINEAR_ACCESS_TOKEN: linear.token,
      LINEAR_WEBHOOK_SECRET: `${newest},${older}`,
    },
  });
  // The round that each start begins with would find the ticket by itself.
  const isOver = "select from schedules where name = 'reconcile' and busy_until is null";
  while ((await service.database.pool.query(isOver)).rowCount === 0) await delay(20);
  const { id: teamId } = addTeam(linear.workspace, { key: 'ENG', name: 'Engineering' });
  const ada = somebody(linear.workspace, addUser(linear.workspace, 'Ada'), linear.baseUrl);
  // Nobody listens yet: what is told is sent by hand.
  given = ada.delegate(ada.create({ teamId, title: 'Fix the ship' }).id).delivery('AgentSessionEvent', 'created');
});
afterAll(async () => {
  await service?.stop();
  await linear?.close();
});

const post = async (headers: Record<string, string>, body: Uint8Array) =>
  (
    await fetch(`${service.url}/webhooks/linear`, {
      method: 'POST',
      headers: { ...headers, 'linear-delivery': randomUUID() },
      body: new Uint8Array(body),
    })
  ).status;
const rows = async (table: string) => (await service.database.pool.query(`select from ${table}`)).rowCount;

/** A body that is signed with a secret. */
function signed(body: Buffer, secret = older): Record<string, string> {
  linear.outbox.secret = secret;
  return linear.outbox.sign('Anything', body);
}

test('a signature that is missing, of another secret or of another body lets nothing in', async ({ expect }) => {
  const { headers, body } = given;
  const { 'linear-signature': signature = '', ...unsigned } = headers;
  const other = Buffer.from(body.toString().replace('Fix the ship', 'Fix the boat'));
  const wrong: [Record<string, string>, Buffer][] = [
    [unsigned, body],
    [{ ...unsigned, 'linear-signature': '' }, body],
    [{ ...unsigned, 'linear-signature': `${signature.slice(0, -1)}${signature.endsWith('0') ? '1' : '0'}` }, body],
    [{ ...unsigned, 'x-hub-signature-256': `sha256=${signature}` }, body],
    [signed(body, 'somebody-elses-secret'), body],
    [signed(other), body],
    [headers, other],
    [headers, Buffer.from('')],
  ];
  for (const [sent, bytes] of wrong) expect(await post(sent, bytes)).toBe(401);
  expect(await rows('deliveries')).toBe(0);
});

test('a byte of a valid request that is altered makes it worthless, wherever it is', async ({ expect }) => {
  const { headers, body } = given;
  const every = Math.ceil(body.length / 60);
  for (let at = 0; at < body.length; at += every) {
    const altered = Buffer.from(body);
    altered[at] = (altered[at] ?? 0) ^ 1;
    expect(await post(headers, altered), `byte ${at}`).toBe(401);
  }
  const signature = Buffer.from(headers['linear-signature'] ?? '');
  for (let at = 0; at < signature.length; at += 7) {
    const altered = Buffer.from(signature);
    altered[at] = altered[at] === 0x30 ? 0x31 : 0x30;
    expect(await post({ ...headers, 'linear-signature': altered.toString() }, body), `sign ${at}`).toBe(401);
  }
  expect(await rows('deliveries')).toBe(0);
});

test('what nobody knows is stored and answered 200; the same request again under another id begins nothing twice', async ({
  expect,
}) => {
  const { organizationId } = linear.workspace;
  const unknown = [
    { type: 'Starship', action: 'launched', organizationId, webhookTimestamp: Date.now() },
    { type: 'AgentSessionEvent', action: 'exploded', organizationId, webhookTimestamp: Date.now() },
    { ...given.payload, agentSession: { ...(given.payload.agentSession as object), issue: null, issueId: null } },
  ].map((payload) => Buffer.from(JSON.stringify(payload)));
  unknown.push(Buffer.from('no JSON at all'), Buffer.from('[]'), Buffer.from('"\\u0000"'));
  for (const body of unknown) expect(await post(signed(body), body)).toBe(200);
  await service.sorted();
  expect([await rows('deliveries'), await rows('sessions')]).toEqual([unknown.length, 0]);

  // While the secret is changed both are good, and the new one alone afterwards.
  for (const secret of [older, newest]) expect(await post(signed(given.body, secret), given.body)).toBe(200);
  await service.sorted();
  const { rows: told } = await service.database.pool.query(
    "select outcome from deliveries where outcome not like 'no%'",
  );
  expect(told.map(({ outcome }) => outcome)).toEqual(['sessionCreated', 'sessionCreated']);
  expect([await rows('sessions'), await rows('runs'), await rows('conversations')]).toEqual([1, 1, 1]);
});

/** Whether a round of reconcile is due, or was begun, by what is done meanwhile; by itself none is for minutes. */
async function makesReconcileDue(deed: () => Promise<unknown>): Promise<boolean> {
  const { pool } = service.database;
  const { rows } = await pool.query(
    "update schedules set ran_at = now() where name = 'reconcile' returning ran_at::text",
  );
  await deed();
  const ran = await pool.query("select ran_at::text from schedules where name = 'reconcile'");
  return ran.rows[0].ran_at !== rows[0].ran_at;
}

test('that the app may see other teams now has all tickets looked at, and nothing else does', async ({ expect }) => {
  linear.outbox.secret = newest;
  const { id } = addTeam(linear.workspace, { key: 'SEC', name: 'Secret' });
  const { headers, body } = setTeamAccess(linear.workspace, id, false);
  expect(await makesReconcileDue(() => post(signed(given.body, newest), given.body))).toBe(false);
  expect(await makesReconcileDue(() => post(headers, body))).toBe(true);
});

test('what was signed long ago is stored and looked up, not acted on', async ({ expect }) => {
  const before = await rows('runs');
  const payload = { ...given.payload, agentSession: { ...(given.payload.agentSession as object), id: randomUUID() } };
  const old = Buffer.from(JSON.stringify({ ...payload, webhookTimestamp: Date.now() - 61_000 }));
  expect(await makesReconcileDue(() => post(signed(old), old)), 'it is looked up').toBe(true);
  await service.sorted();
  expect([await rows('runs'), await rows('conversations')]).toEqual([before, 1]);
});
