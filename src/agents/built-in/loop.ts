import { OverBudget } from '../../core/budget.ts';
import { type ModelInput, type ModelResult, readTurns, type Turn } from '../../core/conversation.ts';
import { inEscalation } from '../../core/escalation.ts';
import { judgeLoop } from '../../core/loops.ts';
import type { Outcome } from '../../core/outcome.ts';
import { isObeyed } from '../../core/prompt.ts';
import { writeSaid } from '../../core/prompt-text.ts';
import type { AgentContext } from '../agent.ts';
import { answerCalls } from './answer-calls.ts';
import { createAsking, type ModelSettings } from './ask-model.ts';
import { judgeReply } from './judge-reply.ts';
import { createWaitForRoom } from './wait-for-room.ts';

/**
 * Asks the model, does what it calls for, and again, until a tool ends the run, a limit does, or it goes in circles. All state
 * is in the journal: each round looks there for what comes next, so a resumed run needs no path of its own.
 */
export async function work(settings: ModelSettings, context: AgentContext, signal: AbortSignal): Promise<Outcome> {
  const { journal, budget } = context;
  const asking = createAsking(settings, context);
  const waitForRoom = createWaitForRoom(context);
  let notes = [...context.notes];
  for (;;) {
    signal.throwIfAborted();
    // A request that had begun before a crash goes out as it was; what was said since waits for the next one.
    const begun = journal
      .history()
      .find((step) => step.runId === journal.runId && step.kind === 'model' && !step.completed);
    const { outcome, input, reads, isSpokenTo } = begun
      ? { outcome: undefined, input: begun.input as ModelInput, reads: [], isSpokenTo: false }
      : await nextInput(settings, context, notes, signal);
    if (outcome && !isSpokenTo) return outcome;

    const turns = readTurns(journal.history());
    const call = asking.prepare(turns, input);
    const allowed = budget.allow(call);
    if (allowed === 'later') {
      await waitForRoom(signal);
      continue;
    }
    if ('exceeded' in allowed) return outcome ?? inEscalation('budgetExceeded', allowed.exceeded);
    const { maxOutputTokens, reserve } = allowed;
    const lowered = maxOutputTokens < settings.maxOutputTokens ? { maxOutputTokens } : {};
    try {
      await journal.step<ModelInput, ModelResult>(
        'model',
        `turn:${ofRun(turns, journal.runId).length + 1}`,
        { ...input, ...lowered },
        (scope) => asking.ask(call, maxOutputTokens, scope, signal),
        { reads, reserve },
      );
      if (!begun) notes = [];
    } catch (error) {
      if (!(error instanceof OverBudget)) throw error;
      budget.refused(error.standings);
    }
  }
}

/** Answers the calls of the last turn, and judges it: what the next request says, or how the run ends unless people said something. */
async function nextInput(
  settings: ModelSettings,
  context: AgentContext,
  notes: string[],
  signal: AbortSignal,
): Promise<{ outcome: Outcome | undefined; input: ModelInput; reads: string[]; isSpokenTo: boolean }> {
  const { journal, prompts } = context;
  const last = ofRun(readTurns(journal.history()), journal.runId).at(-1);
  const ended = last ? await answerCalls(last, context, signal) : null;
  const mine = ofRun(readTurns(journal.history()), journal.runId);
  const loop = ended ? {} : judgeLoop(mine);
  const judged = ended ? { outcome: ended } : judgeReply(mine, settings.maxOutputTokens);
  const { prompts: heard, notes: told, images = [], reads = [], outcome: ending } = await prompts.take();
  if (ending) return { outcome: ending, input: { said: null }, reads: [], isSpokenTo: false };
  // What people say or edit may be the way out of a circle, and keeps a run from ending; what others tell does neither.
  const isSpokenTo = heard.some(isObeyed) || reads.length > 0;
  const warning = isSpokenTo ? undefined : loop.note;
  const all = [...notes, ...told, judged.note, warning].filter((note) => note !== undefined);
  const tree = context.tree();
  return {
    outcome: judged.outcome ?? loop.outcome,
    input: {
      said: writeSaid(all, heard),
      ...(images.length > 0 ? { images } : {}),
      ...(isSpokenTo ? { heard: true } : {}),
      ...(warning === undefined ? {} : { warned: true }),
      ...(tree === null ? {} : { tree }),
    },
    reads: [...heard.map((prompt) => prompt.id), ...reads],
    isSpokenTo,
  };
}

function ofRun(turns: Turn[], runId: string): Turn[] {
  return turns.filter((turn) => turn.runId === runId);
}
