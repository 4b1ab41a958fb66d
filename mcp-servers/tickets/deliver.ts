import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Capture, CaptureResult } from './capture.ts';
import { type TicketDesk, Unreachable } from './desk.ts';
import { tryLock } from './lock.ts';
import { isInHand, type Kept, type Spool } from './spool.ts';

export interface Delivering {
  desk: Pick<TicketDesk, 'makeTicket'>;
  spool: Spool;
  /** As for `keepWith`. */
  to: string | null;
  /** Also what was refused before, or kept for another service: somebody has logged in anew. */
  anew?: boolean;
}

const passMs = 600_000;

/**
 * Sends what waits, the oldest first, one process at a time, until nobody can be reached. What became of each is news in the
 * spool, for whoever asks first (`takeNews`). Answers how many still wait. Where nobody is there to choose, what has the error
 * of a ticket is added to that ticket, and anything else is filed.
 */
export async function deliver({ desk, spool, to, anew = false }: Delivering, signal: AbortSignal): Promise<number> {
  const waiting = async () => (await spool.list()).kept.filter((kept) => isFor(kept, to, anew) && waits(kept, anew));
  if ((await waiting()).length === 0) return 0;
  await mkdir(spool.dir, { recursive: true, mode: 0o700 });
  const release = await tryLock(join(spool.dir, '.sending.lock'), passMs);
  if (release === null) return (await waiting()).length;
  try {
    for (const kept of await waiting()) {
      const sent = await send(kept, desk, spool, to, signal);
      if (!sent) break;
    }
    return (await spool.list()).kept.filter((kept) => isFor(kept, to, anew) && waits(kept, false)).length;
  } finally {
    await release();
  }
}

export interface KeepingOn extends Delivering {
  /** Between two tries at first, doubled with each that reaches nobody, up to `longestMs`. */
  everyMs: number;
  longestMs: number;
  /** null: for as long as something waits. */
  forMs: number | null;
  /** For a process that does nothing else: only one of them at a time for each `to`. */
  alone: boolean;
}

/** Delivers again and again until nothing waits, the time is up, or another is at it. */
export async function keepDelivering(options: KeepingOn, signal: AbortSignal): Promise<void> {
  const { spool, everyMs, longestMs, forMs, alone } = options;
  const until = forMs === null ? Number.POSITIVE_INFINITY : Date.now() + forMs;
  await mkdir(spool.dir, { recursive: true, mode: 0o700 });
  const release = alone
    ? await tryLock(join(spool.dir, `.background-${nameOf(options.to)}.lock`), forMs ?? passMs)
    : async () => {};
  if (release === null) return;
  try {
    for (let pause = everyMs; Date.now() < until; pause = Math.min(pause * 2, longestMs)) {
      // A disk that is full has room again some time.
      const left = await deliver(options, signal).catch(() => null);
      if (left === 0) return;
      await delay(pause, undefined, { signal });
    }
  } finally {
    await release();
  }
}

function nameOf(to: string | null): string {
  return createHash('sha256')
    .update(to ?? '')
    .digest('hex')
    .slice(0, 12);
}

function waits(kept: Kept, anew: boolean): boolean {
  return (
    kept.state === 'waiting' || (kept.state === 'sending' && !isInHand(kept)) || (anew && kept.state === 'refused')
  );
}

function isFor(kept: Kept, to: string | null, anew: boolean): boolean {
  return kept.to === null || kept.to === to || (anew && /^https?:/.test(kept.to));
}

/** false: nobody can be reached now. */
async function send(
  kept: Kept,
  desk: Pick<TicketDesk, 'makeTicket'>,
  spool: Spool,
  to: string | null,
  signal: AbortSignal,
): Promise<boolean> {
  const { id, title } = kept.capture;
  /** false: somebody has dropped it meanwhile. */
  async function keep(changes: Partial<Kept>): Promise<boolean> {
    if ((await spool.find(id)) === null) return false;
    await spool.keep({ ...kept, ...changes, at: new Date().toISOString() });
    return true;
  }
  if (!(await keep({ state: 'sending', pid: process.pid, to }))) return true;
  let result: CaptureResult;
  try {
    result = await fileAnyhow(kept.capture, desk, signal);
  } catch (error) {
    if (signal.aborted || error instanceof Unreachable) {
      await keep({ state: kept.state === 'refused' ? 'refused' : 'waiting' });
      signal.throwIfAborted();
      return false;
    }
    const why = error instanceof Error ? error.message : String(error);
    const again = `It is kept; to send it again: shipmate ticket --again ${id}`;
    if (await keep({ state: 'refused', why, to })) await spool.addNews(id, `"${title}" was not filed: ${why} ${again}`);
    return true;
  }
  if ('tickets' in result) {
    await spool.addNews(id, newsOf(title, result));
    await spool.drop(id);
  } else await keep({ state: 'waiting', why: result.notes.at(-1) ?? null, to });
  return true;
}

/** As where nobody can be asked: added to the ticket that has the same error, else filed. */
export async function fileAnyhow(
  capture: Capture,
  desk: Pick<TicketDesk, 'makeTicket'>,
  signal: AbortSignal,
): Promise<CaptureResult> {
  const result = await desk.makeTicket(capture, signal);
  if (result.status !== 'duplicates') return result;
  const same = result.duplicates.find(({ why, isLikely }) => why === 'error' && isLikely);
  return desk.makeTicket(same ? { ...capture, addTo: same.identifier } : { ...capture, anyway: true }, signal);
}

function newsOf(title: string, { status, tickets }: Extract<CaptureResult, { tickets: unknown }>): string {
  const where = tickets.map(({ identifier, url }) => `${identifier} ${url}`).join(', ');
  return `${status === 'filed' ? 'Filed meanwhile' : 'Added meanwhile'}: "${title}": ${where}`;
}
