import { sql } from 'kysely';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** How people corrected the agent on one ticket. */
export interface Correction {
  id: string;
  rule: string;
  ticketId: string;
  ticket: { identifier: string; title: string; url: string };
  /** Names of people who spoke on it. */
  saidBy: string[];
  proposed: boolean;
}

/** Names of the people whose words the session follows and its steps have read. */
export async function speakersOf(tx: Database | Tx, sessionId: string): Promise<string[]> {
  const rows = await sql<{ name: string }>`
    select p.author ->> 'name' as name from prompts p
    join steps s on s.id = p.read_by and s.completed_at is not null
    where p.session_id = ${sessionId} and p.obeyed and (p.signal is null or p.signal = 'select')
    group by 1 order by min(p.said_at), 1`.execute(tx);
  return rows.rows.map(({ name }) => name);
}

/**
 * What was learned in a repository before, the oldest first. Until the transaction ends nobody else adds to it: of two who
 * learn the same at the same moment, one sees the other's.
 */
export async function lockCorrections(tx: Tx, repository: string): Promise<Correction[]> {
  await sql`select from locks where name = 'corrections' for update`.execute(tx);
  const rows = await tx
    .selectFrom('corrections')
    .innerJoin('sessions', 'sessions.id', 'corrections.session_id')
    .innerJoin('tickets', 'tickets.id', 'sessions.ticket_id')
    .select(['corrections.id', 'corrections.rule', 'corrections.said_by', 'corrections.proposed'])
    .select(['sessions.ticket_id', 'tickets.hint'])
    .where('corrections.repository', '=', repository)
    .orderBy('corrections.created_at')
    .orderBy('corrections.id')
    .execute();
  return rows.map(({ id, rule, said_by, proposed, ticket_id, hint }) => ({
    id,
    rule,
    ticketId: ticket_id,
    ticket: { identifier: hint.identifier, title: hint.title, url: hint.url },
    saidBy: said_by,
    proposed,
  }));
}

/** Once for a session and rule. Answers its id. */
export async function addCorrection(
  tx: Tx,
  correction: {
    sessionId: string;
    repository: string;
    rule: string;
    normal: string;
    saidBy: string[];
    proposed: boolean;
  },
): Promise<string> {
  const { sessionId, repository, rule, normal, saidBy, proposed } = correction;
  const id = deterministicId('correction', sessionId, normal);
  await tx
    .insertInto('corrections')
    .values({
      id,
      repository,
      session_id: sessionId,
      rule,
      normal,
      said_by: toJson(saidBy),
      proposed,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  return id;
}

export async function markProposed(tx: Tx, ids: string[]): Promise<void> {
  if (ids.length > 0) await tx.updateTable('corrections').set({ proposed: true }).where('id', 'in', ids).execute();
}
