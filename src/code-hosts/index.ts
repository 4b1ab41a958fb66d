import type { Pool } from 'pg';
import type { CodeHost } from './code-host.ts';
import { createGitHub } from './github/github.ts';
import { createLocalGit } from './local-git/local-git.ts';

/** What every code host is made from; each takes what it needs. */
export interface CodeHostOptions {
  /** The code host's own block of `shipmate.yaml`; the adapter checks what is in it. */
  settings: Record<string, unknown>;
  /** Secrets by the names that the adapter documents: tokens, keys. */
  secrets: Record<string, string | null>;
  /** Signs its webhooks. Several: while one replaces the other. */
  webhookSecrets: readonly string[];
  /** For a code host whose tables are in our database. */
  pool: Pool;
  /** A directory of its own, for copies that it can make again. */
  dataDir: string;
  fetch?: typeof fetch;
}

/** One line per code host. */
export const codeHosts: Record<string, (options: CodeHostOptions) => CodeHost> = {
  github: (options) => createGitHub(options),
  'local-git': ({ pool, dataDir }) => createLocalGit({ pool, dataDir }),
  github: createGitHub,
};
