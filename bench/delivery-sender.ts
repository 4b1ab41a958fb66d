import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type DeliveryBody, signDelivery } from '../src/trackers/board/delivery.ts';

/** What its parent sends it first. */
export interface SendOrder {
  url: string;
  secret: string;
  /** Keeps the deliveries of one order apart from those of another. */
  run: string;
  perSecond: number;
  seconds: number;
  bytes: number;
  /** Tickets of the board, from 1. */
  tickets: number;
}

/** What it answers at the end. `late` is how far behind its timetable it sent, at most: then the figures are its own fault. */
export interface SendReport {
  times: number[];
  refused: number;
  late: number;
}

/** A tracker's side, in a process of its own: sends at fixed moments, however long the answers take. */
process.once('message', async (order: SendOrder) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const times: number[] = [];
  let refused = 0;
  let late = 0;
  const start = performance.now();
  const sent: Promise<void>[] = [];
  const total = order.perSecond * order.seconds;
  for (let index = 0; index < total; index++) {
    const delivery = signDelivery(order.secret, contentOf(index, order));
    const due = start + (index * 1000) / order.perSecond;
    const wait = due - performance.now();
    if (wait > 1) await delay(wait);
    const at = performance.now();
    late = Math.max(late, at - due);
    sent.push(
      post(agent, `${order.url}/webhooks/board`, delivery.headers, delivery.body).then(
        (status) => {
          times.push(performance.now() - at);
          if (status !== 200) refused += 1;
        },
        () => {
          refused += 1;
        },
      ),
    );
  }
  await Promise.all(sent);
  // Some 60,000 figures take a moment to leave.
  process.send?.({ times, refused, late } satisfies SendReport, () => process.disconnect());
});

function post(agent: Agent, url: string, headers: Record<string, string>, body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(body.byteLength) };
    const sending = request(url, { agent, method: 'POST', headers: { ...headers, ...length } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sending.on('error', reject);
    sending.end(body);
  });
}

const ada = { id: 'ada', name: 'Ada', isBot: false };
const agentAccount = { id: 'shipmate', name: 'shipmate', isBot: true };

/** Of ten, one assigns a ticket, three are comments, and six are changes that mean nothing to us. */
function contentOf(index: number, { run, bytes, tickets }: SendOrder): DeliveryBody {
  const number = (Math.floor(index / 10) % tickets) + 1;
  const kind = index % 10 === 0 ? 'ticket.assigned' : index % 10 < 4 ? 'comment.created' : 'ticket.changed';
  const ticket = { number, title: `Work ${number}`, state: 'Todo' as const, assignee: agentAccount };
  const words = 'The quick brown fox jumps over the lazy dog. ';
  const text = words.repeat(Math.ceil(bytes / words.length)).slice(0, bytes - 400);
  return {
    id: `bench/${run}/${index}`,
    event: kind,
    actor: ada,
    ticket: { ...ticket, fields: kind === 'comment.created' ? {} : { description: text } },
    previousAssignee: null,
    ...(kind === 'comment.created' && {
      comment: { id: `bench/${run}/${index}`, body: text, at: new Date().toISOString() },
    }),
  };
}
