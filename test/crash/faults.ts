import { setTimeout as delay } from 'node:timers/promises';
import type { WorldCall } from '../stand-ins/world/faults.ts';
import type { Started } from '../stand-ins/world/start.ts';
import type { DatabaseProxy } from '../support/database-proxy.ts';
import { frozen, type Stage } from './stage.ts';

/**
 * One process freezes itself at each of these points; meanwhile `strike` happens, and it goes on. It must mend that itself.
 * Answers the points that were not reached by three tickets: what strikes at one may spare the next.
 */
export async function strikeAtEach(
  stage: Stage,
  points: readonly string[],
  strike: (point: string) => Promise<void>,
  options: Parameters<Stage['start']>[0] = {},
): Promise<string[]> {
  const service = await stage.start({ ...options, failpoints: points.map((point) => `${point}:stop`).join(',') });
  const struck: string[] = [];
  for (let tickets = 0; tickets < 3 && struck.length < points.length; tickets++) {
    const ticket = await stage.ticket();
    for (let over = false; !over; ) {
      const next = await Promise.race([frozenAt(service, struck.length), stage.done(ticket).then(() => null)]);
      over = next === null;
      if (next === null) continue;
      struck.push(next);
      await stage.noteOpenSteps();
      await strike(next);
      service.kill('SIGCONT');
    }
  }
  service.kill('SIGTERM');
  await service.ended;
  return points.filter((point) => !struck.includes(point));
}

/** The point that it stands at, after so many others. It says so on stderr just before it freezes, and that may reach us later. */
async function frozenAt(service: Started, others: number): Promise<string> {
  for (;;) {
    await frozen(service);
    const names = [...service.log().matchAll(/^failpoint (\S+)$/gm)];
    const name = names[others]?.[1];
    if (name !== undefined) return name;
    await delay(10);
  }
}

/** The answer to what comes next is lost: the vendor's for an effect that is still to be sent, else the database's. */
export function loseNextReply(stage: Stage, proxy: DatabaseProxy): (point: string) => Promise<void> {
  return async (point) => {
    const [room, kind, moment] = point.split('/');
    if (room === 'effect' && (moment === 'before' || moment === 'mid'))
      await stage.world.faults([{ call: kind as WorldCall, nth: 1, action: { type: 'loseReply' } }]);
    else if (room === 'effect') proxy.loseReply(/update "effects" set "state"/i);
    else if (room === 'step') proxy.loseReply(moment === 'before' ? /insert into steps/i : /update steps/i);
    else if (room === 'conclude') proxy.loseReply(/update "runs" set "ended_at"/i);
    else proxy.loseReply(/update|insert/i);
  };
}
