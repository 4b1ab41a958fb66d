import type { Operation } from '../core/effect.ts';
import type { Followed, Happening } from '../core/following.ts';
import * as text from '../core/following-text.ts';
import { writePreviewLinks } from '../core/previews.ts';
import { deterministicId } from '../lib/ids.ts';
import { addActivities, type Stage } from '../store/activities.ts';
import { readAttention } from '../store/attention.ts';
import type { Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import { type FollowedRequest, hastenBuiltUpon, isBuiltUpon } from '../store/followed-requests.ts';
import { readPreviews } from '../store/previews.ts';
import { addNews } from '../store/prompts.ts';
import { currentConversation, moveSession, type SessionRow, updateSession } from '../store/sessions.ts';
import { sayClosing } from './closing.ts';
import { isWorking, type Look, type RequestDeps } from './follow-requests.ts';
import { writeTook } from './footer.ts';
import { moveWith, tellAttachment } from './request-fates.ts';
import { offerRevert } from './revert.ts';
import type { Due } from './sort.ts';
import { startRun } from './start.ts';

interface Happened {
  next: Followed;
  happening: Happening;
  look: Look;
}

/**
 * What becomes of a session by what happened to its pull request; answers whether it asks people about that now. Call with
 * the session's lock held.
 */
export async function carryOutHappening(
  deps: RequestDeps,
  tx: Tx,
  session: SessionRow,
  followed: FollowedRequest,
  { next, happening, look }: Happened,
  due: Due,
): Promise<boolean> {
  const { request } = look.progress;
  const conversation = await currentConversation(tx, session.id);
  const stage: Stage = { sessionId: session.id, runId: null, stepId: null, conversation };
  // Whether it is told at all is decided by how it stood before; that all is well, and was, needs no second word.
  const told = `request/${request.number}/${next.head}/${next.rounds}/${happening.type}`;
  const key = `${told}/${Date.now()}`;
  const isAtRest = session.state === 'complete' || (session.state === 'awaitingInput' && followed.asked);
  const say = (body: string) => addActivities(tx, stage, key, [{ type: 'thought', body }]);
  const close = (body: string, at = key) =>
    isAtRest ? sayClosing(tx, stage, at, { type: 'response', body }) : say(body);
  const settle = async () => {
    if (session.state === 'awaitingInput' && followed.asked) await moveSession(tx, session, 'complete');
    return false;
  };
  const ask = async (body: string) => {
    await sayClosing(tx, stage, key, { type: 'elicitation', body });
    if (session.state !== 'awaitingInput') await moveSession(tx, session, 'awaitingInput');
    return true;
  };
  // Too many in an hour: people are told so, and it may get green without us.
  const mend = async (why: string) => {
    const started = await startRun(tx, deps.policy, session, await readAttention(tx, session.id), conversation, {
      why,
    });
    if (started) due.add('run');
    return !started;
  };
  due.add('post');
  await showStatus(deps, tx, followed, { next, happening, look }, key);

  switch (happening.type) {
    case 'green':
      await close(text.writeGreen(followed.closing, request, happening), followed.asked ? key : told);
      if (!followed.draft) await move(tx, session.id, told, 'review');
      return settle();
    case 'red': {
      const body = text.writeRed(request, look.progress.head, look.failed, happening.others);
      const author = { id: 'checks', name: `The checks of #${request.number}`, isBot: true };
      await addNews(tx, session.id, { key, author, body, conversationId: conversation?.id ?? null });
      const why = text.writeMending(happening, next.rounds, deps.policy.checks.rounds);
      return mend(why);
    }
    case 'stillRed':
      return ask(text.writeStillRed(happening, request, look.failed.find(({ log }) => log !== null)?.log ?? null));
    case 'baseRed':
      return ask(text.writeBaseRed(happening, request));
    case 'slow':
      await say(text.writeSlow(happening, request));
      return followed.asked;
    case 'conflict':
      await say(text.writeConflict(request));
      return followed.asked;
    case 'behind': {
      const why = text.writeRebasing(request);
      const author = { id: 'base', name: `The base of #${request.number}`, isBot: true };
      await addNews(tx, session.id, {
        key,
        author,
        body: text.writeBehind(request),
        conversationId: conversation?.id ?? null,
      });
      return mend(why);
    }
    case 'stale':
      await say(text.writeStale(request));
      return followed.asked;
    case 'deployed':
      await say(text.writeDeployed(happening, request, deps.policy.checks.tell));
      return followed.asked;
    case 'reverted':
      await close(text.writeReverted(happening, request));
      return settle();
    case 'merged':
      await tellAttachment(tx, session.id, request);
      await say(text.writeMerged(request));
      await hastenBuiltUpon(tx, look.repository.name, request.head);
      return followed.asked;
    case 'landed':
      await close(text.writeLanded(happening, request, await writeTook(tx, session.id)));
      await moveWith(tx, session.id, request);
      await deleteBranch(tx, session, look, key);
      return settle();
    case 'mainRed':
      await offerRevert(
        tx,
        session,
        look,
        stage,
        key,
        text.writeMainRed(happening, request, look.revert ? '{link}' : null),
      );
      // Who is at work pushes there.
      if (!isWorking(session)) await deleteBranch(tx, session, look, key);
      if (session.state === 'complete') await moveSession(tx, session, 'awaitingInput');
      return true;
    case 'closed':
      await tellAttachment(tx, session.id, request);
      await moveWith(tx, session.id, request);
      await close(text.writeClosed(happening, request));
      // That asks how to go on, so who speaks next has been asked; who is at work or asked something else has not.
      if (isAtRest || session.state === 'error' || session.state === 'stopped')
        await updateSession(tx, session.id, { askedAbout: { number: request.number, run: 0 } });
      return settle();
    case 'reopened':
      await tellAttachment(tx, session.id, request);
      await say(text.writeReopened(request));
      return followed.asked;
    default: {
      const never: never = happening;
      throw new Error(`something happened that nobody handles: ${JSON.stringify(never)}`);
    }
  }
}

async function move(tx: Tx, sessionId: string, cause: string, to: 'review'): Promise<void> {
  const key = `${sessionId}/${cause}/${to}`;
  const operation: Operation = { kind: 'moveTicket', id: deterministicId(key), to, from: ['started'] };
  await addEffects(tx, [{ sessionId, runId: null, stepId: null, key, operation }]);
}

/** On the pull request itself stands, in one place, how things are. */
async function showStatus(
  deps: RequestDeps,
  tx: Tx,
  followed: FollowedRequest,
  { next, happening }: Happened,
  cause: string,
): Promise<void> {
  const body = text.writeStatus(happening, { round: next.rounds, rounds: deps.policy.checks.rounds });
  if (body !== null) await writeStatus(tx, followed, next, body, cause);
}

/** Where nothing else has happened than that there is one to look at. */
export async function showPreviews(tx: Tx, followed: FollowedRequest, next: Followed): Promise<void> {
  const { length } = await readPreviews(tx, followed.sessionId, next.head ?? '');
  await writeStatus(tx, followed, next, text.writePhase(next.phase), `request/${next.head}/previews/${length}`);
}

async function writeStatus(
  tx: Tx,
  { sessionId, number, repository }: FollowedRequest,
  { head }: Followed,
  status: string,
  cause: string,
): Promise<void> {
  const links = writePreviewLinks(await readPreviews(tx, sessionId, head ?? ''));
  const body = links === '' ? status : `${status}\n\n${links}`;
  const key = `${sessionId}/${cause}/status`;
  const operation: Operation = { kind: 'showStatus', id: deterministicId(key), repository, number, body };
  await addEffects(tx, [{ sessionId, runId: null, stepId: null, key, operation }]);
}

/** What was merged needs its branch no more, if nobody has gone on with it, or is to be merged into it. */
async function deleteBranch(
  tx: Tx,
  { id: sessionId, branch, headCommit }: SessionRow,
  look: Look,
  cause: string,
): Promise<void> {
  if (branch === null || headCommit === null || branch !== look.progress.request.head) return;
  if (await isBuiltUpon(tx, sessionId, look.repository.name, branch)) return;
  const key = `${sessionId}/${cause}/branch`;
  const operation: Operation = {
    ...{ kind: 'deleteBranch', id: deterministicId(key), repository: look.repository.name, branch },
    expected: look.progress.head,
  };
  await addEffects(tx, [{ sessionId, runId: null, stepId: null, key, operation }]);
}
