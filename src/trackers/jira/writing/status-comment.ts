import { VendorError } from '../../../core/vendor-error.ts';
import { type Account, isOwn } from '../people.ts';
import type { CommentNode, Desk, Memory } from './memory.ts';
import type { Located } from './place.ts';
import type { Writing } from './post-comment.ts';
import { addStatus, type Status, writeStatus } from './status.ts';

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
  if (desk.status && !(await edit(writing, desk.status.comment, status))) {
    // People have deleted it, or another process that found two.
    const now = await look(memory, place, id, signal);
    if (now.status) addStatus(status, now.status.known);
    if (!now.status || !(await edit(writing, now.status.comment, status))) desk.status = null;
  }
  if (!desk.status) {
    const { body, properties } = writeStatus(status);
    await memory.pace(id, signal);
    const made = await place.site.client
      .on(signal)
      .issueComments.addComment({ issueIdOrKey: place.issue, body: body as never, properties });
    desk.status = { comment: made.id ?? '', known: structuredClone(status) };
  }
  for (const stray of desk.strays.splice(0)) {
    await memory.pace(id, signal);
    await whereThere(
      place.site.client.on(signal).issueComments.deleteComment({ issueIdOrKey: place.issue, id: stray }),
    );
  }
  writing.isDirty = false;
}

async function edit({ memory, place, id, desk, signal }: Writing, comment: string, status: Status): Promise<boolean> {
  const { body, properties } = writeStatus(status);
  await memory.pace(id, signal);
  const isThere = await whereThere(
    place.site.client.on(signal).issueComments.updateComment({
      ...{ issueIdOrKey: place.issue, id: comment, notifyUsers: false },
      body: { body: body as never, properties },
    }),
  );
  if (isThere) desk.status = { comment, known: structuredClone(status) };
  return isThere;
}

async function whereThere(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (error instanceof VendorError && error.code === 'not_found') return false;
    throw error;
  }
}
