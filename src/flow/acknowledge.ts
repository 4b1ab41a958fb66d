import { isBareAnswer, mayBeBareAnswer, noteLength, noteNoQuestion } from '../core/acknowledgement.ts';
import type { Said } from '../core/delivery.ts';
import type { Tx } from '../store/database.ts';
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
  // A session that rests for another reason may have left a question behind that this answers.
  if (length !== '' || session.state !== 'complete') return length;
  if (!mayBeBareAnswer(said.body)) return '';
  const isBare = isBareAnswer(said.body, []) || isBareAnswer(said.body, await optionsOffered(tx, session.id));
  return isBare ? noteNoQuestion(said.body) : '';
}
