import type { Operation } from '../core/effect.ts';
import { escalationOf, ofQuestion, waysOn, writeEscalation, writeQuestion } from '../core/escalation.ts';
import type { Escalation, Outcome, StopReason } from '../core/outcome.ts';
import { branchName } from '../core/pull-request-text.ts';
import { decideTier } from '../core/tiers.ts';
import { deterministicId } from '../lib/ids.ts';
import { hideSecrets } from '../publishing/hide-secrets.ts';
import { readPlan } from '../store/activities.ts';
import { wantsCauseOnly } from '../store/alerts.ts';
import type { NewEffect } from '../store/effects.ts';
import { publishedTree, snapshotBranchOf } from '../store/published.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { findSession, type SessionRow } from '../store/sessions.ts';
import { latestSnapshot, type SnapshotRow } from '../store/snapshots.ts';
import { editedPaths, lastCommands } from '../store/steps.ts';
import { inspect } from './finish.ts';
import { writeStanding } from './footer.ts';
import type { RunDeps } from './run.ts';

export type EscalateDeps = Pick<RunDeps, 'db' | 'workspaces' | 'repositories' | 'policy' | 'knownSecrets' | 'log'>;

export interface Escalated {
  outcome: Outcome;
  /** Pushes the snapshot that the outcome names. */
  effects: NewEffect[];
}

const shownCommands = 5;
const lookWithinMs = 20_000;

/** The agent had no say in the end of the run, so it said nothing of where things stand. */
const cutShort: StopReason[] = ['budgetExceeded', 'loopDetected'];

/**
 * What people need to act on the end of a run, beside what is known of it already: what it was about, what was done and run
 * last, and where the work is. A question only gets it where there is unfinished work.
 */
export async function escalate(deps: EscalateDeps, run: ClaimedRun, reached: Outcome): Promise<Escalated> {
  const { db } = deps;
  const known = escalationOf(reached);
  const given = known ?? ofQuestion(reached);
  const session = given && run.purpose === 'work' ? await findSession(db, run.sessionId) : null;
  if (!given || !session) return { outcome: reached, effects: [] };
  const { snapshot, effects } = given.snapshot ? { ...given, effects: [] } : await offerSnapshot(deps, run, session);
  if (!known && snapshot === null) return { outcome: reached, effects: [] };
  const commands = await lastCommands(db, run.id, shownCommands);
  const last = commands.at(-1);
  // What cannot be searched is not shown; a run must come to its end in any case.
  const hide = (text: string) =>
    hideSecrets(text, deps.knownSecrets).catch(() => '[could not be searched for secrets]');
  const ran = commands.map(({ command, ended }) => `${asCode(command)}: ${ended}`);
  const tried = given.tried.length > 0 ? given.tried : await triedBy(deps, run, commands.length);
  const log = given.log ?? (last?.failed ? last.output : null);
  const isCutShort = cutShort.includes(reached.stopReason) && given.standing === '';
  const escalation: Escalation = {
    asked: await hide(given.asked === '' ? session.hint.title : given.asked),
    blocks: await hide(given.blocks),
    tried: await Promise.all(tried.map(hide)),
    standing: isCutShort ? await writeStanding(db, session.id) : given.standing,
    evidence: await Promise.all((given.evidence.length > 0 ? given.evidence : ran).map(hide)),
    log: log === null ? null : await hide(log),
    snapshot,
    options: given.options.length > 0 ? given.options : waysOn(reached.stopReason),
  };
  const message = known ? writeEscalation(escalation) : writeQuestion(escalation, session.hint.identifier);
  return { outcome: { ...reached, message, escalation }, effects };
}

/** What was done so far, where nobody says what was tried: steps of the plan, else files, else that something was run. */
async function triedBy({ db }: EscalateDeps, run: ClaimedRun, commands: number): Promise<string[]> {
  const plan = await readPlan(db, run.sessionId);
  const done = plan.filter(({ status }) => status === 'completed').map(({ content }) => content);
  if (done.length > 0) return done;
  const paths = await editedPaths(db, run.id);
  if (paths.length > 0) return [`Changed ${paths.map(asCode).join(', ')}`];
  return commands > 0 ? ['Ran what is listed as evidence'] : [];
}

/**
 * A branch of its own for work that people are to look at: unproved, so never the pull request's, but through the same
 * gate. That it cannot be had holds nothing up.
 */
async function offerSnapshot(
  deps: EscalateDeps,
  run: ClaimedRun,
  session: SessionRow,
): Promise<{ snapshot: Escalation['snapshot']; effects: NewEffect[] }> {
  const { db, workspaces } = deps;
  const snapshot = await latestSnapshot(db, session.id);
  const repository = deps.repositories.get(session.repository ?? '');
  if (!snapshot || !repository) return { snapshot: null, effects: [] };
  const keep = (because: string) => ({ snapshot: { ticket: session.hint.identifier, because }, effects: [] });
  try {
    const base = await workspaces.resolve(repository, snapshot.base, AbortSignal.timeout(lookWithinMs));
    const published = (await publishedTree(db, session.id)) ?? base?.tree;
    if (snapshot.tree === published) return { snapshot: null, effects: [] };
    if (!deps.policy.escalation.pushSnapshot) return keep('policy.escalation.pushSnapshot is off');
    if (await wantsCauseOnly(db, session.id)) return keep('only a cause was asked for');
    const earlier = await snapshotBranchOf(db, session.id, snapshot.tree);
    if (earlier !== null) return { snapshot: { branch: earlier }, effects: [] };
    const store = await workspaces.receive(session.id, repository, snapshot, AbortSignal.timeout(lookWithinMs));
    const changes = await workspaces.changes(store, snapshot.base, snapshot.tree);
    const { verdict } = await inspect(deps, store, snapshot.base, snapshot.tree, changes, []);
    const tier = decideTier(repository, { from: 'change', kinds: [], paths: changes.map(({ path }) => path) });
    if (verdict === 'hold' || tier.tier === 'never') return keep('something in it may not be published');
    const operation = pushOf(run, session, repository.name, snapshot);
    const effect = { sessionId: session.id, runId: run.id, stepId: null, key: `${keyOf(run)}/push`, operation };
    return { snapshot: { branch: operation.branch }, effects: [effect] };
  } catch (error) {
    deps.log.warn({ err: error }, 'the work so far could not be looked at, so it is not pushed for people to see');
    return keep('it could not be looked at');
  }
}

function keyOf(run: ClaimedRun): string {
  return `${run.sessionId}/run/${run.number}/snapshot`;
}

/** Each run has a branch of its own, so that nothing is ever overwritten. */
function pushOf(
  run: ClaimedRun,
  session: SessionRow,
  repository: string,
  snapshot: SnapshotRow,
): Extract<Operation, { kind: 'pushBranch' }> {
  const { hint, headCommit } = session;
  const branch = (session.adopted ? null : session.branch) ?? branchName(hint.identifier, hint.title);
  return {
    kind: 'pushBranch',
    for: 'snapshot',
    id: deterministicId(keyOf(run), 'push'),
    repository,
    branch: `${branch}-snapshot${run.number === 1 ? '' : `-${run.number}`}`,
    expected: null,
    snapshotId: snapshot.id,
    tree: snapshot.tree,
    parent: headCommit ?? snapshot.base,
    message: `Unfinished work, for people to look at\n\nTicket: ${hint.identifier.replace(/\s+/g, ' ')}\n`,
    date: new Date().toISOString(),
  };
}

function asCode(command: string): string {
  const line = command.replace(/[\s`]+/g, ' ').trim();
  return `\`${line.length > 160 ? `${line.slice(0, 160).toWellFormed()} …` : line}\``;
}
