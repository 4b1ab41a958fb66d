import { addRule, cleanRule, normalRule, sameRule } from '../core/corrections.ts';
import { inline } from '../core/markdown.ts';
import { cleanText } from '../core/outgoing-text.ts';
import type { Repository } from '../core/repository.ts';
import { deterministicId } from '../lib/ids.ts';
import { addActivities, type Stage } from '../store/activities.ts';
import { addCorrection, type Correction, lockCorrections, markProposed, speakersOf } from '../store/corrections.ts';
import type { Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { Prepared } from './prepare.ts';
import type { RunDeps } from './run.ts';

/** The instructions for agents of a repository, as the branch has them that work on it usually begins from. */
export interface Instructions {
  repository: Repository;
  baseBranch: string;
  commit: string;
  path: string;
  /** null: there are none yet. */
  text: string | null;
}

/** Where agents look, in this order. */
const places = ['AGENTS.md', 'CLAUDE.md'];
const most = 5;
const lookWithinMs = 10_000;

/** null where a rule cannot be added to them: then it waits for the next ticket that is taught it. */
export async function readInstructions(
  deps: Pick<RunDeps, 'workspaces' | 'log'>,
  { repository, host }: Pick<Prepared, 'repository' | 'host'>,
): Promise<Instructions | null> {
  const { workspaces } = deps;
  try {
    // Whatever this ticket's change is built on, a rule is for all that come.
    const baseBranch =
      repository.base ?? (await host.locate(repository, AbortSignal.timeout(lookWithinMs))).defaultBranch;
    const base = await workspaces.resolve(repository, baseBranch);
    if (!base) return null;
    const found = { repository, baseBranch, commit: base.commit };
    const files = (await workspaces.listFiles(repository, base.commit)).filter(({ path }) => places.includes(path));
    // One of them may be a link to the other.
    const path = places.find((place) => files.some((file) => file.path === place && file.mode.startsWith('100')));
    if (path === undefined) return files.length > 0 ? null : { ...found, path: 'AGENTS.md', text: null };
    const text = await workspaces.readFile(repository, base.commit, path);
    return text === null ? null : { ...found, path, text };
  } catch (error) {
    deps.log.warn(
      { err: error },
      'the instructions of a repository could not be read, so nothing is proposed for them',
    );
    return null;
  }
}

/**
 * Keeps the rules that people taught the agent in a session; what they taught it on another ticket, too, is proposed for the
 * repository's instructions, in a pull request of its own, once for ever. The session's lock must be held.
 */
export async function keepLearned(
  tx: Tx,
  session: SessionRow,
  repository: Repository,
  learned: readonly string[],
  instructions: Instructions | null,
  stage: Stage,
): Promise<void> {
  const rules = learned.slice(0, most).flatMap((rule) => cleanRule(rule) ?? []);
  if (rules.length === 0) return;
  // Where nobody spoke, nobody corrected anything.
  const saidBy = await speakersOf(tx, session.id);
  if (saidBy.length === 0) return;
  const known = await lockCorrections(tx, repository.name);
  for (const rule of rules) {
    const alike = known.filter((each) => sameRule(each.rule, rule));
    if (alike.some(({ ticketId }) => ticketId === session.ticketId)) continue;
    const [earlier] = alike;
    const isKnown = alike.some(({ proposed }) => proposed);
    const text = earlier && !isKnown && instructions ? addRule(instructions.text, rule) : null;
    const { identifier, title, url } = session.hint;
    const said = { rule, saidBy, proposed: isKnown || text !== null };
    const given = { ...said, sessionId: session.id, repository: repository.name, normal: normalRule(rule) };
    const id = await addCorrection(tx, given);
    const mine: Correction = { ...said, id, ticketId: session.ticketId, ticket: { identifier, title, url } };
    known.push(mine);
    if (!earlier || !instructions || text === null) continue;
    for (const each of alike) each.proposed = true;
    await markProposed(
      tx,
      alike.map((each) => each.id),
    );
    await propose(tx, session, instructions, text, [earlier, mine], stage);
  }
}

async function propose(
  tx: Tx,
  session: SessionRow,
  { repository, baseBranch, commit, path }: Instructions,
  text: string,
  said: [Correction, Correction],
  stage: Stage,
): Promise<void> {
  const [, { rule }] = said;
  const id = deterministicId('rule', repository.name, normalRule(rule));
  const branch = `shipmate/agents-md-${id.slice(0, 8)}`;
  const title = cleanText(`${path}: ${rule}`, 120);
  const cause = { sessionId: session.id, runId: stage.runId, stepId: null };
  const key = (name: string) => `rule/${id}/${name}`;
  await addEffects(tx, [
    {
      ...cause,
      key: key('push'),
      operation: {
        kind: 'pushFile',
        id: deterministicId(key('push')),
        repository: repository.name,
        branch,
        parent: commit,
        path,
        text,
        message: `${cleanText(title, 72)}\n\nTaught on ${said.map(({ ticket }) => cleanText(ticket.identifier, 60)).join(' and ')}.\n`,
        date: new Date().toISOString(),
      },
    },
    {
      ...cause,
      key: key('pull-request'),
      after: [key('push')],
      operation: {
        kind: 'openPullRequest',
        for: 'proposal',
        id: deterministicId(key('pull-request')),
        repository: repository.name,
        head: branch,
        base: baseBranch,
        title,
        body: writeProposal(path, said),
        draft: false,
      },
    },
  ]);
  const body = `People have taught me this on two tickets: “${rule}” I propose it for ${path} in a pull request of its own, from the branch \`${branch}\`.`;
  await addActivities(tx, stage, `rule/${id}`, [{ type: 'thought', body }]);
}

function writeProposal(path: string, said: readonly Correction[]): string {
  const lines = said.map(({ rule, ticket, saidBy }) => {
    const who = saidBy
      .slice(0, 5)
      .map((name) => inline(name, 100))
      .join(', ');
    return `- ${inline(ticket.identifier, 60)}, ${inline(ticket.title, 200)} (${who}): “${inline(rule, 400)}”`;
  });
  return [
    `People corrected the way I work twice, in the same sense. This adds it to ${path}, so that nobody has to say it again.`,
    lines.join('\n'),
    'Merge it if it holds, change its words as you like, or close it: it is not proposed again.',
    '---\n\nMade by Shipmate.',
  ].join('\n\n');
}
