import type { Operation } from '../core/effect.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import type { SessionRow } from '../store/sessions.ts';

/** The address of a session's own page; nobody has one where people cannot reach the service. */
export type PageOf = (session: { id: string; identifier: string }) => Promise<string>;

/** Each place where people talk with the agent leads to what it does, once. */
export async function linkSession(
  tx: Tx,
  pageOf: PageOf | null,
  { id, hint }: SessionRow,
  conversation: { id: string; ref: unknown },
): Promise<void> {
  if (!pageOf) return;
  const key = `${id}/link/${conversation.id}`;
  const url = await pageOf({ id, identifier: hint.identifier });
  const operation: Operation = { kind: 'linkSession', id: deterministicId(key), conversation: conversation.ref, url };
  await addEffects(tx, [{ sessionId: id, runId: null, stepId: null, key, operation }]);
}
