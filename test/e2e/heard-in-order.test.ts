import { afterAll, beforeAll, expect, test } from 'vitest';
import { someone, startTestService, type TestService } from '../support/service.ts';

const words = 50;

/** A turn sees whatever was said since the one before it; the test looks at what they were told. */
const script = `
tickets:
  Is talked to:
${Array.from({ length: 60 }, (_, turn) => `    - { delay: 60, calls: [{ tool: bash, input: { command: "echo ${turn} >> log.txt" } }] }`).join('\n')}
`;

let service: TestService;
beforeAll(async () => {
  service = await startTestService({
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
  });
});
afterAll(() => service?.stop());

test(`${words} comments during a run are all read, each once, in the order in which they were said`, async () => {
  const { desk } = service.app;
  const assignee = service.config.trackers.board.agent;
  const { identifier } = await desk.createTicket({ title: 'Is talked to', assignee }, someone);
  await expect.poll(async () => (await service.app.sessions.view(identifier))?.firstModelCallAt).toBeTruthy();
  for (let word = 0; word < words; word++) await desk.comment(identifier, `Word ${word}.`, someone);
  const saidTo = async () => {
    const { rows } = await service.database.pool.query(
      `select s.input ->> 'said' as said from steps s join sessions e on e.id = s.session_id
       join tickets t on t.id = e.ticket_id where t.identifier = $1 and s.kind = 'model' order by s.seq`,
      [identifier],
    );
    return rows.flatMap(({ said }) => [...String(said).matchAll(/Word (\d+)\./g)].map(([, word]) => Number(word)));
  };
  await expect.poll(async () => (await saidTo()).length, { timeout: 120_000 }).toBeGreaterThanOrEqual(words);
  expect(await saidTo()).toEqual(Array.from({ length: words }, (_, word) => word));
  await desk.comment(identifier, 'stop', someone);
  const view = await service.rest(identifier);
  expect([view.state, view.runs.length]).toEqual(['stopped', 1]);
}, 300_000);
