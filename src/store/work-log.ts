import type { ToolCall } from '../core/message.ts';
import type { ToolResult } from '../core/tool.ts';
import type { WorkLog } from '../core/work-log.ts';
import { listActivities, readPlan } from './activities.ts';
import type { Database } from './database.ts';
import type { SessionRow } from './sessions.ts';

/** What a session did, as far as it is kept. */
export async function readWorkLog(db: Database, session: SessionRow): Promise<WorkLog> {
  const { id, hint, state } = session;
  const steps = await db
    .selectFrom('steps')
    .select(['input', 'result', 'completed_at'])
    .where('session_id', '=', id)
    .where('kind', '=', 'tool')
    .where('completed_at', 'is not', null)
    .where('input', 'is not', null)
    .orderBy('seq')
    .execute();
  const evidence = await db
    .selectFrom('evidence')
    .select(['evidence', 'created_at'])
    .where('session_id', '=', id)
    .orderBy('seq')
    .execute();
  return {
    ticket: { identifier: hint.identifier, title: hint.title, url: hint.url },
    state,
    plan: await readPlan(db, id),
    activities: await listActivities(db, id),
    calls: steps.flatMap(({ input, result, completed_at: at }) => {
      const call = (input as { call?: ToolCall } | null)?.call;
      const { text, isError } = result as ToolResult;
      return call && at ? [{ at, tool: call.name, input: call.input, text, isError }] : [];
    }),
    evidence: evidence.map((row) => ({ at: row.created_at, evidence: row.evidence })),
  };
}
