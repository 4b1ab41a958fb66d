import { setTimeout as delay } from 'node:timers/promises';
import type { Started } from '../stand-ins/world/start.ts';
import { isFrozen, type Stage } from './stage.ts';

/** Processes at once: each holds some dozen connections of the database. */
const atOnce = 6;

/**
 * As many processes as points, some at a time, each frozen at its own; another takes over all that they had; then they wake.
 * Answers the points at which none froze.
 */
export async function freezeAtEach(stage: Stage, points: readonly string[]): Promise<string[]> {
  const missed: string[] = [];
  for (let from = 0; from < points.length; from += atOnce)
    missed.push(...(await freezeTogether(stage, points.slice(from, from + atOnce))));
  return missed;
}

async function freezeTogether(stage: Stage, points: readonly string[]): Promise<string[]> {
  const waiting = new Map<string, Started>();
  await Promise.all(
    points.map(async (point) => waiting.set(point, await stage.start({ failpoints: `${point}:stop`, slots: 1 }))),
  );
  const asleep = new Map<string, Started>();
  const tickets: string[] = [];
  // Any of them may do any part of a ticket, so it takes some tickets until each has come to its point.
  for (let tries = 0; tries < 4 * points.length && waiting.size > 0; tries++) {
    tickets.push(await stage.ticket());
    const until = AbortSignal.timeout(3_000);
    while (!until.aborted && waiting.size > 0) {
      await delay(20);
      for (const ticket of tickets) await stage.isDone(ticket); // a split is approved by whoever looks
      for (const [point, service] of waiting)
        if (await isFrozen(service)) {
          asleep.set(point, service);
          waiting.delete(point);
          // Now: another may take its run over before the last one is asleep.
          await stage.noteOpenSteps(service.pid);
        }
    }
  }
  for (const service of waiting.values()) {
    service.kill();
    await service.ended;
    await stage.noteOpenSteps(service.pid);
  }
  for (const { pid } of asleep.values()) await stage.noteOpenSteps(pid); // what was on its way to the database then
  const taker = await stage.start();
  for (const ticket of tickets) await stage.done(ticket);
  for (const service of asleep.values()) service.kill('SIGCONT');
  const awake = [...asleep.values()];
  // Time to do what they were about to: then they leave, which waits for what they have under way.
  await delay(3_000);
  for (const service of [...awake, taker]) service.kill('SIGTERM');
  await Promise.all([...awake, taker].map((service) => service.ended));
  return [...waiting.keys()];
}
