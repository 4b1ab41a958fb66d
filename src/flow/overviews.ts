import { childrenOf, writeOverview } from '../core/dependencies.ts';
import { readPlan, savePlan } from '../store/activities.ts';
import { type Leader, listLeaders, planVersion, readChildren, readReading } from '../store/overviews.ts';
import { currentConversation, lockSession } from '../store/sessions.ts';
import type { SortDeps } from './sort.ts';

type Deps = Pick<SortDeps, 'db' | 'wake'>;

/** In one look. */
const mostAtOnce = 50;

/**
 * The plan of a session that leads says how its sub-tickets stand; it is written anew when one has moved. Looks at some
 * sessions, those behind `after`; answers behind which the next look goes on, null: from the first again.
 */
export async function keepOverviews(deps: Deps, after: string | null): Promise<string | null> {
  const { db, wake } = deps;
  const leaders = await listLeaders(db, after, mostAtOnce);
  const children = await readChildren(
    db,
    leaders.flatMap(({ children }) => children),
  );
  let from = 0;
  let changed = false;
  for (const leader of leaders) {
    const until = from + leader.children.length;
    if (JSON.stringify(writeOverview(children.slice(from, until))) !== JSON.stringify(leader.plan))
      changed = (await renew(deps, leader)) || changed;
    from = until;
  }
  if (changed) wake('post');
  return leaders.length < mostAtOnce ? null : (leaders.at(-1)?.id ?? null);
}

async function renew({ db }: Deps, { id }: Leader): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, id);
    if (!session?.waiting || !session.leads) return false;
    const ticket = await readReading(tx, session.ticketId);
    const now = writeOverview(await readChildren(tx, ticket ? childrenOf(ticket) : []));
    if (JSON.stringify(now) === JSON.stringify(await readPlan(tx, id))) return false;
    const conversation = await currentConversation(tx, id);
    const stage = { sessionId: id, runId: null, stepId: null, conversation };
    await savePlan(tx, stage, `overview/${await planVersion(tx, id)}`, now);
    return true;
  });
}
