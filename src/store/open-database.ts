import { VendorError } from '../core/vendor-error.ts';
import { openEmbeddedPostgres } from './embedded-postgres.ts';
import { migrate } from './migrate.ts';

export interface OpenedDatabase {
  url: string;
  /** Names of the migrations that were applied. */
  applied: string[];
  /** Aborted when an embedded server has ended; one of the team's own may come back. */
  lost: AbortSignal;
  release(): Promise<void>;
}

/** The team's own PostgreSQL, or with `url` null the embedded one below `dataDir`; with this version's schema. Throws with cause and remedy. */
export async function openDatabase(options: { url: string | null; dataDir: string }): Promise<OpenedDatabase> {
  if (options.url !== null) {
    const applied = await migrate(options.url).catch((cause: Error) => {
      const reason = cause.message || String((cause as NodeJS.ErrnoException).code);
      throw new VendorError(
        `The database of DATABASE_URL cannot be used: ${reason}. Check that it runs and that the URL is right.`,
        { code: 'unavailable', retryable: true, cause },
      );
    });
    return { url: options.url, applied, lost: new AbortController().signal, release: async () => {} };
  }
  const { url, lost, release } = await openEmbeddedPostgres(options.dataDir).catch((cause: Error) => {
    throw new VendorError(cause.message, { code: 'unavailable', retryable: true, cause });
  });
  try {
    return { url, applied: await migrate(url), lost, release };
  } catch (error) {
    await release();
    throw error;
  }
}
