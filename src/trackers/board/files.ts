import { randomUUID } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { mediaTypeOf } from '../../core/media-types.ts';
import type { Attachment, Person } from '../../core/ticket.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { BoardDatabase } from './database.ts';
import { checkLine, invalid } from './text.ts';

const maxBytes = 10_000_000;
const maxFiles = 50;

export interface BoardFile {
  name: string;
  mediaType: string;
  content: Uint8Array;
}

/** A file as a person attaches it, checked. Throws `VendorError` `invalid`. */
export function checkFile(written: string, content: Uint8Array): BoardFile {
  const name = checkLine(written, 'name of the file');
  if (content.length > maxBytes)
    throw invalid(`${name} has ${(content.length / 1e6).toFixed(1)} MB; 10 MB is the limit. Link to it instead.`);
  return { name, mediaType: mediaTypeOf(name) ?? 'application/octet-stream', content };
}

/** Call with the ticket locked. */
export async function insertFile(
  db: BoardDatabase,
  ticket: number,
  { name, mediaType, content }: BoardFile,
  by: Person,
): Promise<Attachment> {
  const { count } = await db
    .selectFrom('board_files')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('ticket', '=', ticket)
    .executeTakeFirstOrThrow();
  if (Number(count) >= maxFiles)
    throw invalid(`The ticket has ${maxFiles} files already, which is the limit. Link to what there is more.`);
  const id = randomUUID();
  await db
    .insertInto('board_files')
    .values({
      ...{ id, ticket, name, media_type: mediaType, content: Buffer.from(content) },
      author: JSON.stringify(by),
    })
    .execute();
  return { id, name, mediaType, bytes: content.length };
}

/** For a query of tickets: the files of this one, oldest first. */
export function filesOf(ticket: number): RawBuilder<Attachment[]> {
  return sql<Attachment[]>`(
    select coalesce(json_agg(json_strip_nulls(json_build_object(
      'id', id, 'name', name, 'mediaType', media_type, 'bytes', octet_length(content),
      'isOwn', case when (author->>'isBot')::boolean then true end)) order by seq), '[]')
    from board_files where ticket = ${ticket})`;
}

export async function readFile(
  db: BoardDatabase,
  ticket: number,
  id: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const row = await db
    .selectFrom('board_files')
    .select('content')
    .where('ticket', '=', ticket)
    .where(sql<string>`id::text`, '=', id)
    .executeTakeFirst({ signal });
  if (row) return new Uint8Array(row.content);
  throw new VendorError('There is no such file on this ticket.', { code: 'not_found', retryable: false });
}
