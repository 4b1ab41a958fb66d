import { type DeliveryBody, signDelivery } from '../src/trackers/board/delivery.ts';
import { sendAtPace } from './pace.ts';

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

/** A tracker's side, in a process of its own. */
process.once('message', async (order: SendOrder) => {
  const sign = (index: number) => signDelivery(order.secret, contentOf(index, order));
  const report = await sendAtPace(`${order.url}/webhooks/board`, order, sign);
  // Some 60,000 figures take a moment to leave.
  process.send?.(report, () => process.disconnect());
});

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
