import type { Activity } from '../../../core/activity.ts';
import { inline } from '../../../core/markdown.ts';
import { splitDocument } from '../adf/split.ts';
import { markOf } from './marks.ts';
import { type Desk, type Memory, seeOwn } from './memory.ts';
import type { Located } from './place.ts';
import { documentOf } from './text.ts';

/** One ticket that is written to, with what we have written there. */
export interface Writing {
  memory: Memory;
  place: Located;
  /** The ticket's. */
  id: string;
  desk: Desk;
  signal: AbortSignal;
}

/** People are told of these; all else is shown in the status comment. */
export function isOwnComment({ type }: Activity): boolean {
  return type === 'elicitation' || type === 'response' || type === 'error';
}

/** One comment, or several where the text is too long for one; each is looked for before it is written. */
export async function postComment(
  { memory, place, id, desk, signal }: Writing,
  operationId: string,
  activity: Activity,
): Promise<{ id: string; at: string; url: string }> {
  const { site, issue, key } = place;
  for (const [index, body] of splitDocument(documentOf(write(activity))).entries()) {
    const part = index + 1;
    if (desk.written.get(operationId)?.some((written) => written.part === part)) continue;
    const properties = markOf({ operation: operationId, part });
    await memory.pace(id, signal);
    const comment = await site.client
      .on(signal)
      .issueComments.addComment({ issueIdOrKey: issue, body: body as never, properties });
    seeOwn(desk, { ...comment, properties });
  }
  const first = desk.written.get(operationId)?.[0];
  if (!first) throw new Error(`the comment of operation ${operationId} has lost its mark`);
  const url = `${site.url}/browse/${key}?focusedCommentId=${first.id}`;
  return { id: first.id, at: first.at, url };
}

/** What the status comment says of it; `url`: of the comment, null where it is only about to be written. */
export function pointer({ type }: Activity, url: string | null): string {
  const to = (words: string) => (url === null ? words : `[${words}](${url})`);
  if (type === 'elicitation') return `I wait for an answer to ${to('my question')}.`;
  return type === 'error' ? `See ${to('what went wrong')}.` : `See ${to('my answer')}.`;
}

/** So that people can name an option in a comment, each has a number. */
function write(activity: Activity): string {
  if (activity.type === 'action') return activity.action;
  const options = activity.type === 'elicitation' ? (activity.options ?? []) : [];
  const body = activity.body.trim() === '' ? '(empty)' : activity.body;
  if (options.length === 0) return body;
  return `${body}\n\n${options.map((option, index) => `${index + 1}. ${inline(option, 1_000)}`).join('\n')}`;
}
