import { sessionOfKey, sessionUrl } from '../core/session-link.ts';
import type { Database } from './database.ts';

/** The addresses of sessions' own pages, by the installation's secret, which never changes. */
export interface Pages {
  /** null: `http.publicUrl` is not set. */
  urlOf: ((session: { id: string; identifier: string }) => Promise<string>) | null;
  /** The id of the session that a key opens; null: it is none of ours. */
  sessionOf(key: string): Promise<string | null>;
}

export function createPages(db: Database, publicUrl: string | null): Pages {
  let reading: Promise<string> | null = null;
  const secret = () => {
    reading ??= readSecret(db).catch((error: unknown) => {
      reading = null;
      throw error;
    });
    return reading;
  };
  return {
    urlOf: publicUrl === null ? null : async (session) => sessionUrl(publicUrl, await secret(), session),
    sessionOf: async (key) => sessionOfKey(await secret(), key),
  };
}

async function readSecret(db: Database): Promise<string> {
  const row = await db
    .selectFrom('link_keys')
    .select('secret')
    .where('purpose', '=', 'session-page')
    .executeTakeFirstOrThrow();
  return row.secret.toString('hex');
}
