import { sql } from 'kysely';
import { type Child, childrenOf } from '../core/dependencies.ts';
import type { Plan } from '../core/plan.ts';
import type { SessionState } from '../core/session.ts';
import { hintOf, type Ticket, type TicketRelation } from '../core/ticket.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';
import { ticketIdOf } from './sessions.ts';
import { isOpen } from './waits.ts';

/** A ticket as it was last read; null before that. */
export async function readReading(db: Database | Tx, ticketId: string): Promise<Ticket | null> {
  const row = await db.selectFrom('tickets').select('reading').where('id', '=', ticketId).executeTakeFirst();
  return row?.reading ?? null;
}

/** Keeps a reading of a ticket that need not have a session. */
export async function keepReading(db: Database, reading: Ticket): Promise<void> {
  await sql`
    insert into tickets (id, tracker, external_id, identifier, hint, reading, read_at)
    values (${ticketIdOf(reading)}, ${reading.tracker}, ${reading.id}, ${reading.identifier}, ${toJson(hintOf(reading))}, ${toJson(reading)}, now())
    on conflict (tracker, external_id) do update set reading = excluded.reading, read_at = excluded.read_at`.execute(
    db,
  );
}

/** The parts of a ticket as its relations name them, with what our own sessions say of them. */
export async function readChildren(db: Database | Tx, relations: TicketRelation[]): Promise<Child[]> {
  if (relations.length === 0) return [];
  const found = await sql<{
    ticket_id: string;
    assignee: string | null;
    state: SessionState | null;
    is_held: boolean;
    given: boolean;
    closed: boolean;
    waiting: boolean;
    leads: boolean;
    pull_request: string | null;
    waits_for: string[];
  }>`
    select t.id as ticket_id, t.reading -> 'assignee' ->> 'name' as assignee, s.state, s.given, s.closed, s.waiting, s.leads,
      s.pull_request ->> 'url' as pull_request,
      exists (select from runs r where r.session_id = s.id and r.ended_at is null and r.worker is not null) as is_held,
      array(select w.hint ->> 'identifier' from waits w where w.session_id = s.id and s.waiting and ${isOpen}
        order by w.since, w.hint ->> 'identifier') as waits_for
    from tickets t left join sessions s on s.ticket_id = t.id
    where t.id = any(${relations.map(({ ticket }) => ticketIdOf(ticket))}::uuid[])`.execute(db);
  const rows = new Map(found.rows.map((row) => [row.ticket_id, row]));
  return relations.map(({ ticket, category }) => {
    const row = rows.get(ticketIdOf(ticket));
    const session = row?.state && row.given ? { ...row, state: row.state } : null;
    return {
      ticket,
      category,
      assignee: row?.assignee ?? null,
      session: session && {
        state: session.state,
        isHeld: session.is_held,
        closed: session.closed,
        waiting: session.waiting,
        leads: session.leads,
        waitsFor: session.waits_for,
        pullRequest: session.pull_request,
      },
    };
  });
}

export interface Leader {
  id: string;
  /** The parts of its ticket, as it was last read. */
  children: TicketRelation[];
  plan: Plan;
}

/** Sessions that lead sub-tickets which are not all over: so many, behind the one with this id. */
export async function listLeaders(db: Database, after: string | null, limit: number): Promise<Leader[]> {
  const found = await sql<{ id: string; relations: TicketRelation[] | null; plan: Plan | null }>`
    select s.id, t.reading -> 'relations' as relations, p.plan from sessions s
    join tickets t on t.id = s.ticket_id left join plans p on p.session_id = s.id
    where s.waiting and s.leads and s.id > coalesce(${after}::uuid, '00000000-0000-0000-0000-000000000000')
    order by s.id limit ${limit}`.execute(db);
  return found.rows.map(({ id, relations, plan }) => ({
    id,
    children: childrenOf({ relations: relations ?? [] }),
    plan: plan ?? [],
  }));
}

/** What tells one version of a session's plan from the next. */
export async function planVersion(tx: Tx, sessionId: string): Promise<string> {
  const found = await sql<{ version: string }>`
    select (extract(epoch from updated_at) * 1000000)::bigint::text as version from plans where session_id = ${sessionId}`.execute(
    tx,
  );
  return found.rows[0]?.version ?? '0';
}
