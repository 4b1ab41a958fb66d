import type { Turn } from '../../core/conversation.ts';
import { grouped } from '../../core/cut-text.ts';
import { inEscalation } from '../../core/escalation.ts';
import type { Outcome } from '../../core/outcome.ts';

const nudges = 3;

/** What a reply without calls leads to: a word to the model, and the end of the run when words have not helped. */
export function judgeReply(turns: Turn[], maxOutputTokens: number): { note?: string; outcome?: Outcome } {
  const reply = turns.at(-1)?.reply;
  if (!reply) return {};
  const tooLong = `Your reply was cut off at ${grouped(maxOutputTokens)} tokens. Be shorter: one file or part of a file in a reply.`;
  if (reply.calls.length > 0) return reply.finish === 'length' ? { note: tooLong } : {};
  const text = reply.text.trim();
  if (reply.finish === 'refused')
    return {
      outcome: inEscalation('failed', {
        blocks: `The model declined to go on.${text ? ` It said: ${text}` : ''}`,
        options: ['Say it in other words, or "continue" to try again.'],
      }),
    };
  const inARow = turns.length - 1 - turns.findLastIndex((turn) => turn.reply.calls.length > 0);
  if (inARow > nudges)
    return {
      outcome: text
        ? { stopReason: 'needsInput', message: text }
        : inEscalation('failed', {
            blocks: `The model answered nothing ${inARow} times in a row.`,
            options: ['Say "continue" to try again.'],
          }),
    };
  if (reply.finish === 'length') return { note: tooLong };
  return {
    note: `Your reply ${text ? 'called no tool' : 'was empty'}. Go on with a tool; call finish when the work is done, or ask when a person must decide.`,
  };
}
