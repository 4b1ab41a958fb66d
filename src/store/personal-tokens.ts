import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Person } from '../core/ticket.ts';
import type { Database } from './database.ts';

/** Lets a person's editor or terminal act in their name. The token itself is shown once and kept nowhere. */
export interface PersonalToken {
  id: string;
  person: Person;
  /** What it is for, in the words of whoever made it; ''. */
  label: string;
  createdAt: Date;
  /** To the minute; null: never. */
  usedAt: Date | null;
  revokedAt: Date | null;
}

const form = /^shp_[\w-]{43}$/;

/** Makes one; `token` is the only time that it is to be had. */
export async function addToken(
  db: Database,
  { person, label }: { person: Person; label: string },
): Promise<{ id: string; token: string }> {
  const id = randomUUID();
  const token = `shp_${randomBytes(32).toString('base64url')}`;
  await db
    .insertInto('personal_tokens')
    .values({ id, hash: hashOf(token), person: JSON.stringify(person), label })
    .execute();
  return { id, token };
}

/**
 * Whom a token speaks for; null: nobody has it. What cannot be one is not looked for. Found by its hash, so how long that takes
 * says nothing of the token. Notes its use, at most once a minute.
 */
export async function findToken(db: Database, token: string): Promise<Person | 'revoked' | null> {
  if (!form.test(token)) return null;
  const hash = hashOf(token);
  const { rows } = await sql<{ person: Person; revoked: boolean }>`
    with used as (
      update personal_tokens set used_at = now()
      where hash = ${hash} and revoked_at is null and (used_at is null or used_at < now() - interval '1 minute')
    )
    select person, revoked_at is not null as revoked from personal_tokens where hash = ${hash}`.execute(db);
  const [found] = rows;
  if (!found) return null;
  return found.revoked ? 'revoked' : found.person;
}

/** The newest last. */
export async function listTokens(db: Database): Promise<PersonalToken[]> {
  const rows = await db
    .selectFrom('personal_tokens')
    .select(['id', 'person', 'label', 'created_at', 'used_at', 'revoked_at'])
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(({ created_at: createdAt, used_at: usedAt, revoked_at: revokedAt, ...row }) => ({
    ...row,
    ...{ createdAt, usedAt, revokedAt },
  }));
}

/** The next request with it is refused. Whether there was anything left to revoke. */
export async function revokeToken(db: Database, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('personal_tokens')
    .set({ revoked_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
