import { addUsed, createBudget, nothingUsed } from '../core/budget.ts';
import type { Outcome } from '../core/outcome.ts';
import { type Decision, decideToolCall } from '../core/policy.ts';
import type { Repository } from '../core/repository.ts';
import { hasBegun, lastRated, refuseBeforeRating, wantsApproval } from '../core/scope.ts';
import { noteOnScreenshots, takesScreenshots } from '../core/screenshots.ts';
import { RunLost } from '../core/step.ts';
import type { KnownTicket } from '../core/ticket-change.ts';
import type { TicketFacts } from '../core/ticket-facts.ts';
import { kindsOf } from '../core/ticket-kinds.ts';
import { decideTier } from '../core/tiers.ts';
import type { Tool } from '../core/tool.ts';
import { orAborted } from '../lib/abort.ts';
import { addActivities, type Stage } from '../store/activities.ts';
import { readImages } from '../store/edits.ts';
import { readShownImages } from '../store/evidence.ts';
import { demandOn, orderPaying } from '../store/order-picks.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { isForgotten } from '../store/retention.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { currentConversation } from '../store/sessions.ts';
import { settleLostCalls } from '../store/spending.ts';
import { lastFinishedSeq, listSteps } from '../store/steps.ts';
import { usedByRuns } from '../store/usage.ts';
import { fitTools, searchNames } from '../tools/fit-tools.ts';
import type { OtherTools } from '../tools/other-servers.ts';
import { createSessionTools, type SessionToolsOptions } from '../tools/session-tools.ts';
import { createWorkspaceTools } from '../tools/workspace-tools.ts';
import { openApproval } from './approval.ts';
import { approversOf, createCarryOut } from './await-approval.ts';
import type { Clock } from './clock.ts';
import { conclude } from './conclude.ts';
import { newestReading } from './edits.ts';
import { createFinish } from './finish.ts';
import { hear } from './hear.ts';
import { createJournal } from './journal.ts';
import { followTalk } from './leave.ts';
import { type NotPrepared, type Prepared, prepare } from './prepare.ts';
import type { RunDeps } from './run.ts';
import { createScope, noteOnRating } from './scope.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

/** A wait this long is told on the ticket. */
const tellWaitsFromMs = 5_000;

/**
 * One run from its first step to its end: prepare, let the agent take turns, and conclude; again if people said something
 * that no step has read. Throws on abort, `RunLost` and what nothing here can mend.
 */
export async function workOnTicket(
  deps: RunDeps,
  run: ClaimedRun,
  clock: Clock,
  signal: AbortSignal,
): Promise<Outcome> {
  const { db } = deps;
  let prepared: Prepared | NotPrepared;
  for (;;) {
    // Whatever may not begin knew these words: they must not have it look again and again.
    const unread = (await unreadPrompts(db, run.sessionId)).map(({ id }) => id);
    prepared = await prepare(deps, run, signal);
    if (!('outcome' in prepared)) break;
    const { outcome, heard } = prepared;
    if (await conclude(deps, run, outcome, { work: null, heard: [...heard, ...unread] })) return outcome;
  }
  // A model call of an earlier attempt that is still open has lost its reply: it counts before limits are looked at.
  if (run.attempt > 1)
    await db.transaction().execute(async (tx) => {
      await holdRun(tx, run);
      await settleLostCalls(tx, run.id);
    });
  const { brief } = prepared;
  const [all, runs, order, lastFinished] = await Promise.all([
    listSteps(db, run.sessionId),
    usedByRuns(db, run.sessionId),
    orderPaying(db, run.id),
    lastFinishedSeq(db, run.sessionId),
  ]);
  // What was looked at in another repository is nothing to go on from.
  const steps = all.filter(({ seq }) => seq > (brief.since ?? 0));
  const used = runs.find((each) => each.runId === run.id)?.used ?? nothingUsed;
  const before = runs.flatMap((each) => (each.runId === run.id ? [] : [each.used])).reduce(addUsed, nothingUsed);
  let conversation: Stage['conversation'] = await currentConversation(db, run.sessionId);
  const workbench = await openWorkbench(deps, run, prepared, steps, signal);
  const { notes } = workbench;
  const { session, ticket, facts } = prepared;
  if (steps.length === 0 && brief.since === undefined && (await isForgotten(db, run.sessionId)))
    notes.push(
      'You have worked on this ticket before. That conversation was deleted since; the workspace holds its result. ' +
        'Look at the files and `git diff` before you go on.',
    );
  const only = run.purpose === 'scope';
  const demanded = (await demandOn(db, run.sessionId)) !== null;
  notes.push(...noteOnRating(run, prepared, steps, demanded), ...(prepared.note === undefined ? [] : [prepared.note]));
  let others: OtherTools | null = null;
  try {
    const [ofTicket, ofTools] = await Promise.all([readImages(db, run.sessionId), readShownImages(db, run.sessionId)]);
    const images = new Map([...ofTicket, ...ofTools]);
    const journal = createJournal({
      db,
      run,
      steps,
      conversation: () => conversation,
      wakePost: () => deps.wake('post'),
      failpoint: deps.failpoint,
      payers: {
        ticketId: prepared.session.ticketId,
        team: prepared.session.hint.team ?? '',
        limits: deps.budget,
        order: order === null ? null : { name: order, usd: deps.usdOfOrders.get(order) ?? null },
      },
      worked: clock.read,
      shown: (hash, image) => void images.set(hash, image),
      modelAsked() {
        workbench.modelAsked();
        notes.length = 0; // they are in the step now
      },
      beforeModel: () => workbench.checkpoint(),
      beforeWrite: () => workbench.settled(),
      afterWrite: (step) => workbench.touched(step.seq),
    });
    const asksCriteria = prepared.facts.acceptanceCriteria.length > 0;
    const { scope, tools: given } = deps.policy;
    const rates = { before: scope.before && !given.deny.includes('scope'), only, demanded };
    const carryOut = createCarryOut(deps, { run, ...prepared });
    const wantsPlan = (known: KnownTicket, its: TicketFacts) =>
      wantsApproval(known, its, deps.policy) ||
      decideTier(prepared.repository, { from: 'ticket', kinds: kindsOf(known) }).tier === 'plan-and-review';
    const isPlanWanted = wantsPlan(ticket, facts);
    const approval = await openApproval(db, run, approversOf(deps), carryOut, {
      async plan() {
        const now = await newestReading(deps, { session, ticket, facts });
        const followed = lastRated(journal.history())?.followed;
        // What was proposed before is done or was never shown: its rating covers nothing else.
        return wantsPlan(now.ticket, now.facts) || followed === 'plan' || followed === 'split';
      },
      hasBegun: () => hasBegun(journal.history(), lastFinished),
    });
    const finish = createFinish({ deps, run, journal, prepared, workbench, asksCriteria, approval, signal });
    const speaking: SessionToolsOptions = {
      finish: (report, context) => clock.without(() => finish(report, context)),
      hasCriteria: asksCriteria,
      hasReviews: prepared.host.following !== null,
      scope:
        rates.before || only || isPlanWanted || approval.missing() !== null || lastRated(steps)?.isPassedOver
          ? createScope({ deps, run, journal, prepared, approval })
          : undefined,
    };
    const ownOf = (more: Partial<SessionToolsOptions>) =>
      toolsOf(deps, workbench, prepared.repository, { ...speaking, ...more });
    others = await deps.otherTools(
      { repository: prepared.repository.name, team: session.hint.team ?? null },
      {
        session: run.sessionId,
        workspace: workbench.workspace,
        taken: [...ownOf({}).map(({ name }) => name), ...searchNames],
        tell: createTell(deps, run, () => conversation),
        signal,
      },
    );
    notes.push(...others.notes);
    const cameras = others.servers
      .flatMap(({ tools }) => tools.map(({ name }) => name))
      .filter((name) => takesScreenshots(name));
    if (cameras.length > 0 && !only) notes.push(noteOnScreenshots(cameras));
    const tools = fitTools(ownOf({ takesScreenshots: cameras.length > 0 }), others.servers);
    const permit = ({ name, input }: { name: string; input: unknown }): Decision => {
      const changes = tools.find((tool) => tool.name === name)?.actsOutside;
      const refused = only ? null : approval.permit({ name, input, ...(changes && { changes }) });
      if (refused) return refused;
      const reason = refuseBeforeRating(name, journal.history(), rates, changes);
      return reason === null ? decideToolCall(name, tools, deps.policy.tools) : { allow: false, reason };
    };
    const budget = createBudget({
      limits: deps.budget,
      used,
      worked: clock.read,
      ticket: { limits: deps.budget.ticket, before },
    });
    const tellWait = createTellWait(deps, run);
    let endedByWords = false;
    for (;;) {
      const reached = await deps.agent.run(
        {
          brief,
          images,
          journal,
          prompts: {
            async take() {
              // What people say while their ticket is only rated is for the work on it.
              if (only) return { prompts: [], notes: [] };
              const heard = await hear({ deps, run, session, approval, images, signal });
              endedByWords = heard.outcome !== undefined;
              if (heard.prompts.length > 0) conversation = await followTalk(deps, run);
              return heard;
            },
          },
          notes: [...notes],
          tools,
          sandbox: workbench.sandbox,
          tree: workbench.tree,
          budget,
          permit,
          report: (update) => (only ? undefined : tellWait(update, conversation)),
        },
        signal,
      );
      signal.throwIfAborted();
      if (reached.stopReason !== 'finished') await workbench.checkpointNow();
      const spent = budget.isSpent();
      if (await conclude(deps, run, reached, { work: { prepared, journal }, spent, leavesEdits: endedByWords }))
        return reached;
    }
  } catch (error) {
    if (!(error instanceof RunLost)) await workbench.save();
    throw error;
  } finally {
    await others?.close();
    await workbench.close();
  }
}

function toolsOf(
  deps: RunDeps,
  { toolHost, baseline, workspace }: Workbench,
  repository: Repository,
  session: SessionToolsOptions,
): Tool[] {
  return [
    ...createWorkspaceTools(toolHost).map((tool) => (isEdit(tool) ? after(baseline, tool) : tool)),
    ...createSessionTools(session),
    ...deps.serverTools(workspace, repository),
  ];
}

/** Long waits are told on the ticket. */
function createTellWait(deps: RunDeps, run: ClaimedRun) {
  let told = 0;
  return ({ waitMs, reason }: { waitMs: number; reason: string }, conversation: Stage['conversation']): void => {
    if (waitMs < tellWaitsFromMs) return;
    const body = `Waiting ${Math.round(waitMs / 1000)} s: ${reason}`;
    tell(deps, run, conversation, `${run.number}/${run.attempt}/wait/${told++}`, { body, ephemeral: true });
  };
}

/** What is of the whole session, each key once. Who only rates a ticket says nothing on it. */
function createTell(deps: RunDeps, run: ClaimedRun, conversation: () => Stage['conversation']) {
  return (key: string, body: string): void => {
    deps.log.warn({ reason: body }, 'a tool server is of no use');
    if (run.purpose === 'work') tell(deps, run, conversation(), key, { body });
  };
}

/** That something could not be told stops nobody. */
function tell(
  deps: RunDeps,
  run: ClaimedRun,
  conversation: Stage['conversation'],
  key: string,
  thought: { body: string; ephemeral?: true },
): void {
  const telling = deps.db.transaction().execute(async (tx) => {
    await holdRun(tx, run);
    const stage = { sessionId: run.sessionId, runId: run.id, stepId: null, conversation };
    await addActivities(tx, stage, key, [{ type: 'thought', ...thought }]);
  });
  telling.then(
    () => deps.wake('post'),
    (error: unknown) => deps.log.warn({ err: error }, 'this could not be told'),
  );
}

function isEdit(tool: Tool): boolean {
  return tool.name === 'edit' || tool.name === 'write';
}

/** The first edit waits until the base's own checks are known: what was red before is told apart from what became red. */
function after(known: Promise<unknown>, tool: Tool): Tool {
  return {
    ...tool,
    async run(input, context) {
      await orAborted(known, context.signal);
      return tool.run(input, context);
    },
  };
}
