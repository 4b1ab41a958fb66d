import { setTimeout as delay } from 'node:timers/promises';
import type { Started } from '../stand-ins/world/start.ts';
import { randomOf } from '../support/random.ts';
import { hasEnded, type Stage } from './stage.ts';

/**
 * One process after another dies by SIGKILL at the next point, each taking over what the one before left. `machines`: every
 * other one has a data directory of its own, as if it were elsewhere. Answers the points that no process reached.
 */
export async function killAtEach(stage: Stage, points: readonly string[], machines = false): Promise<string[]> {
  const missed: string[] = [];
  let ticket: string | null = null;
  for (const [index, point] of points.entries()) {
    const machine = machines ? `machine-${index % 2}` : 'machine';
    const victim = await stage.start({ failpoints: `${point}:kill`, machine });
    // What an earlier ticket still has to do may lead to the point; else a new one does.
    for (let given = 0; given < 2; ) {
      if (ticket === null) {
        ticket = await stage.ticket();
        given += 1;
      }
      const ended: 'died' | 'done' = await Promise.race([
        victim.ended.then(() => 'died' as const),
        waitDone(stage, ticket, victim).then(() => 'done' as const),
      ]);
      if (ended === 'died') break;
      ticket = null;
    }
    if (!hasEnded(victim)) {
      missed.push(point);
      victim.kill();
    }
    const { signal } = await victim.ended;
    if (signal !== 'SIGKILL') throw new Error(`at ${point} a process ended by itself:\n${victim.log()}`);
    await stage.noteOpenSteps();
  }
  const last = await stage.start({ machine: machines ? 'machine-0' : 'machine' });
  if (ticket !== null) await stage.done(ticket);
  last.kill('SIGTERM');
  await last.ended;
  return missed;
}

async function waitDone(stage: Stage, ticket: string, victim: Started): Promise<void> {
  while (!hasEnded(victim)) {
    if (await stage.isDone(ticket)) return;
    await delay(50);
  }
  await new Promise(() => {}); // it died, and somebody else says so
}

/** Two processes at work, one of which is killed every now and then, until there were so many kills. */
export async function killAtRandom(stage: Stage, kills: number, seed: number): Promise<void> {
  const random = randomOf(seed);
  const tickets: string[] = [];
  const at = [await stage.start(), await stage.start()];
  for (let killed = 0; killed < kills; killed++) {
    if (killed % 2 === 0) tickets.push(await stage.ticket());
    await delay(random() * 700);
    const index = killed % at.length;
    at[index]?.kill();
    await at[index]?.ended;
    await stage.noteOpenSteps();
    at[index] = await stage.start();
  }
  for (const ticket of tickets) await stage.done(ticket);
  for (const service of at) service.kill('SIGTERM');
  await Promise.all(at.map((service) => service.ended));
}
