import { unmetLine, writeCriteria } from '../core/criteria.ts';
import { isDecision, writeAnswer } from '../core/decisions.ts';
import type { Operation } from '../core/effect.ts';
import { opened } from '../core/following-text.ts';
import { cleanMarkdown, cleanText } from '../core/outgoing-text.ts';
import { templatePath } from '../core/pull-request-template.ts';
import { branchName, commitMessage, writeClosing, writePullRequest } from '../core/pull-request-text.ts';
import type { Repository } from '../core/repository.ts';
import { linkScreenshots, writeScreenshots } from '../core/screenshots.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { deterministicId } from '../lib/ids.ts';
import { addActivities, type Stage } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { addDecisions, answeredQuestions, listDecisions } from '../store/decisions.ts';
import { addEffects } from '../store/effects.ts';
import { beginFollowing } from '../store/followed-requests.ts';
import { wasSpokenTo } from '../store/prompts.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { findSession, type SessionRow, updateSession } from '../store/sessions.ts';
import { errorsOfTicket } from '../store/ticket-errors.ts';
import { stoodBefore } from '../store/ticket-moves.ts';
import { findStackedOn } from '../store/waits.ts';
import { answerRemarks } from './answer-remarks.ts';
import { baseNow } from './base-branch.ts';
import { endOf, sayClosing, settlePlan } from './closing.ts';
import type { Finished } from './finish.ts';
import { writeActual, writeFooter } from './footer.ts';
import { type Instructions, keepLearned, readInstructions } from './learn.ts';
import type { Prepared } from './prepare.ts';
import type { RunDeps } from './run.ts';
import { prepareShown, type Shown, screenshotBranch, showScreenshots } from './screenshots.ts';

/** What an earlier version left in the journal has none. */
function learnedBy({ report }: Finished): string[] {
  return report?.learned ?? [];
}

/** Adds what was decided in this run, by people who were asked and by the agent, to what was decided before; answers all of it. */
async function keepDecisions(
  tx: Tx,
  { name }: Pick<RunDeps, 'name'>,
  run: ClaimedRun,
  chosen: readonly string[],
): Promise<string[]> {
  const answers = (await answeredQuestions(tx, run.sessionId)).filter((answer) => isDecision(answer, name));
  await addDecisions(tx, { sessionId: run.sessionId, runId: run.id }, [
    ...answers.map((answer) => ({ key: answer.key, text: writeAnswer(answer) })),
    ...chosen.map((text) => ({ key: text.trim(), text: cleanText(text, 1000) })).filter(({ text }) => text !== ''),
  ]);
  return listDecisions(tx, run.sessionId);
}

/** What a change is published into, as it is then. */
export interface Surroundings {
  /** The branch that it is for: what it is built on may have been merged while it was made. */
  baseBranch: string;
  instructions: Instructions | null;
  /** The repository's own for pull requests. */
  template: string | null;
  /** What it stands on and what was pushed last does not have; null: that has it. */
  merges: string | null;
  shown: Shown;
}

type SurroundingsDeps = Pick<RunDeps, 'db' | 'workspaces' | 'log'>;

const lookWithinMs = 20_000;

/** Read before the transaction that publishes. What cannot be asked now is as it was, or left out. */
export async function readSurroundings(
  deps: SurroundingsDeps,
  prepared: Prepared,
  finished: Finished,
): Promise<Surroundings> {
  const learns = learnedBy(finished).length > 0;
  return {
    baseBranch: await publishedBase(deps, prepared),
    instructions: learns ? await readInstructions(deps, prepared) : null,
    template: finished.type === 'change' ? await readTemplate(deps, prepared.repository, finished.base) : null,
    merges: finished.type === 'change' ? await newOf(deps, prepared, finished.base) : null,
    shown: await prepareShown(deps, prepared, finished),
  };
}

async function publishedBase(deps: SurroundingsDeps, { repository, host, baseBranch }: Prepared): Promise<string> {
  return baseNow(deps, { repository, host }, baseBranch, AbortSignal.timeout(lookWithinMs)).catch((error: unknown) => {
    if (isDatabaseUnavailable(error)) throw error;
    deps.log.warn({ err: error, base: baseBranch }, 'whether a change still belongs on its base could not be asked');
    return baseBranch;
  });
}

async function newOf({ db, workspaces }: SurroundingsDeps, prepared: Prepared, base: string): Promise<string | null> {
  const { headCommit } = (await findSession(db, prepared.session.id)) ?? prepared.session;
  if (headCommit === null) return null;
  return (await workspaces.mergeBase(prepared.repository, headCommit, base)) === base ? null : base;
}

async function readTemplate(
  { workspaces, log }: SurroundingsDeps,
  repository: Repository,
  commit: string,
): Promise<string | null> {
  try {
    const files = await workspaces.listFiles(repository, commit);
    const path = templatePath(files.filter(({ mode }) => mode.startsWith('100')).map((file) => file.path));
    return path === null ? null : await workspaces.readFile(repository, commit, path);
  } catch (error) {
    log.warn({ err: error }, "a repository's template for pull requests could not be read");
    return null;
  }
}

/** Push, pull request, ticket, closing words: as effects, each naming what it needs of the one before. */
export async function publish(
  tx: Tx,
  deps: Pick<RunDeps, 'policy' | 'name'>,
  run: ClaimedRun,
  session: SessionRow,
  prepared: Prepared,
  finished: Finished,
  { baseBranch, instructions, template, merges, shown }: Surroundings,
  stage: Stage,
): Promise<void> {
  const { ticket, repository } = prepared;
  const prefix = `${session.id}/run/${run.number}`;
  const cause = { sessionId: session.id, runId: run.id, stepId: null };
  const add = (name: string, operation: Operation, after: string[] = []) =>
    addEffects(tx, [{ ...cause, key: `${prefix}/${name}`, operation, after }]);
  const id = (name: string) => deterministicId(prefix, name);
  await settlePlan(tx, endOf(run), stage, 'completed');
  const decisions = await keepDecisions(tx, deps, run, finished.report?.decisions ?? []);
  await keepLearned(tx, session, repository, learnedBy(finished), instructions, stage);

  if (finished.type === 'answer') {
    const answers = writeCriteria(finished.criteria ?? []);
    await addEffects(tx, showScreenshots(cause, prefix, shown, null));
    const answer = answers === '' ? finished.answer : `${finished.answer}\n\nAcceptance criteria:\n\n${answers}`;
    const body = withActual(answer, await writeActual(tx, session.id));
    await sayClosing(tx, stage, endOf(run), { type: 'response', body });
    await answerRemarks(tx, deps, run, finished, null);
    await takeBackStart(tx, session.id, add, id('back'));
    return;
  }

  const branch = session.branch ?? branchName(ticket.identifier, finished.report.title ?? ticket.title);
  await updateSession(tx, session.id, { branch, baseBranch });
  const { criteria = [] } = finished;
  const isProved = finished.proof.verdict === 'proved' && unmetLine(criteria) === '';
  const draft = deps.policy.publish.pullRequest === 'draft' || !isProved;
  const shownOn = screenshotBranch(session.adopted ? branchName(ticket.identifier, ticket.title) : branch, run);
  const screenshots = linkScreenshots(shown.screenshots, shownOn, shown.place);
  const stackedOn = await findStackedOn(tx, repository.name, baseBranch);
  const errors = await errorsOfTicket(tx, session.id);
  const text = writePullRequest({
    ticket,
    errors,
    stackedOn,
    report: { ...finished.report, decisions },
    proof: finished.proof,
    changes: finished.changes,
    criteria,
    risks: finished.risks,
    screenshots: writeScreenshots(shown.screenshots, shownOn, shown.place),
    baseBranch,
    draft,
    follows: session.follows,
    template,
    cost: await writeFooter(tx, session.id),
  });
  await add('push', {
    kind: 'pushBranch',
    id: id('push'),
    repository: repository.name,
    branch,
    expected: session.headCommit,
    snapshotId: finished.snapshotId,
    tree: finished.tree,
    parent: session.headCommit ?? finished.base,
    ...(merges !== null && { merges }),
    message: commitMessage({ ticket, title: text.title, summary: finished.report.summary, errors }),
    date: finished.date,
  });
  await addEffects(tx, showScreenshots(cause, prefix, shown, { repository: repository.name, branch: shownOn }));
  if (session.adopted) {
    await answerRemarks(tx, deps, run, finished, `${prefix}/push`);
    const body = withActual(
      withScreenshots(writeAdjusted(branch, finished), screenshots),
      await writeActual(tx, session.id),
    );
    return sayClosing(tx, stage, endOf(run), { type: 'response', body }, { from: `${prefix}/push`, field: 'commit' });
  }
  const pullRequestKey = `${prefix}/pull-request`;
  await add(
    'pull-request',
    {
      kind: 'openPullRequest',
      id: id('pull-request'),
      repository: repository.name,
      head: branch,
      base: baseBranch,
      title: text.title,
      body: text.body,
      draft,
      paths: finished.paths ?? [],
    },
    [`${prefix}/push`],
  );
  await answerRemarks(tx, deps, run, finished, `${prefix}/push`);
  await add('attach', {
    kind: 'attachPullRequest',
    id: id('attach'),
    url: { from: pullRequestKey, field: 'url' },
    number: { from: pullRequestKey, field: 'number' },
    title: text.title,
  });
  const isFollowed = prepared.host.following !== null;
  // From where each run moves its ticket first: anywhere else a person has moved it meanwhile. A draft is not to be reviewed.
  if (!draft && !isFollowed)
    await add('review', { kind: 'moveTicket', id: id('review'), to: 'review', from: ['started'] }, [pullRequestKey]);
  const closing = writeClosing({
    url: '{link}',
    proof: finished.proof,
    draft,
    criteria,
    summary: finished.report.summary,
  });
  const body = withActual(withScreenshots(closing, screenshots), await writeActual(tx, session.id));
  const link = { from: pullRequestKey, field: 'url' };
  if (!isFollowed) return sayClosing(tx, stage, endOf(run), { type: 'response', body }, link);
  // The last word is said when its checks are green; see flow/follow-requests.ts.
  const isWanted = await wasSpokenTo(tx, run.id);
  const preview = finished.preview ?? null;
  const number = session.pullRequest?.number ?? null;
  const followed = { repository: repository.name, branch, number, closing: body, draft, preview, isWanted };
  await beginFollowing(tx, session.id, followed);
  await addActivities(tx, stage, endOf(run), [{ type: 'thought', body: opened }], { link });
}

/** A ticket that needed nothing but an answer goes back to where it stood before the agent began, if nobody has moved it since. */
async function takeBackStart(
  tx: Tx,
  sessionId: string,
  add: (name: string, operation: Operation) => Promise<void>,
  id: string,
): Promise<void> {
  const stood = await stoodBefore(tx, sessionId);
  if (!stood) return;
  await add('back', { kind: 'moveTicket', id, to: stood.category, from: ['started'], named: stood.name });
}

/** What was done on a branch of others, in a few words. */
function writeAdjusted(branch: string, { report, proof }: Finished & { type: 'change' }): string {
  const verdict = proof.verdict === 'proved' ? 'proved' : '**not proved**';
  return `Pushed {link} to \`${cleanText(branch, 100)}\` (${verdict}).\n\n${cleanMarkdown(report.summary, 2000)}`;
}

function withScreenshots(text: string, screenshots: string): string {
  return screenshots === '' ? text : `${text}\n\n${screenshots}`;
}

function withActual(text: string, actual: string): string {
  return actual === '' ? text : `${text}\n\n${actual}`;
}
