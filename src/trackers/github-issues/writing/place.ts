import type { TicketHint } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { Api, Comment, Place } from '../api.ts';
import { readId, readIdentifier, refOf } from '../hint.ts';
import { isOwn, type Own } from '../people.ts';
import type { KnownRepository, Repositories } from '../repositories.ts';
import type { Memory } from './memory.ts';

/** What reading and writing are done with. */
export interface Desks {
  api: Api;
  repositories: Repositories;
  memory: Memory;
  /** The label by which an issue is the agent's. */
  label: string;
  own: (signal: AbortSignal) => Promise<Own & { mayBeAssigned: boolean }>;
}

/** Where a ticket is now. */
export interface Located extends Place {
  repositoryId: number;
  id: string;
  home: KnownRepository;
}

export function refusal(code: string, message: string): VendorError {
  return new VendorError(message, { code, retryable: false });
}

/** By its id, or by what people call it. Throws `VendorError` `not_found`. */
export async function locate(repositories: Repositories, hint: TicketHint, signal: AbortSignal): Promise<Located> {
  signal.throwIfAborted();
  const all = await repositories.all(signal);
  const id = readId(hint.id);
  const named = id ? null : readIdentifier(hint.id);
  const home = id
    ? all.find((each) => each.id === id.repositoryId)
    : named && (await repositories.named(named.repository, signal));
  const number = id?.number ?? named?.number;
  if (home && number !== undefined)
    return { repository: home.fullName, repositoryId: home.id, number, id: `${home.id}/${number}`, home };
  const away = repositories.away().find(({ account }) => account === hint.account);
  if (away) throw away;
  const called = refOf(hint)?.repository ?? hint.identifier;
  throw refusal('not_found', `There is no issue ${hint.id} in the repositories that are set up (${called}).`);
}

/** Our own comments on an issue as they are now; only what was written or changed since the last look is asked for. */
export async function look({ api, memory, own }: Desks, place: Located, signal: AbortSignal) {
  const account = await own(signal);
  const comments = await api.comments(place, memory.desk(place.id).until, signal);
  return memory.see(place.id, ownAmong(comments, account), comments);
}

export function ownAmong(comments: readonly Comment[], account: Own): Comment[] {
  return comments.filter((comment) => isOwn(comment.user, account, authorshipOf(comment)));
}

/** As `Authorship` wants it. */
export function authorshipOf({
  performed_via_github_app: app,
  author_association,
}: {
  performed_via_github_app?: { id: number } | null | undefined;
  author_association?: string | undefined;
}) {
  return {
    ...(app && { performed_via_github_app: { id: app.id } }),
    ...(author_association !== undefined && { author_association }),
  };
}
