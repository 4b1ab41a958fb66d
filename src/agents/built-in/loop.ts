import { type ModelInput, type ModelResult, readTurns } from '../../core/conversation.ts';
import type { Outcome } from '../../core/outcome.ts';
import { writeSaid } from '../../core/prompt-text.ts';
import type { AgentContext } from '../agent.ts';
import { answerCalls } from './answer-calls.ts';
import { askModel, type ModelSettings } from './ask-model.ts';
import { judgeReply } from './judge-reply.ts';

/**
 * Asks the model, does what it calls for, and again, until a tool ends the run or a limit does. All state is in the journal:
 * each round looks there for what comes next, so a resumed run needs no path of its own.
 */
export async function work(settings: ModelSettings, context: AgentContext, signal: AbortSignal): Promise<Outcome> {
  const { journal, budget } = context;
  const notes = [...context.notes];
  for (;;) {
    signal.throwIfAborted();
    const turns = readTurns(journal.history());
    const mine = turns.filter((turn) => turn.runId === journal.runId);
    const asking = journal
      .history()
      .some((step) => step.runId === journal.runId && step.kind === 'model' && !step.completed);

    // A request that had begun before a crash goes out as it was; what was said since waits for the next one.
    let input: ModelInput = { said: null };
    let reads: string[] = [];
    if (!asking) {
      const last = mine.at(-1);
      const ended = last ? await answerCalls(last, context, signal) : null;
      const judged = ended ? { outcome: ended } : judgeReply(mine, settings.maxOutputTokens);
      const spent = budget.check(Date.now());
      if (spent) return judged.outcome ?? { stopReason: 'budgetExceeded', message: spent };
      const prompts = await context.prompts.take();
      if (judged.outcome && prompts.length === 0) return judged.outcome;
      const all = [...notes.splice(0), ...(judged.note ? [judged.note] : [])];
      input = { said: writeSaid(all, prompts) };
      reads = prompts.map((prompt) => prompt.id);
    }

    await journal.step<ModelInput, ModelResult>(
      'model',
      `turn:${mine.length + 1}`,
      input,
      (scope, { said }) => askModel(settings, context, said, scope, signal),
      { reads },
    );
  }
}
