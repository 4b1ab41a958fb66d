import type { PullRequest } from '../../../src/core/pull-request.ts';
import type { Repository } from '../../../src/core/repository.ts';
import type { Person, RelationType } from '../../../src/core/ticket.ts';
import type { TicketDraft, WorldTicket } from './board.ts';
import type { Fault } from './faults.ts';
import type { Asked, TicketCounts, Write } from './ledger.ts';

export interface Told {
  ticket: WorldTicket;
  /** What is being delivered; `body` is base64. null: nothing became different. */
  delivery: { headers: Record<string, string>; body: string } | null;
}

/** What people do in the world, and what can be seen there. A ticket is named "BOARD-12" or "12". */
export interface WorldClient {
  url: string;
  create(draft: TicketDraft, by?: Person): Promise<Told>;
  /** To the agent, unless somebody is named. */
  assign(id: string, assignee?: string, by?: Person): Promise<Told>;
  /** As `id` sees it: "blockedBy". */
  relate(id: string, type: RelationType, other: string, by?: Person): Promise<Told>;
  unassign(id: string, by?: Person): Promise<Told>;
  comment(id: string, body: string, by?: Person): Promise<Told>;
  move(id: string, state: string, by?: Person): Promise<Told>;
  /** Adds a file. */
  attach(id: string, name: string, content: Uint8Array, by?: Person): Promise<Told>;
  /** The ticket is gone, and nobody is told. */
  remove(id: string): Promise<void>;
  show(id: string): Promise<WorldTicket>;
  pullRequests(): Promise<PullRequest[]>;
  /** Makes a bare repository with these files on `main`; without any, the demo's project. */
  repository(name: string, files?: Record<string, string>): Promise<Repository>;
  /** Where deliveries go from now on; none: they wait. */
  webhooks(urls: string[]): Promise<void>;
  deliveries(): Promise<{ waiting: number; delivered: number; attempts: number }>;
  faults(faults: Fault[]): Promise<void>;
  /** No faults from now on; what waits for its limit's time still does. */
  mend(): Promise<void>;
  /** Of these tickets; all unless told. */
  counts(tickets?: string[]): Promise<Record<string, TicketCounts>>;
  /** How often anything but words in passing was written. */
  moves(): Promise<number>;
  writes(): Promise<Write[]>;
  requests(): Promise<Asked[]>;
}

export function worldClient(url: string): WorldClient {
  async function ask<T>(name: string, body: unknown = {}): Promise<T> {
    const answer = await fetch(`${url}/people/${name}`, { method: 'POST', body: JSON.stringify(body) });
    const content = (await answer.json()) as { message: string };
    if (!answer.ok) throw new Error(`the world answered ${answer.status} to ${name}: ${content.message}`);
    return content as T;
  }
  return {
    url,
    create: (draft, by) => ask('create', { draft, by }),
    assign: (id, assignee, by) => ask('assign', { id, assignee, by }),
    relate: (id, type, other, by) => ask('relate', { id, type, other, by }),
    unassign: (id, by) => ask('unassign', { id, by }),
    comment: (id, body, by) => ask('comment', { id, body, by }),
    move: (id, state, by) => ask('move', { id, state, by }),
    attach: (id, file, content, by) =>
      ask('attach', { id, file, content: Buffer.from(content).toString('base64'), by }),
    remove: (id) => ask('remove', { id }),
    show: (id) => ask('show', { id }),
    pullRequests: () => ask('pullRequests'),
    repository: (name, files) => ask('repository', { name, files }),
    webhooks: (urls) => ask('webhooks', { urls }),
    deliveries: () => ask('deliveries'),
    faults: (faults) => ask('faults', { faults }),
    mend: () => ask('mend'),
    counts: (tickets) => ask('counts', { tickets }),
    moves: () => ask('moves'),
    writes: () => ask('writes'),
    requests: () => ask('requests'),
  };
}
