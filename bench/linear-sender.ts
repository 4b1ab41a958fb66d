import { createHmac, randomUUID } from 'node:crypto';
import type { Given } from './linear-process.ts';
import { type SendReport, sendAtPace } from './pace.ts';

/** What its parent sends it first. */
export interface LinearSendOrder {
  url: string;
  secret: string;
  perSecond: number;
  seconds: number;
  /** Of each body, at least and at most. */
  bytes: [least: number, most: number];
  given: Given[];
  examples: { issue: Record<string, unknown>; comment: Record<string, unknown> };
}

/** What it answers at the end. */
export interface LinearSendReport extends SendReport {
  /** When each agent session was told of, by `Date.now()`. */
  toldAt: Record<string, number>;
}

type Data = Record<string, unknown>;

const words = 'The quick brown fox jumps over the lazy dog. ';
const textOf = (bytes: number) => words.repeat(Math.ceil(bytes / words.length)).slice(0, Math.max(bytes, 0));

/** Linear's side, in a process of its own. */
process.once('message', async (order: LinearSendOrder) => {
  const { url, secret } = order;
  const toldAt: Record<string, number> = {};
  const report = await sendAtPace(`${url}/webhooks/linear`, order, (index) => {
    const payload: Data = { ...payloadOf(order, index), webhookTimestamp: Date.now() };
    const body = Buffer.from(JSON.stringify(payload));
    if (payload.type === 'AgentSessionEvent') toldAt[(payload.agentSession as { id: string }).id] = Date.now();
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'linear-delivery': randomUUID(),
      'linear-event': String(payload.type),
      'linear-signature': createHmac('sha256', secret).update(body).digest('hex'),
    };
    return { headers, body };
  });
  process.send?.({ ...report, toldAt } satisfies LinearSendReport, () => process.disconnect());
});

/** Of ten, one gives the agent an issue, three are comments there, and six are changes of its description. */
function payloadOf({ bytes: [least, most], given, examples }: LinearSendOrder, index: number): Data {
  const bytes = least + ((index * 7919) % (most - least + 1));
  const about = given[Math.floor(index / 10) % given.length] as Given;
  const filled = (payload: Data, fill: (text: string) => Data): Data =>
    fill(textOf(bytes - Buffer.byteLength(JSON.stringify(payload)) - 40));
  if (index % 10 === 0)
    return filled(about.payload, (text) => ({
      ...about.payload,
      promptContext: `${about.payload.promptContext}\n${text}`,
    }));
  const { issue } = about.payload.agentSession as { issue: Data };
  const at = new Date().toISOString();
  if (index % 10 < 4) {
    const { comment } = examples;
    const data = { ...(comment.data as Data), id: randomUUID(), issueId: issue.id, issue, createdAt: at };
    return filled({ ...comment, data }, (text) => ({ ...comment, data: { ...data, body: text } }));
  }
  const { issue: change } = examples;
  const data = { ...(change.data as Data), ...issue, updatedAt: at };
  return filled({ ...change, data }, (text) => ({ ...change, data: { ...data, description: text } }));
}
