import type { Activity } from '../../../core/activity.ts';
import { textOf } from '../../one-comment/activity-text.ts';
import {
  type Found,
  type OwnComments,
  type StatusStore,
  type WrittenComment,
  writePieces,
} from '../../one-comment/own-comments.ts';
import { splitDocument } from '../adf/split.ts';
import { timeOf } from '../client.ts';
import { type Account, isOwn } from '../people.ts';
import { commentMarkOf, readCommentMark } from './marks.ts';
import type { Memory } from './memory.ts';
import type { Located } from './place.ts';
import { sayAnyhow } from './say-anyhow.ts';
import { readStatus, writeStatus } from './status.ts';
import { documentOf } from './text.ts';

const perPage = 1_000;

/** One ticket that is written to. */
export interface Writing {
  memory: Memory;
  place: Located;
  /** The ticket's. */
  id: string;
  signal: AbortSignal;
}

/** A comment as jira.js gives it. */
interface CommentNode {
  id?: string | undefined;
  created?: unknown;
  properties?: { key?: string | undefined; value?: unknown }[] | undefined;
}

/** Our own comments on an issue as they are now. */
async function look({ memory, place, id, signal }: Writing): Promise<OwnComments> {
  const { site, issue } = place;
  const own = await site.own(signal);
  const found: Found[] = [];
  for (let from = 0; ; ) {
    const page = await site.client.on(signal).issueComments.getComments({
      ...{ issueIdOrKey: issue, startAt: from, maxResults: perPage },
      expand: 'properties' as never,
    });
    const { comments = [], total = 0 } = page;
    for (const comment of comments)
      if (isOwn(comment.author as Account, own)) found.push(...foundIn(comment as CommentNode, place));
    from += comments.length;
    if (comments.length === 0 || from >= total) return memory.see(id, found);
  }
}

/** The status comment; of two that are made in one moment the next look tells. */
export function storeOf(writing: Writing): StatusStore {
  const { memory, place, id, signal } = writing;
  const { issueComments } = place.site.client.on(signal);
  const issue = { issueIdOrKey: place.issue };
  return {
    looksAgain: false,
    look: () => look(writing),
    async make(status) {
      const written = writeStatus(status);
      return sayAnyhow(written.body, async (body) => {
        await memory.pace(id, signal);
        return (await issueComments.addComment({ ...issue, ...written, body })).id ?? '';
      });
    },
    async edit(comment, status) {
      const written = writeStatus(status);
      await sayAnyhow(written.body, async (body) => {
        await memory.pace(id, signal);
        await issueComments.updateComment({ ...issue, id: comment, notifyUsers: false, body: { ...written, body } });
      });
    },
    async remove(comment) {
      await memory.pace(id, signal);
      await issueComments.deleteComment({ ...issue, id: comment });
    },
  };
}

/** One comment, or several where the text is too long for one. */
export function postComment(
  { memory, place, id, signal }: Writing,
  own: OwnComments,
  operation: string,
  activity: Activity,
): Promise<WrittenComment> {
  const { site, issue } = place;
  return writePieces(
    own,
    operation,
    splitDocument(documentOf(textOf(activity) + howToAnswer(activity))),
    (piece, part) =>
      sayAnyhow(piece, async (body) => {
        const properties = commentMarkOf({ operation, part });
        await memory.pace(id, signal);
        const comment = await site.client
          .on(signal)
          .issueComments.addComment({ issueIdOrKey: issue, body, properties });
        return foundIn({ ...comment, properties }, place)[0] ?? null;
      }),
  );
}

/** Every comment that all may see is heard, whether it mentions the agent or answers the question's own. */
function howToAnswer(activity: Activity): string {
  const options = activity.type === 'elicitation' ? (activity.options ?? []).length : 0;
  if (options === 0) return '';
  const how = options === 1 ? '' : ': a number, or your own words';
  return `\n\n*Answer with a comment${how}. Nobody has to be mentioned.*`;
}

/** What a comment of ours is, by its mark; none: it has no mark. */
function foundIn(comment: CommentNode, { site, key }: Located): Found[] {
  const { id = '', created } = comment;
  const status = readStatus(comment);
  if (status) return [{ id, status }];
  const mark = readCommentMark(comment);
  const url = `${site.url}/browse/${key}?focusedCommentId=${id}`;
  return mark ? [{ ...mark, id, at: timeOf(created), url }] : [];
}
