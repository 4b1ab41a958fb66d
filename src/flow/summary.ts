import { inline } from '../core/markdown.ts';
import { type SummaryContent, writeSummary } from '../core/summary-text.ts';
import type { TicketHint, TrackerKind } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { lastDue } from '../lib/cron.ts';
import { deterministicId } from '../lib/ids.ts';
import { readRecurring } from '../store/automation-runs.ts';
import type { Database } from '../store/database.ts';
import {
  addSummary,
  foundByAutomations,
  lastSummary,
  pausedRecurring,
  type StoredSummary,
  settleSummary,
  skippedAutomations,
  takenByOrders,
  unfiledSummaries,
  waitingForPeople,
} from '../store/summaries.ts';
import { sendOne, type Tracker } from '../trackers/tracker.ts';
import { limitWrites } from './rate-limits.ts';
import type { SortDeps } from './sort.ts';

export interface SummaryPlan {
  /** "08:00"; null: it is never told by itself. */
  at: string | null;
  timezone: string;
  tracker: TrackerKind;
  /** Where it is told; null: each in a ticket of its own. */
  ticket: string | null;
}

export interface SummaryDeps extends Pick<SortDeps, 'db' | 'trackers' | 'log'> {
  summary: SummaryPlan;
  now(): Date;
}

const dayMs = 86_400_000;

/**
 * Once a day, people are told what automations found and standing orders took, and what waits for them. What is told is
 * written down first, one row a day, and filed under its id, so it is filed once whatever is interrupted; of days that were
 * missed the last one's tells all.
 */
export async function fileSummary(deps: SummaryDeps, signal: AbortSignal): Promise<void> {
  const { db, summary } = deps;
  if (summary.at === null) return;
  const now = deps.now();
  const { since: known } = await readRecurring(db, 'summary', now);
  const last = await lastSummary(db);
  const [hours, minutes] = summary.at.split(':').map(Number);
  const dueAt = lastDue(
    `${minutes} ${hours} * * *`,
    summary.timezone,
    last && last.dueAt > known ? last.dueAt : known,
    now,
  );
  if (dueAt) {
    const since = last?.at ?? new Date(dueAt.getTime() - dayMs);
    const body = writeSummary(await readSummary(db, since, dueAt));
    const day = new Intl.DateTimeFormat('en-CA', { timeZone: summary.timezone, dateStyle: 'short' }).format(dueAt);
    const id = deterministicId('summary', dueAt.toISOString());
    await addSummary(db, { id, dueAt, since, title: `What Shipmate did by itself (${day})`, body });
  }
  for (const stored of await unfiledSummaries(db)) await file(deps, stored, signal);
}

/** What there is to tell since the last one was due; a day, where there was none. */
export async function summaryNow({ db, now }: Pick<SummaryDeps, 'db' | 'now'>): Promise<string | null> {
  const until = now();
  return writeSummary(await readSummary(db, (await lastSummary(db))?.at ?? new Date(until.getTime() - dayMs), until));
}

async function readSummary(db: Database, since: Date, until: Date): Promise<SummaryContent> {
  const paused = await pausedRecurring(db, since);
  const prefix = 'automation/';
  return {
    since,
    until,
    automations: await foundByAutomations(db, since),
    skipped: await skippedAutomations(db, since),
    paused: paused.map(({ name, ...rest }) => ({
      name: name.startsWith(prefix) ? name.slice(prefix.length) : name,
      ...rest,
    })),
    orders: await takenByOrders(db, since),
    waiting: await waitingForPeople(db, since),
  };
}

/** Throws when it is to be tried again. */
async function file(deps: SummaryDeps, { id, title, body }: StoredSummary, signal: AbortSignal): Promise<void> {
  const { db, log, summary } = deps;
  try {
    const hint = await tell(deps, { id, title, body: body ?? '' }, signal);
    await settleSummary(db, id, { hint });
    log.info({ ticket: hint.identifier }, 'the summary of the day is filed');
  } catch (error) {
    if (!(error instanceof VendorError) || error.retryable) throw error;
    log.error(
      { err: error, ticket: summary.ticket },
      'the summary of the day could not be filed; `shipmate summary` shows it',
    );
    await settleSummary(db, id, { reason: error.message });
  }
}

async function tell(
  { summary, ...deps }: SummaryDeps,
  { id, title, body }: { id: string; title: string; body: string },
  signal: AbortSignal,
): Promise<TicketHint> {
  const tracker = deps.trackers.get(summary.tracker);
  if (!tracker)
    throw new VendorError(`The tracker "${summary.tracker}" is not configured.`, { code: 'invalid', retryable: false });
  if (summary.ticket === null) return fileAlone(tracker, { id, title, body }, signal);
  const hint = await tracker.readTicket(named(summary.tracker, summary.ticket), signal).catch((error: unknown) => {
    if (error instanceof VendorError && error.code === 'not_found') return null;
    throw error;
  });
  if (!hint) {
    const lost = `There is no ${inline(summary.ticket, 60)}, where this is to be told (\`summary.ticket\`). Correct that in the configuration.`;
    return fileAlone(tracker, { id: deterministicId('summary alone', id), title, body: `${lost}\n\n${body}` }, signal);
  }
  const activity = { type: 'response' as const, body: `**${title}**\n\n${body}` };
  const write = limitWrites(deps, hint);
  await write(() => sendOne(tracker, hint, { kind: 'postActivity', id, conversation: hint.ref, activity }, signal));
  return hint;
}

function fileAlone(
  tracker: Tracker,
  { id, title, body }: { id: string; title: string; body: string },
  signal: AbortSignal,
): Promise<TicketHint> {
  const draft = {
    title,
    description: body,
    priority: 'none' as const,
    labels: [],
    fields: {},
    team: null,
    project: null,
  };
  return tracker.createTicket({ id, draft }, signal);
}

/** A ticket of which nothing is known but what people call it. */
function named(tracker: TrackerKind, identifier: string): TicketHint {
  return {
    tracker,
    id: identifier,
    identifier,
    title: '',
    url: '',
    priority: 'none',
    team: null,
    project: null,
    ref: null,
  };
}
