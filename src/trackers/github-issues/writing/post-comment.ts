import type { Activity } from '../../../core/activity.ts';
import { inline } from '../../../core/markdown.ts';
import { withoutMentions } from '../../../core/outgoing-text.ts';
import { markOf } from '../markers.ts';
import { type Desk, seeOwn } from './memory.ts';
import type { Desks, Located } from './place.ts';

/** A comment holds 65,536 characters. */
const commentLimit = 60_000;

/** People are told of these; all else is shown in the status comment. */
export function isOwnComment({ type }: Activity): boolean {
  return type === 'elicitation' || type === 'response' || type === 'error';
}

/** One comment, or several where the text is too long for one; each is looked for before it is written. */
export async function postComment(
  { desks, place, desk, signal }: { desks: Desks; place: Located; desk: Desk; signal: AbortSignal },
  operationId: string,
  activity: Activity,
  /** By which an answer has to mention the agent; null: it need not. */
  name: string | null,
): Promise<{ id: string; at: string; url: string }> {
  for (const [index, piece] of piecesOf(withoutMentions(write(activity)) + howToAnswer(activity, name)).entries()) {
    const part = index + 1;
    if (desk.written.get(operationId)?.some((written) => written.part === part)) continue;
    const comment = await desks.api.comment(place, `${piece}\n\n${markOf(operationId, part)}`, signal);
    seeOwn(desk, comment);
  }
  const first = desk.written.get(operationId)?.[0];
  if (!first) throw new Error(`the comment of operation ${operationId} has lost its mark`);
  return { id: String(first.id), at: first.at, url: first.url };
}

/** What the status comment says of it. */
export function pointer({ type }: Activity, url: string): string {
  if (type === 'elicitation') return `I wait for an answer to [my question](${url}).`;
  return type === 'error' ? `See [what went wrong](${url}).` : `See [my answer](${url}).`;
}

/** So that people can name an option in a comment, each has a number. */
function write(activity: Activity): string {
  if (activity.type === 'action') return activity.action;
  const options = activity.type === 'elicitation' ? (activity.options ?? []) : [];
  if (options.length === 0) return activity.body;
  return `${activity.body}\n\n${options.map((option, index) => `${index + 1}. ${inline(option, 1_000)}`).join('\n')}`;
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
