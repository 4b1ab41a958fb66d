import { VendorError } from '../../../core/vendor-error.ts';
import { deterministicId } from '../../../lib/ids.ts';
import { retry } from '../../../lib/retry.ts';
import type { LinearClient } from '../client.ts';
import { postActivity } from './activities.ts';
import { execute } from './execute.ts';

/** What somebody said to the agent where there is no issue: beside a document, a project. */
export interface Elsewhere {
  workspace: string;
  agentSession: string;
  /** Of what is answered. */
  key: string;
}

const body = 'I work on issues: delegate one to me, or mention me in a comment on one. I can do nothing here.';
const tryForMs = 60_000;

/**
 * One closing answer to each. It is no effect, because those belong to tickets: its id is made of what it answers, so that it
 * is seen once however often it is sent, and where the service falls before it left, Linear says that nobody answered.
 */
export async function answerElsewhere(
  client: LinearClient,
  { workspace, agentSession, key }: Elsewhere,
): Promise<void> {
  const signal = AbortSignal.timeout(tryForMs);
  const id = deterministicId('linear/elsewhere', key);
  const judge = (error: unknown) => (error instanceof VendorError && error.retryable ? error : null);
  const post = () =>
    execute({ client, workspace, signal }, [postActivity(id, agentSession, { type: 'response', body })]);
  await retry(post, { signal, judge, forMs: tryForMs });
}
