import { VendorError } from '../../../core/vendor-error.ts';
import { type Account, isOwn } from '../people.ts';
import type { CommentNode, Desk, Memory } from './memory.ts';
import type { Located } from './place.ts';
import type { Writing } from './post-comment.ts';
import { type Status, writeStatus } from './status.ts';

const perPage = 1_000;

/** Our own comments on an issue as they are now. */
export async function look(memory: Memory, { site, issue }: Located, id: string, signal: AbortSignal): Promise<Desk> {
  const own = await site.own(signal);
  const ours: CommentNode[] = [];
  for (let from = 0; ; ) {
    const page = await site.client.on(signal).issueComments.getComments({
      ...{ issueIdOrKey: issue, startAt: from, maxResults: perPage },
      expand: 'properties' as never,
    });
    const { comments = [], total = 0 } = page;
    ours.push(...comments.filter(({ author }) => isOwn(author as Account, own)));
    from += comments.length;
    if (comments.length === 0 || from >= total) return memory.see(id, ours);
  }
}

/** Makes or edits it, as `status` has it; nobody is told of an edit. */
export async function writeStatusComment(
  writing: Writing & { status: Status | null; isDirty: boolean },
): Promise<void> {
  const { memory, place, id, desk, signal, status } = writing;
  if (!status) return;
  const written = writeStatus(status);
  if (desk.status) {
    try {
      await edit(writing, desk.status.comment, status);
      writing.isDirty = false;
      return;
    } catch (error) {
      if (!(error instanceof VendorError) || error.code !== 'not_found') throw error;
      desk.status = null; // people have deleted it, or the ticket is gone
    }
  }
  await memory.pace(id, signal);
  const { body, properties } = written;
  const made = await place.site.client
    .on(signal)
    .issueComments.addComment({ issueIdOrKey: place.issue, body: body as never, properties });
  desk.status = { comment: made.id ?? '', known: structuredClone(status) };
  writing.isDirty = false;
}

async function edit({ memory, place, id, desk, signal }: Writing, comment: string, status: Status): Promise<void> {
  const { body, properties } = writeStatus(status);
  await memory.pace(id, signal);
  await place.site.client.on(signal).issueComments.updateComment({
    ...{ issueIdOrKey: place.issue, id: comment, notifyUsers: false },
    body: { body: body as never, properties },
  });
  desk.status = { comment, known: structuredClone(status) };
}
