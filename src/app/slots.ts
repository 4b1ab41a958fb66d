import type { Database } from '../store/database.ts';
import { forgetWorker, noteWorker } from '../store/workers.ts';

const sayEveryMs = 10_000;

/** Says now and again on how many runs this process works at once, until it stops. */
export async function announceSlots(
  { db, worker, stops }: { db: Database; worker: string; stops: (() => Promise<unknown>)[] },
  slots: number,
): Promise<void> {
  const announce = () => noteWorker(db, worker, slots).catch(() => {}); // it is away; the next one may get through
  await announce();
  const timer = setInterval(announce, sayEveryMs);
  stops.push(async () => {
    clearInterval(timer);
    await forgetWorker(db, worker).catch(() => {}); // nobody counts it for long
  });
}
