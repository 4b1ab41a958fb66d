import { fork } from 'node:child_process';
import { once } from 'node:events';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { signDelivery } from '../src/trackers/board/delivery.ts';
import { makeRepository } from '../test/support/repository.ts';
import type { Row } from './figures.ts';
import { type TreeUse, useOfTree } from './process-tree.ts';
import { startBenchProcesses } from './processes.ts';
import { someone, webhookSecret } from './service.ts';

/** Two slow replies, 30 to 60 s each; between them a file is read in the workspace. */
const script = ['30000', '40000', '50000', '60000']
  .map(
    (wait, index) => `  Wait ${index}:
    - { delay: ${wait}, calls: [{ tool: read, input: { path: one.txt } }] }
    - { delay: ${90_000 - Number(wait)}, calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: Nothing is to be done. } }] }
`,
  )
  .join('');
const withinMs = 30 * 60_000;

/** One worker, a slot for each session, and a model that takes its time. */
export async function benchWaiting({ sessions = 1000 }: { sessions?: number }): Promise<Row[]> {
  const model = fork(join(import.meta.dirname, 'model-process.ts'));
  model.send(`tickets:\n${script}`);
  const [url] = (await once(model, 'message')) as [string];
  const service = await startBenchProcesses({
    slots: sessions,
    secret: webhookSecret,
    env: { ANTHROPIC_API_KEY: 'bench', ANTHROPIC_BASE_URL: url },
    makeRepository: (path) => makeRepository(path, { 'one.txt': 'one\n' }),
  });
  try {
    await service.start('web');
    const worker = await service.start('worker');
    const free = await freeBytes(service.dir);
    const start = performance.now();
    await assign(service.database, service.url, sessions);
    const peak: TreeUse = { processes: 0, rss: 0, cpuSeconds: 0 };
    let atOnce = 0;
    let oldestBeat = 0;
    let disk = 0;
    let finished = 0;
    while (finished < sessions) {
      if (performance.now() - start > withinMs) break;
      await delay(1000);
      const use = await useOfTree(worker.pid ?? 0);
      for (const key of ['processes', 'rss', 'cpuSeconds'] as const) peak[key] = Math.max(peak[key], use[key]);
      disk = Math.max(disk, free - (await freeBytes(service.dir)));
      const { rows } = await service.database.query(
        `select count(*) filter (where ended_at is not null)::int as finished,
           count(*) filter (where ended_at is null and worker is not null)::int as working,
           coalesce(extract(epoch from max(now() - heartbeat_at) filter (where ended_at is null and worker is not null)), 0)::float8 as beat
         from runs`,
      );
      finished = rows[0].finished;
      atOnce = Math.max(atOnce, rows[0].working);
      oldestBeat = Math.max(oldestBeat, rows[0].beat);
      if (worker.exitCode !== null || worker.signalCode !== null) throw new Error('the worker ended');
    }
    const seconds = (performance.now() - start) / 1000;
    const { rows } = await service.database.query(
      'select state, count(*)::int as n from sessions group by state order by n desc',
    );
    const attempts = await service.count('runs where attempt > 1');
    return [
      {
        figure: `${sessions} sessions waiting on a slow model (90 s each), one worker`,
        goal: 'all finish',
        value: `${rows.map(({ state, n }) => `${n} ${state}`).join(', ')} after ${seconds.toFixed(0)} s; ${atOnce} at once`,
      },
      {
        figure: 'peak of the worker and all its processes',
        goal: '24 GiB, 2 cores',
        value: `${(peak.rss / 2 ** 30).toFixed(2)} GiB in ${peak.processes} processes, ${peak.cpuSeconds.toFixed(0)} s CPU, ${(disk / 2 ** 30).toFixed(2)} GiB of disk`,
      },
      {
        figure: 'oldest heartbeat seen',
        goal: 'under 8 s',
        value: `${oldestBeat.toFixed(1)} s; ${attempts} runs were taken over`,
      },
    ];
  } finally {
    await service.stop();
    model.disconnect();
  }
}

/** Tickets on the board and their deliveries, some at a time, as they come on a busy morning. */
async function assign(database: import('pg').Client, url: string, sessions: number): Promise<void> {
  const { rows } = await database.query<{ number: number }>(
    `insert into board_tickets (title, assignee)
     select 'Wait ' || n % 4, '{"id":"shipmate","name":"shipmate","isBot":true}' from generate_series(1, $1::int) n returning number`,
    [sessions],
  );
  const agent = { id: 'shipmate', name: 'shipmate', isBot: true };
  for (let begin = 0; begin < rows.length; begin += 20)
    await Promise.all(
      rows.slice(begin, begin + 20).map(async ({ number }) => {
        const { headers, body } = signDelivery(webhookSecret, {
          id: `BOARD-${number}/assigned`,
          event: 'ticket.assigned',
          actor: someone,
          ticket: { number, title: `Wait ${number % 4}`, state: 'Todo', assignee: agent },
          previousAssignee: null,
        });
        const response = await fetch(`${url}/webhooks/board`, { method: 'POST', headers, body: Buffer.from(body) });
        if (!response.ok) throw new Error(`a delivery was answered ${response.status}`);
      }),
    );
}

async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
