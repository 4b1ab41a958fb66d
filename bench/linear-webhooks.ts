import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeRepository } from '../test/support/repository.ts';
import { ms, type Row, tail } from './figures.ts';
import { probe } from './intake.ts';
import type { LinearSendOrder, LinearSendReport } from './linear-sender.ts';
import { startLinearWorld } from './linear-world.ts';
import { startBenchProcesses } from './processes.ts';
import { until, webhookSecret } from './service.ts';

const perSecond = 100;
const bytes: [number, number] = [5_000, 20_000];
const slots = 4;
const warmUpSeconds = 3;
const script = 'replies:\n  - { delay: 3600000, calls: [{ tool: note, input: { text: Never } }] }\n';

/** Signed webhooks of Linear at a steady pace while every slot of the worker is busy. */
export async function benchLinearWebhooks(seconds: number): Promise<Row[]> {
  const world = await startLinearWorld();
  const service = await startBenchProcesses({
    slots,
    script,
    secret: webhookSecret,
    env: world.env,
    makeRepository: (path) => makeRepository(path, { 'one.txt': 'one\n' }),
  });
  try {
    const web = await service.start('web', ['--import', join(import.meta.dirname, 'ack-probe.ts')]);
    await service.start('worker');
    const examples = await world.examples();
    const give = (forSeconds: number) =>
      world.give({ title: 'Work', count: Math.ceil((perSecond * forSeconds) / 10), to: null });
    const order = { url: service.url, secret: world.secret, perSecond, bytes, examples };
    const warmUp = await send({ ...order, seconds: warmUpSeconds, given: await give(warmUpSeconds) });
    if (warmUp.refused > 0) throw new Error(`${warmUp.refused} webhooks were refused before anything was measured`);
    await until(async () => (await service.count('steps')) >= slots);
    const given = await give(seconds);
    const before = (await probe(web)).times.length;
    const report = await send({ ...order, seconds, given });
    await delay(100);
    const { times, cpu, rss } = await probe(web);
    const server = times.slice(before);
    await until(async () => (await service.count('deliveries where sorted_at is null')) === 0, 100, 600_000);
    const answered = async () => {
      const first = await world.firstActivities();
      return given.flatMap(({ session }) => {
        const [told, heard] = [report.toldAt[session], first[session]];
        return told === undefined || heard === undefined ? [] : [heard - told];
      });
    };
    await until(async () => (await answered()).length === given.length, 200);
    const heard = await answered();
    const busy = await service.count('runs where worker is not null and ended_at is null');
    if (busy !== slots) throw new Error(`${busy} of ${slots} slots were busy at the end: nothing was measured`);
    return [
      {
        figure: `Linear: ${perSecond} webhooks a second of ${bytes[0] / 1000} to ${bytes[1] / 1000} kB for ${seconds} s, every slot busy: answered by the server`,
        goal: 'p99 20 ms',
        value: `${tail(server)}; ${server.length} of them, ${report.refused} refused; sent ${ms(report.late)} late at most`,
      },
      {
        figure: `the same: from a webhook that gives an issue to the first activity in Linear, ${heard.length} of them`,
        goal: 'p99 5 s, none over 10 s',
        value: tail(heard),
      },
      {
        figure: 'the web process meanwhile',
        goal: '',
        value: `${((cpu.user + cpu.system) / 1e6).toFixed(1)} s CPU, ${(rss / 1e6).toFixed(0)} MB`,
      },
    ];
  } finally {
    await service.stop();
    world.stop();
  }
}

async function send(order: LinearSendOrder): Promise<LinearSendReport> {
  const sender = fork(join(import.meta.dirname, 'linear-sender.ts'));
  sender.send(order);
  const [report] = await once(sender, 'message');
  return report as LinearSendReport;
}
