import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../src/lib/is-alive.ts';
import { type EmbeddedPostgres, openEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';

export interface CrashablePostgres {
  url: string;
  /** As `pg_ctl restart -m immediate`: it drops everything and recovers from its log when it is started again, `awayMs` later. */
  restart(awayMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** A PostgreSQL of this test's own, to be shot at; the one that other tests share is not touched. */
export async function startCrashablePostgres(dir: string): Promise<CrashablePostgres> {
  let server: EmbeddedPostgres = await openEmbeddedPostgres(dir);
  const { url } = server;
  return {
    url,
    async restart(awayMs = 0) {
      const pid = Number.parseInt(await readFile(join(dir, 'postgres/postmaster.pid'), 'utf8'), 10);
      process.kill(pid, 'SIGQUIT');
      while (isAlive(pid)) await delay(5);
      await delay(awayMs);
      const lost = server;
      server = await openEmbeddedPostgres(dir);
      if (server.url !== url) throw new Error('PostgreSQL came back at another address: its port was taken meanwhile');
      // Letting go of one that has ended asks it who else is there, and hears nothing.
      await lost.release();
    },
    stop: () => server.release(),
  };
}
