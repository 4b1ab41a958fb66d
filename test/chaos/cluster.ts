import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceOptions } from '../stand-ins/world/service.ts';
import { type Started, spawnService } from '../stand-ins/world/start.ts';

/** A process of the service that is started again whenever it ends, as a supervisor does. */
export interface Kept {
  name: string;
  starts: number;
  /** What runs now; null while it is being started. */
  running: Started | null;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** `onEnd` hears of every end that nobody asked for, with what the process had said. */
export function keep(
  name: string,
  options: ServiceOptions,
  onEnd: (name: string, ended: string, log: string) => void,
): Kept {
  let stopping = false;
  const kept: Kept = { name, starts: 0, running: null, stop };
  const loop = (async () => {
    while (!stopping) {
      kept.starts += 1;
      try {
        const started = await spawnService(options);
        kept.running = started;
        if (stopping) started.kill('SIGTERM');
        const { code, signal } = await started.ended;
        kept.running = null;
        if (!stopping) onEnd(name, signal ?? `exit code ${code}`, started.log());
      } catch (error) {
        // The database may be away just now.
        if (!stopping) onEnd(name, 'it could not be started', (error as Error).message);
      }
      if (!stopping) await delay(100);
    }
  })();
  async function stop(): Promise<void> {
    stopping = true;
    kept.running?.kill('SIGTERM');
    const timer = setTimeout(() => kept.running?.kill('SIGKILL'), 20_000);
    await loop;
    clearTimeout(timer);
  }
  return kept;
}
