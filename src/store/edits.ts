import { sql } from 'kysely';
import type { Image } from '../core/message.ts';
import type { KnownTicket } from '../core/ticket-change.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** What the model is told of an edit of its ticket. `images` are hashes. */
export interface Edit {
  id: string;
  note: string;
  images: string[];
}

/** An image as it is stored, by the hash of its content. */
export interface StoredImage {
  hash: string;
  mediaType: string;
  content: Uint8Array;
}

/** The time of the newest edit that no reading of the ticket covers, by the tracker's clock; null when there is none. */
export async function unreadEditAt(db: Database | Tx, sessionId: string): Promise<string | null> {
  const row = await db
    .selectFrom('sessions')
    .select(sql<string>`to_char(edited_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`.as('at'))
    .where('id', '=', sessionId)
    .where(sql<boolean>`edited_at > coalesce(edits_read_at, '-infinity')`)
    .executeTakeFirst();
  return row?.at ?? null;
}

/** The ticket was read when all of these moments (ISO 8601, the tracker's) had passed. */
export async function markEditsRead(tx: Tx, sessionId: string, moments: (string | null)[]): Promise<void> {
  const times = moments.flatMap((at) => (at === null ? [] : [sql`${at}::timestamptz`]));
  await tx
    .updateTable('sessions')
    .set({ edits_read_at: sql<string>`greatest(edits_read_at, ${sql.join(times)})` })
    .where('id', '=', sessionId)
    .execute();
}

export async function readKnownTicket(db: Database | Tx, sessionId: string): Promise<KnownTicket | null> {
  const row = await db
    .selectFrom('known_tickets')
    .select('ticket')
    .where('session_id', '=', sessionId)
    .executeTakeFirst();
  return row?.ticket ?? null;
}

export async function saveKnownTicket(tx: Tx, sessionId: string, known: KnownTicket): Promise<void> {
  const ticket = toJson(known);
  await tx
    .insertInto('known_tickets')
    .values({ session_id: sessionId, ticket })
    .onConflict((conflict) => conflict.column('session_id').doUpdateSet({ ticket }))
    .execute();
}

/** Keeps what is to be told of an edit; answers which of its session's it is. Call with the session's lock held. */
export async function addEdit(tx: Tx, sessionId: string, edit: Omit<Edit, 'id'>): Promise<number> {
  const { count } = await tx
    .selectFrom('edits')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('session_id', '=', sessionId)
    .executeTakeFirstOrThrow();
  const number = count + 1;
  await tx
    .insertInto('edits')
    .values({
      id: deterministicId('edit', sessionId, number),
      session_id: sessionId,
      note: edit.note,
      images: toJson(edit.images),
      read_by: null,
    })
    .execute();
  return number;
}

/** Those that no step has read, oldest first. */
export async function unreadEdits(db: Database | Tx, sessionId: string): Promise<Edit[]> {
  return db
    .selectFrom('edits')
    .select(['id', 'note', 'images'])
    .where('session_id', '=', sessionId)
    .where('read_at', 'is', null)
    .orderBy('seq')
    .execute();
}

export async function saveImages(tx: Tx, sessionId: string, images: readonly StoredImage[]): Promise<void> {
  if (images.length === 0) return;
  await tx
    .insertInto('ticket_images')
    .values(
      images.map(({ hash, mediaType, content }) => ({
        session_id: sessionId,
        hash,
        media_type: mediaType,
        content: Buffer.from(content),
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** By their hashes. */
export async function readImages(db: Database, sessionId: string, hashes?: string[]): Promise<Map<string, Image>> {
  let query = db
    .selectFrom('ticket_images')
    .select(['hash', 'media_type', 'content'])
    .where('session_id', '=', sessionId);
  if (hashes) query = query.where('hash', 'in', hashes);
  const rows = await query.execute();
  return new Map(
    rows.map(({ hash, media_type, content }) => [hash, { mediaType: media_type, data: content.toString('base64') }]),
  );
}
