import { oddCriteriaOf } from '../core/criteria.ts';
import { oddCommandsOf } from '../core/ticket-facts.ts';
import type { Beginning } from './before-work.ts';
import type { NotPrepared } from './prepare.ts';

/** What people want checked and only a part of which would be is asked about before there is a change. */
export async function checkWanted({ facts }: Beginning): Promise<NotPrepared | null> {
  const odd = [oddCommandsOf(facts), oddCriteriaOf(facts)].filter((each) => each !== '').join('\n\n');
  if (odd === '') return null;
  const message = `${odd}\n\nCorrect that on the ticket (a long command fits into a script of the repository), and I begin.`;
  return { outcome: { stopReason: 'needsInput', message }, heard: [] };
}
