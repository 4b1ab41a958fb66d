import { grouped } from '../core/cut-text.ts';
import type { Log } from '../lib/log.ts';
import { availableMemory } from '../lib/memory.ts';

export interface Admission {
  /** Whether there is room for one more run. */
  admits(): boolean;
  /** One more has been taken. */
  took(): void;
  state(): { atWork: number; slots: number; memoryShort: boolean };
}

/** A run that was taken this short a time ago may not yet use what it will use. */
const settlesAfterMs = 3_000;

/**
 * The worker's own share of a run is small (a session that waits has no process); what counts is the one command that it has
 * under way, and a test run of Node.js or Python takes about a hundred megabytes. A worker takes runs while memory for one
 * more is there. It always takes one: a machine that is short of memory without any run would otherwise never work again.
 */
export function createAdmission(options: {
  slots: number;
  /** null: memory is not looked at. */
  memoryPerRun: number | null;
  atWork(): number;
  log: Log;
  available?: () => number | null;
}): Admission {
  const { slots, memoryPerRun, atWork, log, available = availableMemory } = options;
  let taken: number[] = [];
  let short = false;
  let told = false;

  function isShort(): boolean {
    if (memoryPerRun === null) return false;
    const left = available();
    if (left === null) return false;
    const since = performance.now() - settlesAfterMs;
    taken = taken.filter((at) => at > since);
    return left < memoryPerRun * (taken.length + 1);
  }

  return {
    admits() {
      short = isShort();
      // Of runs that were only just taken nothing is told: a burst is no shortage.
      if (short && !told && taken.length === 0) {
        log.warn(
          { left: megabytes(available()), at_work: atWork() },
          'memory is short: no more runs until some is free',
        );
        told = true;
      } else if (!short && told) {
        log.info('there is memory for more runs');
        told = false;
      }
      return !short || atWork() + taken.length === 0;
    },
    took: () => void taken.push(performance.now()),
    state: () => ({ atWork: atWork(), slots, memoryShort: told }),
  };
}

function megabytes(bytes: number | null): string | null {
  return bytes === null ? null : `${grouped(Math.floor(bytes / 2 ** 20))} MB`;
}
