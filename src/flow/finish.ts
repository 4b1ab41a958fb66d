import { causeOnly } from '../core/alert-text.ts';
import { type CheckedCriterion, checkCriteria, refuseAnswers } from '../core/criteria.ts';
import { inEscalation, plea } from '../core/escalation.ts';
import type { Evidence, Proof } from '../core/evidence.ts';
import type { Outcome } from '../core/outcome.ts';
import type { PreviewPlan } from '../core/previews.ts';
import { writeHold } from '../core/pull-request-text.ts';
import { refuseThreads } from '../core/review.ts';
import { lastRated } from '../core/scope.ts';
import { asEvidence, findScreenshots, type Screenshot } from '../core/screenshots.ts';
import type { Journal, StepScope } from '../core/step.ts';
import { exitCommandsOf, readFacts } from '../core/ticket-facts.ts';
import { kindsOf } from '../core/ticket-kinds.ts';
import { noteChangeProposed, proposeChange, refuseChange, writeRefusedChange } from '../core/tier-text.ts';
import type { ToolResult, ToolRunContext } from '../core/tool.ts';
import type { WorkReport } from '../core/work-report.ts';
import { orAborted } from '../lib/abort.ts';
import { type GateReason, type Inspection, inspectChange } from '../publishing/gate.ts';
import { wantsCauseOnly } from '../store/alerts.ts';
import { readKnownTicket } from '../store/edits.ts';
import { listImages } from '../store/evidence.ts';
import { lastPushedTree, publishedTree } from '../store/published.ts';
import { openRemarks } from '../store/remarks.ts';
import type { ClaimedRun } from '../store/runs.ts';
import type { SnapshotRow } from '../store/snapshots.ts';
import { evidenceOf } from '../verification/commands.ts';
import { runFixers } from '../verification/fixers.ts';
import { type Verification, verify } from '../verification/verify.ts';
import type { Change, SessionStore } from '../workspaces/workspaces.ts';
import type { Approval } from './approval.ts';
import type { Prepared } from './prepare.ts';
import type { RunDeps } from './run.ts';
import { tierOfChange } from './tiers.ts';
import { openTrees } from './trees.ts';
import type { Workbench } from './workbench.ts';

export interface PublishPolicy {
  pullRequest: 'draft' | 'ready';
  protectedPaths: string[];
  limits: { files: number; bytes: number };
}

/** Finished work, as the journal holds it: all that publishing needs, so that a crash after it costs nothing. */
export type Finished =
  | { type: 'answer'; answer: string; report: WorkReport; criteria?: CheckedCriterion[]; screenshots?: Screenshot[] }
  | {
      type: 'change';
      report: WorkReport;
      snapshotId: string;
      base: string;
      tree: string;
      proof: Proof;
      changes: { files: number; added: number; deleted: number };
      /** What it touches; missing where an older version wrote it. */
      paths?: string[];
      risks: string[];
      /** What is to be run against its preview deployment; missing where an older version wrote it. */
      preview?: PreviewPlan | null;
      /** Of the ticket, with what the agent says of each. */
      criteria?: CheckedCriterion[];
      /** What people are shown of it; missing where an older version wrote it. */
      screenshots?: Screenshot[];
      /** ISO 8601: the published commit's date, the same in every retry. */
      date: string;
    };

/** What one hand-in came to. `rejected` is for the model; after the last try people are asked. */
type Judged =
  | { finished: Finished }
  | { rejected: string; doubt?: true }
  /** Nothing is wrong with it, but people are to approve it first. */
  | { proposed: Outcome; because: string };

const maxRejections = 3;
/** A bug without a reproduction is sent back this often; then it is published as what it is, not proved. */
const maxDoubts = 1;

export interface FinishOptions {
  deps: RunDeps;
  run: ClaimedRun;
  journal: Journal;
  prepared: Prepared;
  workbench: Workbench;
  /** The tool has a place for what the agent says of acceptance criteria. */
  asksCriteria: boolean;
  approval: Pick<Approval, 'approved'>;
  signal: AbortSignal;
}

/**
 * The `finish` tool: what the agent hands in is checked by the service. First the gate (may this leave at all?), then
 * verification on a clean checkout of exactly what would be pushed. What fails goes back to the agent, three times at most.
 */
export function createFinish(
  options: FinishOptions,
): (report: WorkReport, context: ToolRunContext) => Promise<ToolResult> {
  const { run, journal, workbench, signal, prepared } = options;
  return async (report, context) => {
    const { facts, tree } = await prepared.pinned();
    // A slip of the pen, and no try.
    const named = report.screenshots ?? [];
    const found = findScreenshots(named, named.length === 0 ? [] : await listImages(options.deps.db, run.sessionId));
    if ('refused' in found) return { text: found.refused, isError: true };
    const workspace = await workbench.workspace;
    let snapshot = await workbench.snapshotNow();
    const { db } = options.deps;
    const published = (await publishedTree(db, run.sessionId)) ?? tree;
    // Of an answer nothing more is asked than that the files are as they were, be their pull request closed since.
    const before = report.answer === null ? published : await lastPushedTree(db, run.sessionId);
    const changed = snapshot.tree !== published && snapshot.tree !== before;
    // Fixers mend a change that is handed in; where there is none, what they would do is not the agent's work.
    const mends = changed && report.answer === null;
    const fixed = mends ? await runFixers(workspace.sandbox, facts.verify.fix, { signal }) : [];
    if (fixed.length > 0) snapshot = await workbench.snapshotNow();
    const notRun = fixed.filter(({ exitCode }) => exitCode === 126 || exitCode === 127);
    const handIn = {
      report,
      screenshots: found.shown,
      snapshot,
      published,
      changed,
      risks: notRun.map(({ command }) => `\`${command}\` (fix:) could not be started`),
    };
    const judged = await journal.step(
      'verify',
      `${context.key}/verdict`,
      { tree: snapshot.tree },
      (scope) => judge(options, handIn, scope),
      { announce: changed ? [{ type: 'action', ...verifying, ephemeral: true }] : [] },
    );
    if ('finished' in judged)
      return { text: 'Accepted.', isError: false, outcome: { stopReason: 'finished', message: report.summary } };
    if ('proposed' in judged) return { text: noteChangeProposed(judged), isError: false, outcome: judged.proposed };
    const rejections = judgements(journal, run.id).filter((each) => 'rejected' in each);
    if (rejections.length < maxRejections) return { text: judged.rejected, isError: true };
    return {
      text: 'Not accepted, for the last time. People are asked now.',
      isError: true,
      outcome: escalate(prepared, report, judged.rejected),
    };
  };
}

/** The newest accepted work of a run; null when none was accepted. */
export function lastFinished(journal: Journal, runId: string): Finished | null {
  const accepted = judgements(journal, runId).filter((judged) => 'finished' in judged);
  return accepted.at(-1)?.finished ?? null;
}

function judgements(journal: Journal, runId: string): Judged[] {
  return journal
    .history()
    .filter((step) => step.runId === runId && step.kind === 'verify' && step.completed)
    .map((step) => step.result as Judged);
}

/** What the agent hands in, as the service sees it. */
interface HandIn {
  report: WorkReport;
  screenshots: Screenshot[];
  snapshot: SnapshotRow;
  /** The tree that is published, or the base's. */
  published: string;
  /** Whether the agent changed anything that is not published yet. */
  changed: boolean;
  risks: string[];
}

async function judge(options: FinishOptions, handIn: HandIn, scope: StepScope): Promise<Judged> {
  const { deps, run, prepared, signal } = options;
  const { report, snapshot, screenshots } = handIn;
  const pinned = await prepared.pinned();
  if (!handIn.changed && report.answer === null) return { rejected: nothingChanged };
  if (handIn.changed && report.answer !== null) return { rejected: answeredAndChanged };
  if (handIn.changed && (await wantsCauseOnly(deps.db, run.sessionId))) return { rejected: causeOnly };
  // As the model knows the ticket: what was edited since it is told before its next turn.
  const known = await readKnownTicket(deps.db, run.sessionId);
  const facts = known ? readFacts(known, deps.fields) : prepared.facts;
  const unanswered = options.asksCriteria ? refuseAnswers(facts.acceptanceCriteria, report.criteria) : null;
  if (unanswered !== null) return { rejected: unanswered };
  const open = (await openRemarks(deps.db, run.sessionId)).map(({ code }) => code);
  const unheeded = prepared.host.following ? refuseThreads(open, report.threads ?? []) : null;
  if (unheeded !== null) return { rejected: unheeded };
  const criteria = checkCriteria(facts.acceptanceCriteria, report.criteria, options.asksCriteria);
  if (report.answer !== null) {
    for (const evidence of await baselineEvidence(options)) scope.evidence(evidence);
    for (const screenshot of screenshots) scope.evidence(asEvidence(screenshot));
    return { finished: { type: 'answer', answer: report.answer, report, criteria, screenshots } };
  }

  const store = await deps.workspaces.receive(run.sessionId, prepared.repository, snapshot, signal);
  const changes = await deps.workspaces.changes(store, pinned.commit, snapshot.tree);
  const inspection = await inspect(deps, store, pinned.commit, snapshot.tree, changes, facts.allowedPaths);
  const hold = (rejected: string, body: string): Judged => {
    const told = judgements(options.journal, run.id).some(
      (judged) => 'rejected' in judged && judged.rejected === rejected,
    );
    if (!told) scope.report({ type: 'thought', body });
    return { rejected };
  };
  if (inspection.verdict === 'hold') return hold(explainHold(inspection.reasons), writeHold(inspection.reasons));
  const size = sizeOf(changes);
  const { tree } = snapshot;
  const tier = await tierOfChange(
    deps,
    prepared.repository,
    { store, changes, size, tree, published: handIn.published },
    { kinds: kindsOf(known ?? prepared.ticket), rating: lastRated(options.journal.history())?.confidence },
  );
  if (tier.tier === 'never') return hold(refuseChange(tier), writeRefusedChange(tier));
  const { proof, files } = await prove(options, snapshot, store, changes, exitCommandsOf(facts));
  const contents = new Map(files.map((file) => [file.evidence.path, file.content]));
  for (const evidence of proof.evidence)
    scope.evidence(evidence, evidence.type === 'file' ? contents.get(evidence.path) : undefined);
  scope.report({ type: 'action', ...verifying, result: summarize(proof) });
  if (proof.verdict === 'regressed') return { rejected: explainProof(proof) };
  const doubts = judgements(options.journal, run.id).filter((judged) => 'doubt' in judged).length;
  if (proof.verdict === 'unproved' && prepared.isBug && !proof.reproduced && couldRun(proof) && doubts < maxDoubts)
    return { rejected: explainProof(proof), doubt: true };
  if (tier.tier === 'plan-and-review' && !options.approval.approved()) {
    const { because, paths } = tier;
    return { proposed: proposeChange(tier, { report, paths, proof: summarize(proof) }), because };
  }
  for (const screenshot of screenshots) scope.evidence(asEvidence(screenshot));
  return {
    finished: {
      type: 'change',
      report,
      snapshotId: snapshot.id,
      base: pinned.commit,
      tree,
      proof,
      changes: size,
      criteria,
      screenshots,
      preview: pinned.facts.preview,
      paths: changes.slice(0, 1_000).map(({ path }) => path),
      risks: [
        ...(facts.risk === null ? [] : [`The ticket says: ${facts.risk}`]),
        ...inspection.notes.map(({ path, message }) => `${path}: ${message}`),
        ...handIn.risks,
      ],
      date: new Date().toISOString(),
    },
  };
}

/** What the gate says of a change: the one gate, for whatever leaves. */
export function inspect(
  deps: Pick<RunDeps, 'workspaces' | 'policy' | 'knownSecrets'>,
  store: SessionStore,
  base: string,
  tree: string,
  changes: Change[],
  allowedPaths: readonly string[],
): Promise<Inspection> {
  const { workspaces, policy, knownSecrets } = deps;
  return workspaces.diff(store, base, tree, { maxBytes: 32_000_000 }).then((patch) =>
    inspectChange({
      changes,
      async readNew(path) {
        const sha = changes.find((change) => change.path === path)?.newSha;
        return sha === undefined ? null : workspaces.readBlob(store, sha, 64_000_000);
      },
      patch: patch.text,
      policy: { ...policy.publish, allowedPaths },
      knownSecrets,
    }),
  );
}

/** The quick commands first, and the rest only when those hold; one run where the two are the same. */
async function prove(
  options: FinishOptions,
  snapshot: SnapshotRow,
  store: SessionStore,
  changes: Change[],
  exitCommands: readonly string[],
): Promise<Verification> {
  const { deps, prepared, workbench, signal } = options;
  const { commit: base, facts } = await prepared.pinned();
  const { workspaces } = deps;
  const change = { snapshot, store, changes };
  const given = {
    trees: openTrees({ workspaces, repository: prepared.repository, base, setup: facts.setup, change }),
    commands: facts.verify,
    baseline: await workbench.baseline,
    ticket: { isBug: prepared.isBug },
    signal,
  };
  const { fast, full } = facts.verify;
  const differ = fast.length > 0 && full.length > 0 && fast.join('\n') !== full.join('\n');
  if (differ) {
    const quick = await verify({ ...given, stage: 'fast' });
    if (quick.proof.verdict === 'regressed') return quick;
  }
  return verify({ ...given, stage: 'full', exitCommands });
}

function sizeOf(changes: Change[]): { files: number; added: number; deleted: number } {
  const sum = (of: (change: Change) => number | null) =>
    changes.reduce((total, change) => total + (of(change) ?? 0), 0);
  return { files: changes.length, added: sum((change) => change.added), deleted: sum((change) => change.deleted) };
}

const verifying = { action: 'Verifying', parameter: 'on a clean checkout' };

/** One line for people: the verdict, the tests, and whether a bug was seen before it was mended. */
function summarize({ verdict, testsBefore, testsAfter, reproduced, findings }: Proof): string {
  const tests = testsAfter ? `${testsBefore?.passed ?? 0} tests passed before, ${testsAfter.passed} now` : null;
  const red = testsAfter && testsAfter.failed > 0 ? `${testsAfter.failed} red` : null;
  const seen = reproduced ? 'the new test is red without the change' : null;
  const why = verdict === 'proved' ? null : (findings[0] ?? null);
  return [verdict, tests, red, seen, why].filter((part) => part !== null).join('; ');
}

const nothingChanged =
  'Nothing was changed. If the ticket needs no change, call finish again with an `answer` that says so and why; else make the change first.';

const answeredAndChanged =
  'An `answer` is for a ticket that needs no change, but files were changed. Undo the change, or call finish without `answer`.';

/** Whether anything on the change could be started at all. */
function couldRun(proof: Proof): boolean {
  return proof.evidence.some(
    (item) => item.type === 'command' && item.where === 'head' && item.exitCode !== 126 && item.exitCode !== 127,
  );
}

/** What an answer stands on: the base's own checks. Without a set-up that works there are none. */
async function baselineEvidence({ workbench, signal }: FinishOptions): Promise<Evidence[]> {
  const baseline = await orAborted(workbench.baseline, signal).catch(() => null);
  signal.throwIfAborted();
  return baseline?.runs.map((run) => evidenceOf(run, 'base')) ?? [];
}

function explainHold(reasons: GateReason[]): string {
  const list = reasons.slice(0, 20).map(({ path, message }) => `- ${path}: ${message}`);
  return `Not accepted: this may not be published.\n${list.join('\n')}\nUndo these parts, or ask people, and call finish again.`;
}

/** For the model: what is wrong, and the output of what failed. */
function explainProof(proof: Proof): string {
  const failed = proof.evidence.flatMap((item) =>
    item.type === 'command' && item.where === 'head' && item.exitCode !== 0
      ? [`$ ${item.command}   (${item.name}, exit ${item.exitCode ?? 'killed'})\n${item.log}`]
      : [],
  );
  const findings = proof.findings.map((finding) => `- ${finding}`).join('\n');
  const output = failed.length > 0 ? `\n\nOutput:\n\n${failed.slice(0, 4).join('\n\n')}` : '';
  return `Not accepted. On a clean checkout of your change:\n${findings}${output}\n\nMend it and call finish again.`;
}

function escalate(prepared: Prepared, report: WorkReport, rejected: string): Outcome {
  const why =
    rejected === nothingChanged
      ? 'I have nothing to hand in: no change, and no answer.'
      : 'My change was refused three times by the checks that every change must pass.';
  return inEscalation('needsInput', {
    asked: prepared.ticket.title,
    tried: [report.summary],
    blocks: `${plea} ${why}`,
    log: rejected,
    options: ['Tell me how to go on', 'Change the ticket, then say "continue"'],
  });
}
