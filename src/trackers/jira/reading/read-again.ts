import type { TrackerEvent } from '../../../core/delivery.ts';
import type { Desks } from '../desks.ts';
import { JiraError } from '../errors.ts';
import type { Site } from '../sites.ts';
import { isSpoken, readCommentNode, readEvents, type SaidComment, touchedIn } from './delivery.ts';
import { isAsked } from './is-asked.ts';

/** Jira tells of one comment twice, within moments: it is asked for once. */
const knownForMs = 10_000;
/** What is not there so soon after it was told may yet come. */
const comesWithinMs = 5_000;

/**
 * What deliveries mean by what stands in Jira now, in one request where they tell of what a person wrote: whom a comment is
 * from, what it says and so whether it calls the agent, or whether a description does. What is gone, or is for some people only, means
 * nothing. Throws `VendorError`.
 */
export function createReadAgain(desks: Desks): (bytes: Uint8Array, signal: AbortSignal) => Promise<TrackerEvent[]> {
  const known = new Map<string, { at: number; comment: Promise<SaidComment | null> }>();

  function readComment(site: Site, issueId: string, id: string, signal: AbortSignal): Promise<SaidComment | null> {
    for (const [key, { at }] of known) if (desks.now() - at > knownForMs) known.delete(key);
    const key = `${site.host}/${issueId}/${id}`;
    const comment = known.get(key)?.comment ?? askFor(site, issueId, id, signal);
    if (!known.has(key)) {
      known.set(key, { at: desks.now(), comment });
      const forget = () => known.delete(key);
      comment.then((found) => found ?? forget(), forget);
    }
    return comment;
  }

  return async (bytes, signal) => {
    if (desks.sites.known().length === 0) await desks.sites.all(signal);
    const touched = touchedIn(desks, bytes);
    if (!touched) return [];
    const { site, issueId, at } = touched;
    await site.own(signal);
    const told = readEvents(desks, bytes);
    const spoken = told.find(isSpoken);
    if (spoken) {
      const comment = await readComment(site, issueId, spoken.said.key, signal);
      if (comment) return readEvents(desks, bytes, comment);
      if (Math.abs(desks.now() - at) < comesWithinMs) throw notYet(site);
      return [];
    }
    const kept = await Promise.all(
      told.map((event) => event.type !== 'sessionCreated' || isTrue(desks, event, signal)),
    );
    return told.filter((_, index) => kept[index]);
  };
}

/** null: there is none, or not for us. */
async function askFor(site: Site, issueId: string, id: string, signal: AbortSignal): Promise<SaidComment | null> {
  const asked = { issueIdOrKey: issueId, id };
  try {
    return readCommentNode(await site.client.on(signal).issueComments.getComment(asked));
  } catch (error) {
    if (isNotForUs(error)) return null;
    throw error;
  }
}

/** Whether an issue is the agent's, as somebody's event says. */
async function isTrue(
  desks: Desks,
  { ticket, by }: TrackerEvent & { type: 'sessionCreated' },
  signal: AbortSignal,
): Promise<boolean> {
  if (by.isBot) return true; // it gives no work
  try {
    return await isAsked(desks, ticket, signal);
  } catch (error) {
    if (isNotForUs(error)) return false;
    throw error;
  }
}

function isNotForUs(error: unknown): boolean {
  return error instanceof JiraError && (error.code === 'not_found' || error.status === 403);
}

function notYet({ host }: Site): JiraError {
  return new JiraError(`Jira (${host}) does not show yet what it has just told of.`, {
    ...{ code: 'unavailable', retryable: true, status: 404 },
  });
}
