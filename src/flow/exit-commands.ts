import { oddCommandsOf } from '../core/ticket-facts.ts';
import type { Beginning } from './before-work.ts';
import type { NotPrepared } from './prepare.ts';

/** Exit commands of which only a part would be run are asked about before there is a change that they did not check. */
export async function checkExitCommands({ facts }: Beginning): Promise<NotPrepared | null> {
  const odd = oddCommandsOf(facts);
  if (odd === '') return null;
  const message = `${odd}\n\nCorrect them on the ticket (what is long fits into a script of the repository), and I begin.`;
  return { outcome: { stopReason: 'needsInput', message }, heard: [] };
}
