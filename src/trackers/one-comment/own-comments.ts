import { VendorError } from '../../core/vendor-error.ts';
import { addStatus, type Status } from './status.ts';

/** What is known of our own comments on a ticket. */
export interface OwnComments {
  /** By the operation that wrote it, the parts of one text in their order. */
  written: Map<string, WrittenComment[]>;
  status: { comment: string; known: Status } | null;
  /** Status comments that were made at the same time as the one that stays. */
  strays: string[];
}

export interface WrittenComment {
  id: string;
  /** Which piece of its text it is, from 1. */
  part: number;
  at: string;
  url: string;
}

/** One of our own comments, as its mark says. Ids are numbers that grow. */
export type Found = { id: string; status: Status } | (WrittenComment & { /** That wrote it. */ operation: string });

/** How a tracker keeps the status comment on one ticket. */
export interface StatusStore {
  /** All that we have written there, as it is now. */
  look(): Promise<OwnComments>;
  make(status: Status): Promise<string>;
  /** Nobody is told of it. Throws `VendorError` `not_found` where the comment is there no more. */
  edit(comment: string, status: Status): Promise<unknown>;
  remove(comment: string): Promise<unknown>;
  /** Whether one that others made in the same moment is looked for at once; else whoever looks next finds the two. */
  looksAgain: boolean;
}

export function newOwnComments(): OwnComments {
  return { written: new Map(), status: null, strays: [] };
}

export function see(own: OwnComments, found: Found): void {
  if ('status' in found) {
    seeStatus(own, found);
    return;
  }
  const { operation, ...comment } = found;
  const others = (own.written.get(operation) ?? []).filter(
    ({ part, id }) => part !== comment.part || Number(id) < Number(comment.id),
  );
  if (others.some(({ part }) => part === comment.part)) return;
  own.written.set(
    operation,
    [...others, comment].toSorted((a, b) => a.part - b.part),
  );
}

/** Of two that two processes have made at once the first stays, and knows what both have done. */
function seeStatus(own: OwnComments, { id, status: known }: { id: string; status: Status }): void {
  const [mine, other] = [{ comment: id, known }, own.status];
  const isFirst = !other || Number(id) <= Number(other.comment);
  const [first, second] = isFirst ? [mine, other] : [other, mine];
  own.status = first;
  if (!second || second.comment === first.comment) return;
  addStatus(first.known, second.known);
  own.strays = [...new Set([...own.strays, second.comment])];
}

/** Each piece of a text is a comment, and is looked for before it is written. Answers the first. */
export async function writePieces<Piece>(
  own: OwnComments,
  operation: string,
  pieces: readonly Piece[],
  write: (piece: Piece, part: number) => Promise<Found | null>,
): Promise<WrittenComment> {
  for (const [index, piece] of pieces.entries()) {
    const part = index + 1;
    if (own.written.get(operation)?.some((written) => written.part === part)) continue;
    const found = await write(piece, part);
    if (found) see(own, found);
  }
  const [first] = own.written.get(operation) ?? [];
  if (!first) throw new Error(`the comment of operation ${operation} has lost its mark`);
  return first;
}

/** Makes or edits it, as `status` has it, which comes to know what others have written meanwhile. Answers what is there then. */
export async function saveStatus(before: OwnComments, status: Status, store: StatusStore): Promise<OwnComments> {
  let own = before;
  const edit = async (): Promise<boolean> => {
    if (!own.status) return false;
    const { comment } = own.status;
    const isThere = await whereThere(store.edit(comment, status));
    own.status = isThere ? { comment, known: structuredClone(status) } : null;
    return isThere;
  };
  const lookAgain = async () => {
    own = await store.look();
    if (own.status) addStatus(status, own.status.known);
  };
  const wasThere = own.status !== null;
  if (!(await edit())) {
    // People have deleted it, or another process that found two.
    if (wasThere) await lookAgain();
    if (!(await edit())) {
      const made = await store.make(status);
      own.status = { comment: made, known: structuredClone(status) };
      if (store.looksAgain) await lookAgain();
      // Whoever made another in the same moment finds this one.
      if (own.status?.comment === made) return own;
      await edit();
    }
  }
  for (const stray of own.strays.splice(0)) await whereThere(store.remove(stray));
  return own;
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
