import { VendorError } from '../../core/vendor-error.ts';
import type { GitHubClient } from './client.ts';

/** One attempt at a webhook, as GitHub's log of them has it; the newest first there, kept for three days. */
interface Attempt {
  id: number;
  /** `X-GitHub-Delivery`: the same for each attempt at one. */
  guid: string;
  delivered_at: string;
  status: string;
  status_code: number;
}

interface Failed {
  /** Its attempts that failed. */
  ids: Set<number>;
  newest: number;
  at: number;
  /** The attempt after which it was asked for last. */
  askedAfter: number | null;
}

const perPage = 100;
/** So much of the log is read after a start; later only what is new. */
const mostPages = 10;
/** It is sent so often by us, beside the one time that GitHub does. */
const mostTries = 3;
const mostARound = 100;
const keptMs = 3 * 86_400_000;
/** An attempt that took its time is in the log later than others that began after it. */
const overlapMs = 120_000;

/**
 * GitHub sends a webhook once. Has it send again those that failed, the oldest first, a few times each. What was tried is
 * counted in GitHub's own log, so a new process counts on. For an App only; see `HostWebhooks.redeliver`.
 */
export function createRedelivery(client: GitHubClient) {
  const failed = new Map<string, Failed>();
  let readUntil = 0;

  async function readLog(signal: AbortSignal): Promise<void> {
    let next: string | undefined = '';
    let newest = readUntil;
    for (let page = 0; page < mostPages && next !== undefined; page++) {
      const cursor: { cursor?: string } = next === '' ? {} : { cursor: next };
      const asked = { per_page: perPage, ...cursor };
      const answer = await unlessGone(client.ask<Attempt[]>('GET /app/hook/deliveries', asked, signal));
      if (answer === null) return; // the App has no webhook
      const { data, headers } = answer;
      for (const attempt of data) {
        const at = Date.parse(attempt.delivered_at);
        newest = Math.max(newest, at);
        if (isFailure(attempt)) note(attempt, at);
      }
      const oldest = Date.parse(data.at(-1)?.delivered_at ?? '');
      if (!(oldest > readUntil - overlapMs)) break;
      next = /[?&]cursor=([^&>]+)[^>]*>; rel="next"/.exec(String(headers.link ?? ''))?.[1];
    }
    readUntil = newest;
  }

  function note({ guid, id }: Attempt, at: number): void {
    const known = failed.get(guid);
    if (!known) failed.set(guid, { ids: new Set([id]), newest: id, at, askedAfter: null });
    else {
      known.ids.add(id);
      known.newest = Math.max(known.newest, id);
    }
  }

  return async (
    arrived: (deliveryIds: string[]) => Promise<ReadonlySet<string>>,
    signal: AbortSignal,
  ): Promise<{ asked: string[]; givenUp: string[] }> => {
    await readLog(signal);
    for (const guid of await arrived([...failed.keys()])) failed.delete(guid);
    for (const [guid, { at }] of failed) if (at < Date.now() - keptMs) failed.delete(guid);
    const asked: string[] = [];
    const givenUp: string[] = [];
    const open = [...failed].filter(([, { askedAfter, newest }]) => askedAfter !== newest);
    for (const [guid, each] of open.sort(([, a], [, b]) => a.at - b.at)) {
      if (asked.length >= mostARound) break;
      if (each.ids.size > mostTries) givenUp.push(guid);
      else {
        const route = 'POST /app/hook/deliveries/{delivery_id}/attempts';
        const isTaken = await unlessGone(client.ask(route, { delivery_id: each.newest }, signal));
        (isTaken === null ? givenUp : asked).push(guid);
      }
      each.askedAfter = each.newest;
    }
    return { asked, givenUp };
  };
}

/** null: there is no such thing (any more). */
async function unlessGone<T>(asking: Promise<T>): Promise<T | null> {
  return asking.catch((error: unknown) => {
    if (error instanceof VendorError && ['not_found', 'invalid'].includes(error.code)) return null;
    throw error;
  });
}

function isFailure({ status, status_code: code }: Attempt): boolean {
  return status !== 'pending' && (code < 200 || code > 299);
}
