import type { AlertedError } from '../core/alert.ts';
import { writeQuiet, writeReturn, writeSettled } from '../core/alert-text.ts';
import type { TicketHint } from '../core/ticket.ts';
import { orAborted } from '../lib/abort.ts';
import { deterministicId } from '../lib/ids.ts';
import { mergedFor, noteAlertChange } from '../store/alerts.ts';
import { nextMoment } from '../store/prompts.ts';
import { findSession, lockSession, sessionIdOf } from '../store/sessions.ts';
import { sendOne } from '../trackers/tracker.ts';
import type { AlertDeps, Looking } from './file-alerts.ts';
import { trackerOf } from './find-ticket.ts';
import { openTaken } from './open-taken.ts';
import { limitWrites } from './rate-limits.ts';
import { readIfThere } from './read-if-there.ts';
import { applyNow } from './sort.ts';
import { takeInSaid } from './take-in-said.ts';
import { takeTicket } from './take-ticket.ts';
import { writeOnTicket } from './write-on-ticket.ts';

/** An error that was not seen for so long after the release with its fix is over. */
export const quietDays = 3;
const dayMs = 86_400_000;
/** Where a webhook was missed, this is how it is found: after these at first, then the longer the older it is. */
const lookSeconds = { least: 300, most: 21_600, untilDays: 60 };

/**
 * An error that has its ticket. Says there, once each: that it came back, for which the ticket is opened again, unless it was
 * canceled, and the agent is given it by its level; that people settled it at its source; and, after a release with its fix, whether it came back.
 * When it is to be looked at again, in seconds.
 */
export async function followAlert(deps: AlertDeps, looking: Looking): Promise<number | null> {
  const { alert, source, signal } = looking;
  const hint = alert.hint as TicketHint;
  const error = await source.readError(alert, signal);
  const { status, cameBack } = error;
  const fix = await findFix(deps, looking, hint);
  const isBack =
    status === 'open' &&
    (alert.status === 'resolved' ||
      (cameBack && !alert.cameBack) ||
      (fix !== null && fix.answer === null && isSeenIn(error, fix)));
  if (isBack) {
    await bringBack(deps, looking, error, fix);
    return lookSeconds.least;
  }
  if (status !== 'open' && alert.status === 'open') {
    const id = deterministicId('alert/settled', alert.id, alert.returns, status);
    await writeOnTicket(deps, hint, { id, body: writeSettled(error, source.name) }, signal);
  }
  if (status !== alert.status || (cameBack !== alert.cameBack && status !== 'open'))
    await noteAlertChange(deps.db, alert.id, { status, cameBack: status === 'open' && alert.cameBack });
  if (
    fix &&
    fix.answer === null &&
    !isSeenIn(error, fix) &&
    Date.now() - fix.releasedAt.getTime() > quietDays * dayMs
  ) {
    const { release, request } = fix;
    const isElsewhere = error.lastSeen !== null && Date.parse(error.lastSeen) >= fix.releasedAt.getTime();
    const about = { source: source.name, release, request, days: quietDays, isElsewhere };
    const id = deterministicId('alert/quiet', alert.id, request ?? 0);
    await writeOnTicket(deps, hint, { id, body: writeQuiet(error, about) }, signal);
    await noteAlertChange(deps.db, alert.id, { answer: 'quiet' });
  }
  const ageMs = Date.now() - alert.createdAt.getTime();
  if (ageMs > lookSeconds.untilDays * dayMs && (fix === null || fix.answer !== null)) return null;
  return Math.min(lookSeconds.most, Math.max(lookSeconds.least, ageMs / 20_000));
}

interface Fix {
  release: string;
  releasedAt: Date;
  request: number | null;
  answer: string | null;
}

/** The release with what was merged for its ticket; null: there is none yet. */
async function findFix(
  { db, failpoint }: AlertDeps,
  { alert, source, signal }: Looking,
  hint: TicketHint,
): Promise<Fix | null> {
  let { fixedAt, request, release, releasedAt } = alert;
  const { answer } = alert;
  if (release !== null && releasedAt !== null) return { release, releasedAt, request, answer };
  const merged = await mergedFor(db, sessionIdOf(hint));
  if (!merged || (fixedAt === null && merged.request === request)) return null;
  if (fixedAt === null) {
    fixedAt = new Date();
    request = merged.request;
    await noteAlertChange(db, alert.id, { fixedAt, request });
  }
  const fix = { mergedAt: fixedAt.toISOString(), commits: merged.commits, request: merged.request };
  const found = await source.findRelease(alert, fix, signal);
  if (!found) return null;
  release = found.version;
  releasedAt = new Date(found.at);
  await noteAlertChange(db, alert.id, { release, releasedAt });
  failpoint('alert/released');
  return { release, releasedAt, request, answer };
}

/** Of a client that still runs an older release nothing is said. */
function isSeenIn({ lastRelease, lastSeen }: AlertedError, { release, releasedAt }: Fix): boolean {
  if (lastSeen === null || Date.parse(lastSeen) < releasedAt.getTime()) return false;
  if (lastRelease === null) return true;
  return (
    lastRelease.version === release || (lastRelease.at !== null && Date.parse(lastRelease.at) > releasedAt.getTime())
  );
}

/** Once for each time: whatever is interrupted is done again under the same ids. */
async function bringBack(deps: AlertDeps, looking: Looking, error: AlertedError, fix: Fix | null): Promise<void> {
  const { alert, source, rule, signal } = looking;
  const hint = alert.hint as TicketHint;
  const nth = alert.returns + 1;
  const key = `${alert.id}/${nth}`;
  const isSince = fix !== null && isSeenIn(error, fix);
  const about = { source: source.name, release: isSince ? fix.release : null, request: fix?.request ?? null };
  const body = writeReturn(error, about);
  const tracker = trackerOf(deps.trackers, hint.tracker);
  const ticket = await readIfThere(tracker, hint, signal);
  if (ticket) {
    const { category } = ticket.state;
    if (category === 'done') {
      const id = deterministicId('alert/reopen', key);
      const operation = { kind: 'moveTicket' as const, id, to: 'unstarted' as const, from: ['done' as const] };
      const write = limitWrites(deps, hint);
      await orAborted(
        write(() => sendOne(tracker, hint, operation, signal)),
        signal,
      );
    }
    deps.failpoint('alert/reopened');
    // Whoever canceled it did not want it done: that is theirs to take back.
    const stays = category === 'canceled' ? '\n\nThe ticket was canceled, so it stays closed.' : '';
    if (rule.level === 'ticket' || stays !== '')
      await writeOnTicket(deps, hint, { id: deterministicId('alert/back', key), body: `${body}${stays}` }, signal);
    else await giveBack(deps, looking, { hint, key, body });
    deps.failpoint('alert/told');
  }
  deps.log.info(
    { source: alert.source, project: alert.project, alert: alert.error, ticket: hint.identifier },
    'an error came back',
  );
  const forgotten = { fixedAt: null, release: null, releasedAt: null, answer: null };
  await noteAlertChange(deps.db, alert.id, {
    ...{ status: error.status, cameBack: error.cameBack, level: rule.level, returns: nth },
    // Of the next fix it is told again; the pull request of this one is remembered as done with.
    ...(fix && forgotten),
  });
}

/** The agent is given it again, with what happened as words to it where it knows the ticket. */
async function giveBack(
  deps: AlertDeps,
  { by, signal }: Looking,
  { hint, key, body }: { hint: TicketHint; key: string; body: string },
): Promise<void> {
  const session = await findSession(deps.db, sessionIdOf(hint));
  const taken = await takeTicket(deps, hint, deterministicId('alert/take', key), signal);
  if (!session) await writeOnTicket(deps, hint, { id: deterministicId('alert/back', key), body }, signal);
  if ('at' in taken) await openTaken(deps, hint, taken.at, { by, isOurs: async () => true, settle: async () => {} });
  const known = session ?? (await findSession(deps.db, sessionIdOf(hint)));
  if (!known) return;
  // What our own account does is no news to a session; that its ticket is open again is.
  await applyNow(deps, async (tx) => {
    await lockSession(tx, known.id);
    return [{ type: 'ticketChanged', at: await nextMoment(tx, known.id), ticket: hint, category: 'unstarted', by }];
  });
  if (session) await takeInSaid(deps, session.id, { key: `alert/${key}`, by, body, signal: null, shown: body }, signal);
}
