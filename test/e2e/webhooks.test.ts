import { afterAll, beforeAll, describe, test } from 'vitest';
import { type DeliveryBody, idHeader, signatureHeader, signDelivery } from '../../src/trackers/board/delivery.ts';
import { type DatabaseProxy, startDatabaseProxy } from '../support/database-proxy.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const secret = 'a-webhook-secret-of-the-board';
const agent = { id: 'shipmate', name: 'shipmate', isBot: true };

describe('over HTTP', () => {
  let proxy: DatabaseProxy;
  let service: TestService;
  beforeAll(async () => {
    proxy = await startDatabaseProxy();
    service = await startTestService({
      parts: ['listen'],
      files: {},
      env: { BOARD_WEBHOOK_SECRET: secret },
      databaseUrl: proxy.url,
    });
  });
  afterAll(async () => {
    await service?.stop();
    await proxy?.goAway();
  });

  function assigned(number: number, id: string): DeliveryBody {
    const ticket = { number, title: `Ticket ${number}`, state: 'Todo' as const, assignee: agent };
    return { id, event: 'ticket.assigned', actor: someone, ticket, previousAssignee: null };
  }

  const post = (path: string, { headers, body }: { headers: Record<string, string>; body: Uint8Array }) =>
    fetch(`${service.url}${path}`, { method: 'POST', headers, body: new Uint8Array(body) });

  const count = async (table: string) =>
    Number((await service.database.pool.query(`select count(*) as n from ${table}`)).rows[0].n);

  test('a signed delivery is taken in, once, and opens a session', async ({ expect }) => {
    const { identifier } = await service.app.desk.createTicket({ title: 'Ticket 1' }, someone);
    const before = await count('deliveries');
    const delivery = signDelivery(secret, assigned(1, 'from-outside/1'));
    expect((await post('/webhooks/board', delivery)).status).toBe(200);
    expect((await post('/webhooks/board', delivery)).status).toBe(200);
    expect(await count('deliveries')).toBe(before + 1);
    await expect.poll(() => service.app.sessions.view(identifier)).not.toBeNull();
    const view = await service.app.sessions.view(identifier);
    expect([view?.state, view?.runs.length]).toEqual(['active', 1]);
    const words = async () => (await service.app.desk.show(identifier)).activities.map(({ activity }) => activity);
    await expect.poll(words).toEqual([{ type: 'thought', body: 'On it: reading BOARD-1 and the code now.' }]);
  });

  test('what is not signed, not known or too large is refused, and leaves nothing', async ({ expect }) => {
    const before = await count('deliveries');
    const good = signDelivery(secret, assigned(2, 'from-outside/2'));
    const statuses = async (sent: Promise<Response>[]) => (await Promise.all(sent)).map(({ status }) => status);
    const { [signatureHeader]: _, ...unsigned } = good.headers;
    expect(
      await statuses([
        post('/webhooks/board', { ...good, headers: unsigned }),
        post('/webhooks/board', signDelivery('another-secret-altogether', assigned(2, 'from-outside/2'))),
        post('/webhooks/board', { ...good, body: Buffer.concat([good.body, Buffer.from(' ')]) }),
      ]),
    ).toEqual([401, 401, 401]);
    expect(
      await statuses([
        post('/webhooks/board', { ...good, headers: { ...good.headers, [idHeader]: 'another' } }),
        post('/webhooks/linear', good),
        post('/webhooks/__proto__', good),
        post('/webhooks', good),
        post('/webhooks/board', { ...good, body: Buffer.alloc(26 * 2 ** 20) }),
      ]),
    ).toEqual([400, 404, 404, 404, 413]);
    expect(await count('deliveries')).toBe(before);
  });

  test('a hundred deliveries at once are all sorted (how soon is printed; a second is the goal)', async ({
    expect,
  }) => {
    const before = await count('sessions');
    const deliveries = Array.from({ length: 100 }, (_, index) =>
      signDelivery(secret, assigned(1000 + index, `hundred/${index}`)),
    );
    const began = performance.now();
    const answers = await Promise.all(deliveries.map((delivery) => post('/webhooks/board', delivery)));
    const answered = performance.now() - began;
    const unsorted = async () => Number(await count('deliveries where sorted_at is null'));
    while ((await unsorted()) > 0) await new Promise((resolve) => setTimeout(resolve, 5)); // only the database knows
    const { rows } = await service.database.pool.query(
      "select extract(epoch from max(sorted_at) - min(received_at)) as s from deliveries where delivery_id like 'hundred/%'",
    );
    console.log(
      `100 deliveries: answered in ${Math.round(answered)} ms, sorted ${Math.round(rows[0].s * 1000)} ms after the first came in`,
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await count('sessions')).toBe(before + 100);
    expect(await count("deliveries where outcome = 'sessionCreated' and delivery_id like 'hundred/%'")).toBe(100);
    expect(await count('prompts')).toBe(0);
  });

  test('without its database it says so, takes nothing in, and goes on when that is back', async ({ expect }) => {
    const health = async () => {
      const response = await fetch(`${service.url}/health`);
      return [response.status, await response.json()];
    };
    expect(await health()).toEqual([200, { status: 'ok' }]);
    await proxy.goAway();
    expect(await health()).toEqual([503, { status: 'unavailable', reason: 'the database does not answer' }]);
    const delivery = signDelivery(secret, assigned(1, 'from-outside/3'));
    expect((await post('/webhooks/board', delivery)).status).toBe(503);
    expect((await fetch(`${service.url}/sessions/BOARD-1/key`)).status).toBe(503);
    await proxy.comeBack();
    expect(await health()).toEqual([200, { status: 'ok' }]);
    expect((await post('/webhooks/board', delivery)).status).toBe(200);
    await expect
      .poll(() => count("deliveries where delivery_id = 'from-outside/3' and sorted_at is not null"), {
        timeout: 5_000,
      })
      .toBe(1);
  });
});
