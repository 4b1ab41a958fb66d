import type { AlertSource } from '../alerts/alert-source.ts';
import type { AlertedError, AlertRule } from '../core/alert.ts';
import { captureOfError, writeDayIsFull } from '../core/alert-text.ts';
import type { Capture, CaptureResult } from '../core/capture.ts';
import { fingerprintOf } from '../core/error-fingerprint.ts';
import type { Person, TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { deterministicId } from '../lib/ids.ts';
import {
  alertLeaseSeconds,
  capRest,
  claimAlerts,
  claimDayTold,
  claimNamed,
  countCapped,
  dropBatch,
  hasPlace,
  isBeingFiled,
  noteAlertChange,
  noteDayTold,
  type StoredAlert,
  settleLook,
  takeBatch,
  takePlace,
  ticketOfBatch,
} from '../store/alerts.ts';
import { batchOf, type CaptureDeps, makeTicket } from './captures.ts';
import { followAlert } from './follow-alert.ts';
import { writeOnTicket } from './write-on-ticket.ts';

export interface AlertDeps extends CaptureDeps {
  /** By kind. */
  alerts: ReadonlyMap<string, AlertSource>;
}

/** An alert that is being looked at, and all that is known of where it comes from. */
export interface Looking {
  alert: StoredAlert;
  source: AlertSource;
  rule: AlertRule;
  by: Person;
  signal: AbortSignal;
}

const looksAtOnce = 4;
/** A chore goes on for so many rounds, then others have their turn. */
const mostRounds = 25;
/** What is asked of vendors must end while the alert is still held. */
const mostMs = (alertLeaseSeconds - 10) * 1_000;
/** After the first look in vain; twice as long after each further one, up to ten minutes. */
const failedMs = { first: 2_000, most: 600_000 };
/** An error with too few events is counted again after the first of these, then twice as long, up to six hours; after a day, when it is told of again. */
const waitingSeconds = { first: 300, most: 21_600, all: 86_400 };
/** A capture on its way is looked at again. */
const soonSeconds = 2;

/**
 * Errors that sources of alerts told of: each becomes a ticket once, the way that what people bring does, where it has events
 * enough and its project has tickets left for the day. What counts is read of the source: a webhook is a hint. No
 * transaction is open while a vendor is asked; whoever falls silent over an alert loses it, and another goes on.
 */
export async function fileAlerts(deps: AlertDeps, signal: AbortSignal): Promise<void> {
  const kinds = [...deps.alerts.keys()];
  for (let round = 0; round < mostRounds && !signal.aborted; round++) {
    const claimed = await claimAlerts(deps.db, kinds, looksAtOnce);
    await Promise.all(claimed.map((alert) => look(deps, alert, signal)));
    if (claimed.length < looksAtOnce) return;
  }
}

async function look(deps: AlertDeps, alert: StoredAlert, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  try {
    const source = deps.alerts.get(alert.source);
    const rule = source?.rules.find(({ project }) => project === alert.project);
    if (!source || !rule) return await leave(deps, alert, 'its project is not configured any more');
    const asking = AbortSignal.any([signal, AbortSignal.timeout(mostMs)]);
    const looking = { alert, source, rule, by: reporterOf(source), signal: asking };
    const againSeconds = alert.hint ? await followAlert(deps, looking) : await bringIn(deps, looking);
    await settleLook(db, alert, { againSeconds });
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error; // its lease ends by itself
    if (signal.aborted) return settleLook(db, alert, { againSeconds: 0, failed: true });
    const isVendors = error instanceof VendorError;
    if (isVendors && (error.code === 'not_found' || error.code === 'invalid')) return leave(deps, alert, error.message);
    const fields = { err: error, source: alert.source, project: alert.project, alert: alert.error, tries: alert.tries };
    if (isVendors || isLate(error)) log.warn(fields, 'an error cannot be looked at now; it is tried again');
    else log.error(fields, 'an alert could not be filed; it is tried again');
    const asked = isVendors ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = Math.max(asked, Math.min(failedMs.most, failedMs.first * 2 ** Math.min(alert.tries - 1, 12)));
    await settleLook(db, alert, { againSeconds: waitMs / 1_000, failed: true });
  }
}

const isLate = (error: unknown) => error instanceof Error && error.name === 'TimeoutError';

/** Whom what is filed of a source is put down to. */
export function reporterOf({ kind, name }: Pick<AlertSource, 'kind' | 'name'>): Person {
  return { id: `alerts/${kind}`, name, isBot: false, isService: true };
}

async function leave({ db, log }: AlertDeps, alert: StoredAlert, reason: string): Promise<void> {
  log.info({ source: alert.source, project: alert.project, alert: alert.error, reason }, 'an error is left alone');
  await noteAlertChange(db, alert.id, { state: alert.hint ? 'filed' : 'left', reason });
  await settleLook(db, alert, { againSeconds: null });
}

/** One that has no ticket yet. When it is to be looked at again, in seconds. */
async function bringIn(deps: AlertDeps, looking: Looking): Promise<number | null> {
  const { db } = deps;
  const { alert, source, rule, signal } = looking;
  const filed = alert.batch === null ? null : await ticketOfBatch(db, alert.batch);
  // What was refused is tried again when it is told of again: what kept it may be mended.
  const isRefused = filed?.state === 'refused' && alert.state === 'left';
  if (filed && !isRefused) return settleFiled(deps, looking);
  if (alert.batch === null && !(await hasPlace(db, alert.source, alert.project, rule.perDay)))
    return fillDay(deps, looking);
  const error = await source.readError(alert, signal);
  const why = whyLeft(error, rule);
  if (why !== null) {
    await noteAlertChange(db, alert.id, { state: 'left', status: error.status, reason: why });
    return null;
  }
  if (error.events < rule.minEvents) {
    await noteAlertChange(db, alert.id, { state: 'waiting', status: error.status });
    const ageSeconds = (Date.now() - alert.createdAt.getTime()) / 1_000;
    if (ageSeconds > waitingSeconds.all) return null;
    return Math.min(waitingSeconds.most, Math.max(waitingSeconds.first, ageSeconds));
  }
  return fileError(deps, looking, error);
}

/** null: it is to be filed. */
function whyLeft({ status, environment }: AlertedError, { environments }: AlertRule): string | null {
  if (status !== 'open') return `it is ${status}`;
  const isElsewhere = environments.length > 0 && !environments.includes(environment ?? '');
  return isElsewhere ? `it is of the environment ${environment ?? 'that nobody knows'}` : null;
}

async function fileError(deps: AlertDeps, looking: Looking, error: AlertedError): Promise<number | null> {
  const { db, failpoint } = deps;
  const { alert, rule, by, signal, source } = looking;
  const capture = captureOfError(error, rule, { id: alert.id, source: source.name });
  const fingerprint = capture.error && fingerprintOf(capture.error);
  const known = { ...knownOf(error), fingerprint, level: rule.level };
  await noteAlertChange(db, alert.id, { ...known, state: 'filing' });
  // The same error elsewhere is to find the ticket of the first, so that it is added there.
  if (fingerprint !== null && (await isBeingFiled(db, alert.id, fingerprint))) return soonSeconds;
  if (!(await takePlace(db, alert, rule.perDay))) return fillDay(deps, looking);
  const batch = batchOf(by, capture);
  if (!(await takeBatch(db, alert, batch))) return soonSeconds; // a person named it meanwhile
  failpoint('alert/noted');
  try {
    await fileAnyhow(deps, capture, by, signal);
  } catch (refusal) {
    if (!(refusal instanceof VendorError) || refusal.retryable) throw refusal;
    deps.log.error({ err: refusal, source: alert.source, alert: alert.error }, 'the ticket of an error was refused');
  }
  failpoint('alert/filed');
  return settleFiled(deps, { ...looking, alert: { ...alert, batch } });
}

function knownOf({
  name,
  url,
  status,
  cameBack,
}: AlertedError): Pick<AlertedError, 'name' | 'url' | 'status' | 'cameBack'> {
  return { name, url, status, cameBack };
}

/** Nobody is there to choose: what has the error of an open ticket is added to that, and anything else is filed. */
export async function fileAnyhow(
  deps: CaptureDeps,
  capture: Capture,
  by: Person,
  signal: AbortSignal,
): Promise<CaptureResult> {
  const result = await makeTicket(deps, capture, by, signal);
  if (result.status !== 'duplicates') return result;
  const same = result.duplicates.find(({ why, isLikely }) => why === 'error' && isLikely);
  const chosen = same ? { addTo: same.identifier, assign: false } : { anyway: true };
  return makeTicket(deps, { ...capture, ...chosen }, by, signal);
}

/** What became of it among the captures. */
async function settleFiled(deps: AlertDeps, looking: Looking): Promise<number | null> {
  const { db, log } = deps;
  const { alert } = looking;
  const filed = alert.batch === null ? null : await ticketOfBatch(db, alert.batch);
  if (filed?.state === 'refused') {
    await noteAlertChange(db, alert.id, { state: 'left', reason: filed.reason });
    return null;
  }
  if (!filed?.hint || filed.state === 'filing') return soonSeconds;
  await noteAlertChange(db, alert.id, { state: 'filed', hint: filed.hint, reason: null });
  const { source, project, error } = alert;
  log.info(
    { source, project, alert: error, ticket: filed.hint.identifier, added: filed.isAdded },
    'an error has a ticket',
  );
  await tellDay(deps, looking);
  return firstFollowSeconds;
}

const firstFollowSeconds = 300;

/** The tickets of the project are used up for today: what else came is left alone, and people are told. */
async function fillDay(deps: AlertDeps, looking: Looking): Promise<null> {
  await capRest(deps.db, looking.alert);
  await tellDay(deps, looking);
  return null;
}

/** Once a day and project, on the newest of its tickets: as soon as there is one on which it can be told. */
async function tellDay({ db, log, ...deps }: AlertDeps, { alert, source, rule, signal }: Looking): Promise<void> {
  const { project } = alert;
  const day = await claimDayTold(db, alert.source, project);
  if (!day || (day.on === null && rule.perDay > 0)) return;
  const left = await countCapped(db, alert.source, project);
  if (left === 0) return;
  const body = writeDayIsFull(source.name, rule, left);
  if (day.on) {
    const id = deterministicId('alert/day', alert.source, project, day.day);
    try {
      await writeOnTicket({ ...deps, db, log }, day.on, { id, body }, signal);
    } catch (err) {
      signal.throwIfAborted();
      if (!(err instanceof VendorError)) throw err;
      return log.warn(
        { err, ticket: day.on.identifier },
        'that the tickets of a day are used up could not be told yet',
      );
    }
  }
  await noteDayTold(db, alert.source, project, day);
  log.warn({ source: alert.source, project, perDay: rule.perDay, left }, body);
}

/**
 * One that a person names by its address (`from`): filed now, whatever it has of events and its day of tickets; what it has already is
 * told. Throws `VendorError`: `invalid` where no source knows the address, or as `AlertSource.findError` and `makeTicket`.
 */
export async function fileNamed(
  deps: AlertDeps,
  given: Capture,
  by: Person,
  signal: AbortSignal,
): Promise<CaptureResult> {
  const { db } = deps;
  for (const source of deps.alerts.values()) {
    const error = await source.findError(given.from ?? '', signal);
    const rule = error && source.rules.find(({ project }) => project === error.project);
    if (!error || !rule) continue;
    const alert = await claimNamed(db, source.kind, { project: error.project, error: error.error });
    const { hint, state } = alert;
    const earlier = alert.batch === null ? null : await ticketOfBatch(db, alert.batch);
    if (hint || alert.isAtIt || (earlier && earlier.state !== 'refused')) {
      await settleLook(db, alert, { againSeconds: soonSeconds });
      return hint ? hasTicket(hint) : { ...isFiled };
    }
    // Its id is the alert's: whoever brings it again brings the same.
    const capture = withWords(captureOfError(error, rule, { id: alert.id, source: source.name }), given);
    const batch = batchOf(by, capture);
    const fingerprint = capture.error && fingerprintOf(capture.error);
    const known = { ...knownOf(error), fingerprint, level: rule.level };
    let againSeconds = state === 'left' || state === 'capped' ? null : soonSeconds;
    if (!capture.dryRun) {
      if (!(await takeBatch(db, alert, batch))) return { ...isFiled };
      await noteAlertChange(db, alert.id, { ...known, state: 'filing' });
    }
    try {
      return await makeTicket(deps, capture, by, signal);
    } finally {
      if ((await ticketOfBatch(db, batch)) === null) await dropBatch(db, alert, batch);
      else againSeconds = await settleFiled(deps, { alert: { ...alert, batch }, source, rule, by, signal });
      await settleLook(db, alert, { againSeconds });
    }
  }
  const known = [...deps.alerts.values()].map(({ name }) => name).join(', ') || 'none is configured';
  throw new VendorError(
    `That is no address of an error that I can read (of: ${known}). Copy the address of the error's page, and name its project in shipmate.yaml.`,
    { code: 'invalid', retryable: false },
  );
}

/** What the person says counts before what is configured and what the error says. */
function withWords(ofError: Capture, given: Capture): Capture {
  const {
    title,
    notes,
    kind,
    labels,
    priority,
    team,
    project,
    repository,
    related,
    assign,
    addTo,
    anyway,
    dryRun,
    client,
  } = given;
  return {
    ...ofError,
    ...{ related, addTo, anyway, dryRun, client, priority },
    title: title.trim() === given.from?.trim() ? ofError.title : title,
    notes: [notes.trim(), ofError.notes].filter((part) => part !== '').join('\n\n'),
    kind: kind ?? ofError.kind,
    labels: [...new Set([...labels, ...ofError.labels])],
    team: team ?? ofError.team,
    project: project ?? ofError.project,
    repository: repository ?? ofError.repository,
    assign: addTo === null ? (assign ?? ofError.assign) : assign,
  };
}

const isFiled = { status: 'kept', drafts: [], notes: ['It is being filed already.'] } satisfies CaptureResult;

function hasTicket({ identifier, title, url }: TicketHint): CaptureResult {
  const notes = [`The error has a ticket already, ${identifier}: no other was filed.`];
  return { status: 'filed', tickets: [{ identifier, title, url, isAssigned: false }], duplicates: [], notes };
}
