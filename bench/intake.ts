import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeRepository } from '../test/support/repository.ts';
import type { SendOrder } from './delivery-sender.ts';
import { ms, type Row, tail } from './figures.ts';
import type { SendReport } from './pace.ts';
import { startBenchProcesses } from './processes.ts';
import { until, webhookSecret } from './service.ts';

const perSecond = 100;
const bytes = 20_000;
const slots = 4;
const script = 'replies:\n  - { delay: 3600000, calls: [{ tool: note, input: { text: Never } }] }\n';

/** Deliveries at a steady pace while every slot of the worker is busy: how long until each is answered. */
export async function benchIntake({ seconds = 600 }: { seconds?: number }): Promise<Row[]> {
  const service = await startBenchProcesses({
    slots,
    script,
    secret: webhookSecret,
    makeRepository: (path) => makeRepository(path, { 'one.txt': 'one\n' }),
  });
  try {
    const web = await service.start('web', ['--import', join(import.meta.dirname, 'ack-probe.ts')]);
    await service.start('worker');
    const tickets = Math.ceil((perSecond * seconds) / 10) + 1000;
    await service.database.query(
      `insert into board_tickets (title, assignee)
       select 'Work ' || n, '{"id":"shipmate","name":"shipmate","isBot":true}' from generate_series(1, $1::int) n`,
      [tickets],
    );
    const order = { url: service.url, secret: webhookSecret, perSecond, bytes, tickets };
    const warmUp = await send({ ...order, run: 'warm-up', seconds: 2 });
    if (warmUp.refused > 0) throw new Error(`${warmUp.refused} deliveries were refused before anything was measured`);
    await until(async () => (await service.count('steps')) >= slots);
    const before = (await probe(web)).times.length;
    const report = await send({ ...order, run: 'measured', seconds });
    await delay(100);
    const waited = performance.now();
    const { times, cpu, rss } = await probe(web);
    const server = times.slice(before);
    await until(async () => (await service.count('deliveries where sorted_at is null')) === 0, 100, 600_000);
    const sortedAfter = performance.now() - waited;
    const sessions = await service.count('sessions');
    const busy = await service.count('runs where worker is not null and ended_at is null');
    if (busy !== slots) throw new Error(`${busy} of ${slots} slots were busy at the end: nothing was measured`);
    return [
      {
        figure: `${perSecond} deliveries a second of ${bytes / 1000} kB for ${seconds} s, every slot busy: answered by the server`,
        goal: 'p99 20 ms, none over 1 s',
        value: `${tail(server)}; ${server.length} of them, ${report.refused} refused`,
      },
      {
        figure: 'the same as the sender sees it',
        goal: '',
        value: `${tail(report.times)}; sent ${ms(report.late)} late at most`,
      },
      {
        figure: 'the web process meanwhile',
        goal: '',
        value: `${((cpu.user + cpu.system) / 1e6).toFixed(0)} s CPU, ${(rss / 1e6).toFixed(0)} MB; ${sessions} sessions opened; all sorted ${ms(sortedAfter)} after the last`,
      },
    ];
  } finally {
    await service.stop();
  }
}

async function send(order: SendOrder): Promise<SendReport> {
  const sender = fork(join(import.meta.dirname, 'delivery-sender.ts'));
  sender.send(order);
  const [report] = await once(sender, 'message');
  return report as SendReport;
}

export interface Probe {
  times: number[];
  cpu: NodeJS.CpuUsage;
  rss: number;
}

export async function probe(web: ChildProcess): Promise<Probe> {
  web.send('tell');
  const [found] = await once(web, 'message');
  return found as Probe;
}
