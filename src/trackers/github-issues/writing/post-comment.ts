import type { Activity } from '../../../core/activity.ts';
import { withoutMentions } from '../../../core/outgoing-text.ts';
import { textOf } from '../../one-comment/activity-text.ts';
import { type OwnComments, type WrittenComment, writePieces } from '../../one-comment/own-comments.ts';
import { markOf } from '../markers.ts';
import { foundIn } from './memory.ts';
import type { Desks, Located } from './place.ts';

/** A comment holds 65,536 characters. */
const commentLimit = 60_000;

/** One comment, or several where the text is too long for one; each is looked for before it is written. */
export async function postComment(
  { desks, place, own, signal }: { desks: Desks; place: Located; own: OwnComments; signal: AbortSignal },
  operationId: string,
  activity: Activity,
  /** By which an answer has to mention the agent; null: it need not. */
  name: string | null,
): Promise<WrittenComment> {
  const pieces = piecesOf(withoutMentions(textOf(activity)) + howToAnswer(activity, name));
  return writePieces(own, operationId, pieces, async (piece, part) =>
    foundIn(await desks.api.comment(place, `${piece}\n\n${markOf(operationId, part)}`, signal)),
  );
}

function howToAnswer({ type }: Activity, name: string | null): string {
  return name === null || type !== 'elicitation' ? '' : `\n\n(I hear answers that begin with \`@${name}\`.)`;
}

function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length || pieces.length === 0; ) {
    let to = Math.min(text.length, from + commentLimit);
    if (to < text.length && /[\ud800-\udbff]/.test(text.charAt(to - 1))) to -= 1;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}
