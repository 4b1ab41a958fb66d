import type { Heard } from '../agents/agent.ts';
import type { Image } from '../core/message.ts';
import { isObeyed } from '../core/prompt.ts';
import { readImages, unreadEdits } from '../store/edits.ts';
import { unreadPrompts } from '../store/prompts.ts';
import type { ClaimedRun } from '../store/runs.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { Approval } from './approval.ts';
import { hearEdits } from './edits.ts';
import type { RunDeps } from './run.ts';
import { noteTwoAnswers } from './two-answers.ts';

export interface Hearing {
  deps: RunDeps;
  run: ClaimedRun;
  session: SessionRow;
  approval: Approval;
  /** What the model may be shown; images that come with an edit are added. */
  images: Map<string, Image>;
  signal: AbortSignal;
}

/**
 * What a run hears before each of its turns: what people said and edited since, and what the service has to tell the agent
 * of it. All of it is read from the store each time, so that it comes to the same after a crash.
 */
export async function hear({ deps, run, session, approval, images, signal }: Hearing): Promise<Heard> {
  const { db } = deps;
  // First: what was edited may want an approval, or be an objection to one.
  await hearEdits(deps, run, session, signal);
  const edits = await unreadEdits(db, session.id);
  const prompts = await unreadPrompts(db, session.id);
  const orders = prompts.filter(isObeyed);
  const { notes, outcome } = await approval.look(orders.length + edits.length > 0);
  if (outcome) return { prompts, notes, outcome };
  const hashes = edits.flatMap((edit) => edit.images);
  const unknown = hashes.filter((hash) => !images.has(hash));
  if (unknown.length > 0)
    for (const [hash, image] of await readImages(db, session.id, unknown)) images.set(hash, image);
  return {
    prompts,
    notes: [...notes, ...(await noteTwoAnswers(db, run, orders)), ...edits.map(({ note }) => note)],
    images: hashes,
    reads: edits.map(({ id }) => id),
  };
}
