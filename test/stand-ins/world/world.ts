import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { BranchPush } from '../../../src/code-hosts/code-host.ts';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { Repository } from '../../../src/core/repository.ts';
import type { Person, TicketQuery } from '../../../src/core/ticket.ts';
import { VendorError } from '../../../src/core/vendor-error.ts';
import { type DeliveryBody, signDelivery } from '../../../src/trackers/board/delivery.ts';
import { makeRepository } from '../../support/repository.ts';
import { type Changed, createBoard } from './board.ts';
import { createFaults, type FaultAction, type WorldCall } from './faults.ts';
import { type Asked, createLedger } from './ledger.ts';
import { Refusal } from './refusal.ts';
import { createRepositories, type OpenRequest } from './repositories.ts';
import { createSender } from './sender.ts';

export interface WorldOptions {
  /** Where the bare repositories are made. */
  dir: string;
  /** The agent's account. */
  agent?: string;
  /** Signs the deliveries. */
  secret?: string;
  port?: number;
}

export interface World {
  url: string;
  close(): Promise<void>;
}

export const defaultSecret = 'the secret of the world';

/** What bodies hold; each handler trusts its client. */
type Body = Record<
  | 'id'
  | 'draft'
  | 'by'
  | 'assignee'
  | 'body'
  | 'state'
  | 'name'
  | 'files'
  | 'urls'
  | 'faults'
  | 'tickets'
  | 'cursor'
  | 'repository'
  | 'number'
  | 'type'
  | 'other'
  | 'file'
  | 'content',
  never
> & {
  ticket: string;
  query: TicketQuery;
  words: string;
  limit: number;
  operation: TicketOperation;
  push: BranchPush;
  request: OpenRequest;
};

/** What a request's handler is told beside its body. */
interface Call {
  hideMs: number;
}

/**
 * The outside: a tracker and a code host that live in this process's memory and speak HTTP, with people, faults, and a count of
 * all that they took in. A vendor in what matters: a write carries the sender's id and is refused when that is known, a second
 * open pull request for the same branches is refused, deliveries come late, twice, and until somebody takes them.
 */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { dir, agent = 'shipmate', secret = defaultSecret, port = 0 } = options;
  const stopping = new AbortController();
  const faults = createFaults();
  const ledger = createLedger();
  const board = createBoard(agent);
  const repositories = createRepositories();
  const sender = createSender(faults, stopping.signal);
  const closedUntil = { tracker: 0, 'code-host': 0 };

  function tell(told: DeliveryBody | null) {
    const delivery = told && signDelivery(secret, told);
    if (delivery) sender.send(delivery, `BOARD-${told?.ticket.number}`);
    return delivery && { headers: delivery.headers, body: Buffer.from(delivery.body).toString('base64') };
  }
  const changed = ({ ticket, told }: Changed) => ({ ticket, delivery: tell(told) });

  /** With the ticket that it is sent to, or with none: then it is related to nothing. */
  function file(id: string | null, operation: TicketOperation): unknown {
    if (operation.kind !== 'createTicket') throw new Refusal(422, `a ${operation.kind} files nothing`);
    const { told, isNew, hint } = board.file(id, operation);
    const at = id === null ? hint.identifier : board.show(id).identifier;
    if (isNew) ledger.write('createTicket', operation.id, at, hint.title);
    tell(told);
    return { hint };
  }

  function sendToTicket(id: string, operation: TicketOperation, { hideMs }: Call): unknown {
    const ticket = board.show(id).identifier;
    const write = (content: unknown) => ledger.write(operation.kind, operation.id, ticket, content);
    switch (operation.kind) {
      case 'postActivity':
        board.postActivity(id, operation.id, operation.activity);
        return write(operation.activity);
      case 'updatePlan':
        board.replacePlan(id, operation.id, operation.plan);
        return write(operation.plan);
      case 'linkSession':
        if (board.attach(id, operation.id, operation.url, 'What the agent does')) write(operation.url);
        return;
      case 'attachPullRequest':
        if (board.attach(id, operation.id, String(operation.url), operation.title)) write(operation.url);
        return;
      case 'leaveConversation':
        return { skipped: 'there is one place to talk' };
      case 'attachFile':
        return { skipped: 'it takes no files' };
      case 'moveTicket': {
        const { told, ...answer } = board.moveFrom(id, operation.id, operation.to, operation.from, hideMs);
        if (told) write(answer.state);
        tell(told);
        return answer;
      }
      case 'createTicket':
        return file(id, operation);
      case 'takeTicket':
      case 'releaseTicket': {
        const isTaken = operation.kind === 'takeTicket';
        const { told, ...answer } = isTaken ? board.take(id, operation.id) : board.release(id, operation.id);
        if (told) write(isTaken ? 'taken' : 'released');
        tell(told);
        return answer;
      }
    }
  }

  /** What the product calls, subject to faults and limits. */
  const product: Partial<Record<WorldCall, (body: Body, call: Call) => unknown>> = {
    readTicket: ({ id }) => board.read(id),
    readAttachment: ({ id, file }) => board.readFile(id, file),
    listTickets: ({ query, cursor }) => board.list(query, cursor),
    searchTickets: ({ words, limit }) => board.search(words, limit),
    postActivity: ({ ticket, operation }, call) => sendToTicket(ticket, operation, call),
    updatePlan: ({ ticket, operation }, call) => sendToTicket(ticket, operation, call),
    attachFile: ({ ticket, operation }, call) => sendToTicket(ticket, operation, call),
    moveTicket: ({ ticket, operation }, call) => sendToTicket(ticket, operation, call),
    attachPullRequest: ({ ticket, operation }, call) => sendToTicket(ticket, operation, call),
    linkSession: ({ ticket, operation }, call) => sendToTicket(ticket, operation, call),
    leaveConversation: ({ ticket, operation }, call) => sendToTicket(ticket, operation, call),
    createTicket: ({ ticket, operation }) => file(ticket, operation),
    takeTicket: ({ ticket, operation }, call) => sendToTicket(ticket, operation, call),
    releaseTicket: ({ ticket, operation }, call) => sendToTicket(ticket, operation, call),
    locate: ({ repository }) => repositories.locate(repository),
    async pushBranch({ repository, push }) {
      const moved = await repositories.push(repository, push);
      if (moved) ledger.write('pushBranch', push.commit, ticketOf(push.branch), push);
      return { commit: push.commit };
    },
    async openPullRequest({ repository, request }, { hideMs }) {
      const opened = await repositories.open(repository, request, hideMs);
      ledger.write('openPullRequest', request.id, ticketOf(request.head), opened);
      return opened;
    },
    async updatePullRequest({ repository, number, request }) {
      const updated = await repositories.update(repository, number, request);
      ledger.write('updatePullRequest', request.id, ticketOf(request.head), updated);
      return updated;
    },
    findPullRequest: ({ repository, by }) => repositories.find(repository, by),
    readPullRequest: ({ repository, number }) => repositories.read(repository, number),
  };

  /** What people and tests do: always works. */
  const people: Record<string, (body: Body) => unknown> = {
    create: ({ draft, by }) => changed(board.create(draft, by ?? ada)),
    relate: ({ id, type, other, by }) => changed(board.relate(id, type, other, by ?? ada)),
    assign: ({ id, assignee, by }) => changed(board.assign(id, assignee ?? agent, by ?? ada)),
    unassign: ({ id, by }) => changed(board.unassign(id, by ?? ada)),
    comment: ({ id, body, by }) => changed(board.comment(id, body, by ?? ada)),
    move: ({ id, state, by }) => changed(board.move(id, state, by ?? ada)),
    attach: ({ id, file, content, by }) => changed(board.attachFile(id, file, content, by ?? ada)),
    remove: ({ id }) => board.remove(id),
    show: ({ id }) => board.show(id),
    pullRequests: () => repositories.all(),
    async repository({ name, files }) {
      const path = join(dir, `${name}.git`);
      await makeRepository(path, files);
      return { name, codeHost: 'local-git', location: path, base: null } satisfies Repository;
    },
    webhooks({ urls }) {
      sender.webhooks = urls;
    },
    deliveries: () => sender.state(),
    faults: ({ faults: added }) => faults.add(added),
    mend: () => faults.clear(),
    counts: ({ tickets }) => ledger.counts(tickets ?? board.identifiers()),
    moves: () => ledger.moves(),
    writes: () => ledger.writes,
    requests: () => ledger.requests,
  };

  async function answerProduct(
    account: Asked['account'],
    name: WorldCall,
    incoming: IncomingMessage,
    to: ServerResponse,
  ) {
    const body = (await json(incoming)) as Body;
    const ticket: string | null = ticketOf(
      body.push?.branch ?? body.request?.head ?? `board-${body.ticket ?? body.id}`,
    );
    const asked: Asked = { at: Date.now(), account, call: name, ticket, id: idIn(body), status: 0 };
    ledger.requests.push(asked);
    const send = (status: number, content: unknown, headers = {}) => {
      asked.status = status;
      to.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(content ?? null));
    };
    const actions = faults.of(name, ticket);
    for (const action of actions)
      if (action.type === 'rateLimit')
        closedUntil[account] = Math.max(closedUntil[account], Date.now() + action.seconds * 1000);
    const closedMs = closedUntil[account] - Date.now();
    if (closedMs > 0)
      return send(429, { message: 'too many requests' }, { 'retry-after': String(Math.ceil(closedMs / 1000)) });
    for (const action of actions) if (action.type === 'fail') return send(action.status, { message: 'out of order' });
    await waits(actions, 'before');
    const handler = Object.hasOwn(product, name) ? product[name] : undefined;
    if (!handler) throw new Refusal(404, `there is no call ${name}`);
    let [status, content]: [number, unknown] = [200, null];
    try {
      content = await handler(body, { hideMs: hiding(actions) });
    } catch (error) {
      [status, content] = refusalOf(error);
    }
    await waits(actions, 'after');
    if (actions.some((action) => action.type === 'loseReply')) {
      to.socket?.resetAndDestroy();
      return;
    }
    send(status, content);
  }

  async function answer(incoming: IncomingMessage, to: ServerResponse): Promise<void> {
    const [, room = '', name = ''] = new URL(incoming.url ?? '/', 'http://world').pathname.split('/');
    try {
      if (room === 'tracker' || room === 'code-host') return await answerProduct(room, name as WorldCall, incoming, to);
      const handler = room === 'people' && Object.hasOwn(people, name) ? people[name] : undefined;
      if (!handler) throw new Refusal(404, `there is no ${room}/${name} in the world`);
      const content = await handler((await json(incoming)) as Body);
      to.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content ?? null));
    } catch (error) {
      const [status, content] = refusalOf(error);
      if (!to.headersSent) to.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    }
  }

  function waits(actions: FaultAction[], when: 'before' | 'after'): Promise<unknown> {
    const ms = actions.reduce(
      (sum, action) => sum + (action.type === 'late' && (action.wait ?? 'after') === when ? action.ms : 0),
      0,
    );
    return ms > 0 ? delay(ms, undefined, { signal: stopping.signal }).catch(() => {}) : Promise.resolve();
  }

  const server = createServer((incoming, to) => void answer(incoming, to));
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      stopping.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const ada: Person = { id: 'ada', name: 'Ada', isBot: false };

/** Branches of ours name their ticket. */
function ticketOf(branch: string): string | null {
  const number = /board-(?:board-)?(\d+)/i.exec(branch)?.[1];
  return number === undefined ? null : `BOARD-${number}`;
}

function idIn(body: {
  operation?: { id: string };
  request?: { id: string };
  push?: { commit: string };
}): string | null {
  return body.operation?.id ?? body.request?.id ?? body.push?.commit ?? null;
}

function hiding(actions: FaultAction[]): number {
  return Math.max(0, ...actions.map((action) => (action.type === 'hide' ? action.ms : 0)));
}

function refusalOf(error: unknown): [number, { message: string; code: string | null }] {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Refusal) return [error.status, { message, code: error.code }];
  if (error instanceof VendorError) return [error.code === 'not_found' ? 404 : 422, { message, code: error.code }];
  return [500, { message, code: null }];
}

/** As a process: `node world.ts '{"dir":"...","port":0}'` says its URL on a line of its own and runs until it is killed. */
if (import.meta.main) {
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume(); // whoever started it is gone
  const world = await startWorld(JSON.parse(process.argv[2] ?? '{}'));
  process.stdout.write(`${JSON.stringify({ url: world.url })}\n`);
}
