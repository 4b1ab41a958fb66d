import type { Database, Tx } from './database.ts';

/** The installation's own secret for `sessionUrl`, in hexadecimal. It never changes. */
export async function readLinkSecret(db: Database | Tx): Promise<string> {
  const row = await db
    .selectFrom('link_keys')
    .select('secret')
    .where('purpose', '=', 'session-page')
    .executeTakeFirstOrThrow();
  return row.secret.toString('hex');
}
