import { isBareAnswer, noteLength, noteNoQuestion } from '../core/acknowledgement.ts';
import type { Said } from '../core/delivery.ts';
import type { Tx } from '../store/database.ts';
import { newestProposal } from '../store/proposals.ts';
import { optionsOffered } from '../store/questions.ts';
import type { SessionRow } from '../store/sessions.ts';

/** What is to be said of a comment that begins a run, beside that it does. */
export async function noteWith(
  tx: Tx,
  session: SessionRow,
  { said, isNew }: { said: Said | null; isNew: boolean },
): Promise<string> {
  if (!said || !isNew) return '';
  const length = noteLength(said.body);
  const rests = session.state === 'complete' || session.state === 'error' || session.state === 'stopped';
  if (length !== '' || !rests) return length;
  if (!isBareAnswer(said.body, await optionsOffered(tx, session.id))) return '';
  const proposal = await newestProposal(tx, session.id);
  const isDecision = proposal?.state === 'open' || proposal?.state === 'rejected';
  return isDecision ? '' : noteNoQuestion(said.body);
}
