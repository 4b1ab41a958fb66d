import { sql } from 'kysely';
import type { Activity } from '../core/activity.ts';
import type { Later } from '../core/effect.ts';
import type { Plan } from '../core/plan.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';
import { insertEffects, type NewEffect } from './effects.ts';

/** Where activities are shown and what caused them. */
export interface Stage {
  sessionId: string;
  runId: string | null;
  stepId: string | null;
  conversation: { id: string; ref: unknown } | null;
}

/** The key of the effect that shows an activity. */
export function activityKey(sessionId: string, key: string, index = 0): string {
  return `${sessionId}/${key}/activity/${index}`;
}

/**
 * Records what the agent shows and writes the effects that show it. `key` names the cause: the same key and position is
 * the same activity, however often it is written. `link` names the effect whose result fills `{link}` in their texts;
 * effects in `then` follow them.
 */
export async function addActivities(
  tx: Tx,
  stage: Stage,
  key: string,
  activities: Activity[],
  { link, then = [] }: { link?: Later; then?: NewEffect[] } = {},
): Promise<void> {
  if (activities.length === 0) return;
  const rows = activities.map((activity, index) => {
    const effectKey = activityKey(stage.sessionId, key, index);
    return { id: deterministicId('activity', effectKey), effectKey, activity };
  });
  const recording = tx.with('recorded', (query) =>
    query
      .insertInto('activities')
      .values(
        rows.map(({ id, activity }) => ({
          id,
          session_id: stage.sessionId,
          run_id: stage.runId,
          conversation_id: stage.conversation?.id ?? null,
          activity: toJson(activity),
          awaits_link: link !== undefined,
        })),
      )
      .onConflict((conflict) => conflict.column('id').doNothing()),
  );
  const effects = rows.map(
    ({ id, effectKey, activity }): NewEffect => ({
      sessionId: stage.sessionId,
      runId: stage.runId,
      stepId: stage.stepId,
      key: effectKey,
      ephemeral: 'ephemeral' in activity && activity.ephemeral === true,
      operation: {
        kind: 'postActivity',
        id,
        conversation: stage.conversation?.ref ?? null,
        activity,
        ...(link && { link }),
      },
    }),
  );
  await insertEffects(recording, [...effects, ...then]).execute();
}

/**
 * What says nothing but this, in that conversation, and was never begun to be sent is not shown: whoever says it again says
 * it for all.
 */
export async function takeBackUnsent(
  tx: Tx,
  { sessionId, conversation }: Pick<Stage, 'sessionId' | 'conversation'>,
  body: string,
): Promise<void> {
  await sql`
    with dropped as (
      update effects e set state = 'dropped', settled_at = now() from activities a
      where e.session_id = ${sessionId} and e.lane = 'ticket' and e.state = 'pending' and e.tries = 0
        and e.operation ->> 'kind' = 'postActivity' and e.operation ->> 'id' = a.id::text
        and a.session_id = e.session_id and a.conversation_id is not distinct from ${conversation?.id ?? null}
        and a.activity ->> 'body' = ${body}
      returning a.id
    )
    delete from activities where id in (select id from dropped)`.execute(tx);
}

/** The first of that key; null: there is none. */
export async function readActivity(db: Database, sessionId: string, key: string): Promise<Activity | null> {
  const id = deterministicId('activity', activityKey(sessionId, key));
  const row = await db.selectFrom('activities').select('activity').where('id', '=', id).executeTakeFirst();
  return row?.activity ?? null;
}

export async function savePlan(tx: Tx, stage: Stage, key: string, plan: Plan): Promise<void> {
  const recording = tx.with('recorded', (query) =>
    query
      .insertInto('plans')
      .values({ session_id: stage.sessionId, plan: toJson(plan) })
      .onConflict((conflict) =>
        conflict.column('session_id').doUpdateSet({ plan: toJson(plan), updated_at: sql`now()` }),
      ),
  );
  const effectKey = `${stage.sessionId}/${key}/plan`;
  const operation = {
    kind: 'updatePlan' as const,
    id: deterministicId('plan', effectKey),
    conversation: stage.conversation?.ref ?? null,
    plan,
  };
  const { sessionId, runId, stepId } = stage;
  const effect = { sessionId, runId, stepId, key: effectKey, operation, ephemeral: true };
  await insertEffects(recording, [effect]).execute();
}

export interface ActivityRow {
  seq: number;
  activity: Activity;
  at: Date;
}

/** The activity as it was sent, its link filled in. */
export async function settleActivity(tx: Tx, id: string, activity: Activity): Promise<void> {
  await tx
    .updateTable('activities')
    .set({ activity: toJson(activity), awaits_link: false })
    .where('id', '=', id)
    .execute();
}

/** One that will never be shown. */
export async function dropActivity(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('activities').where('id', '=', id).execute();
}

/** What was shown after `seq`, in order, as far as it is settled. */
export async function listActivities(db: Database, sessionId: string, afterSeq = 0): Promise<ActivityRow[]> {
  const rows = await db
    .selectFrom('activities')
    .select(['seq', 'activity', 'awaits_link', 'created_at'])
    .where('session_id', '=', sessionId)
    .where('seq', '>', afterSeq as never)
    .orderBy('seq')
    .execute();
  const open = rows.findIndex((row) => row.awaits_link);
  const settled = open === -1 ? rows : rows.slice(0, open);
  return settled.map((row) => ({ seq: row.seq, activity: row.activity, at: row.created_at }));
}

/**
 * The newest of those that stay on the ticket (see `lasting`), `last` of them at most, in order, as far as they are settled;
 * `earlier`: so many are before them.
 */
export async function lastActivities(
  db: Database,
  sessionId: string,
  last: number,
): Promise<{ activities: ActivityRow[]; earlier: number }> {
  const { rows } = await sql<ActivityRow & { all: number }>`
    with settled as (
      select seq, activity, created_at from activities
      where session_id = ${sessionId} and seq < coalesce(
        (select min(seq) from activities where session_id = ${sessionId} and awaits_link), 9223372036854775807)
    ), stays as (
      select seq, activity, created_at from settled
      where activity ->> 'ephemeral' is distinct from 'true' or seq = (select max(seq) from settled)
    )
    select seq, activity, created_at as at, (select count(*) from stays)::int as all from stays
    order by seq desc limit ${last}`.execute(db);
  const activities = rows.map(({ seq, activity, at }) => ({ seq, activity, at })).reverse();
  return { activities, earlier: (rows[0]?.all ?? 0) - rows.length };
}

export async function readPlan(db: Database, sessionId: string): Promise<Plan> {
  const row = await db.selectFrom('plans').select('plan').where('session_id', '=', sessionId).executeTakeFirst();
  return row?.plan ?? [];
}
