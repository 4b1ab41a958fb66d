import { createHash } from 'node:crypto';
import { cleanLine } from '../core/outside-text.ts';
import type { TicketFacts } from '../core/ticket-facts.ts';
import { matcherOf, oddGlob } from '../lib/globs.ts';
import { addActivities } from '../store/activities.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { holdRun } from '../store/runs.ts';
import { currentConversation, lockSession } from '../store/sessions.ts';
import type { Beginning } from './before-work.ts';
import type { NotPrepared } from './prepare.ts';

/** Allowed paths that nobody can make sense of would hold every change: people are asked before there is one. */
export async function checkAllowedPaths({ deps, session, facts }: Beginning): Promise<NotPrepared | null> {
  const odd = oddPathsOf(facts);
  if (odd === '') return null;
  const message = `${odd}\n\nCorrect them on the ticket, as globs with one a line (such as \`src/**\`), and I begin.`;
  const heard = (await unreadPrompts(deps.db, session.id)).map(({ id }) => id);
  return { outcome: { stopReason: 'needsInput', message }, heard };
}

/** What is wrong with a ticket's allowed paths, for people; '' when nothing is. */
export function oddPathsOf({ allowedPaths }: Pick<TicketFacts, 'allowedPaths'>): string {
  const odd = allowedPaths.flatMap((glob) => {
    const why = oddGlob(glob);
    return why === null ? [] : [`- \`${shown(glob)}\`: ${why}`];
  });
  return odd.length === 0 ? '' : `The ticket's allowed paths cannot all be read:\n\n${odd.slice(0, 20).join('\n')}`;
}

/** Says, once, which of the allowed paths fit no file there is: a new file may, a mistyped path never will. */
export async function tellUnmatchedPaths(
  { deps, run, facts }: Pick<Beginning, 'deps' | 'run' | 'facts'>,
  listFiles: () => Promise<{ path: string }[]>,
): Promise<void> {
  const { allowedPaths } = facts;
  if (allowedPaths.length === 0) return;
  const files = await listFiles();
  const unmatched = allowedPaths.filter((glob) => {
    const matches = matcherOf([glob]);
    return !files.some(({ path }) => matches(path));
  });
  if (unmatched.length === 0) return;
  const list = unmatched.slice(0, 20).map((glob) => `\`${shown(glob)}\``);
  const body = `Of the ticket's allowed paths, no file of the repository fits ${list.join(', ')}. I go on; only new files can.`;
  const key = `paths/${createHash('sha256').update(unmatched.join('\n')).digest('hex').slice(0, 16)}`;
  await deps.db.transaction().execute(async (tx) => {
    await lockSession(tx, run.sessionId);
    await holdRun(tx, run);
    const conversation = await currentConversation(tx, run.sessionId);
    const stage = { sessionId: run.sessionId, runId: run.id, stepId: null, conversation };
    await addActivities(tx, stage, key, [{ type: 'thought', body }]);
  });
  deps.wake('post');
}

function shown(glob: string): string {
  return cleanLine(glob.replaceAll('`', "'"), 100);
}
