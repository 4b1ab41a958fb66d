import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../linear/clock.ts';
import type { Faults } from './faults.ts';

/** One that an administrator made, or (`clientId`) an app's own, which ends. */
export interface Webhook {
  id: number;
  /** null: nobody listens, and what is told can still be seen. */
  url: string | null;
  events: string[];
  /** '': of all issues. */
  jqlFilter: string;
  fieldIdsFilter: string[];
  secret: string | null;
  app: { clientId: string; clientSecret: string; accountId: string } | null;
  /** null: it stays. */
  expiresAt: number | null;
}

/** A webhook request as it is sent. */
export interface JiraDelivery {
  webhook: Webhook;
  event: string;
  headers: Record<string, string>;
  body: Buffer;
  /** What the body says. */
  payload: Record<string, unknown>;
}

export interface Outbox {
  /** Everything that was told, oldest first, whether or not anybody listens. */
  readonly told: JiraDelivery[];
  readonly counts: { attempts: number; taken: number };
  /** Requests that are under way. */
  waiting(): number;
  tell(webhook: Webhook, event: string, payload: Record<string, unknown>): JiraDelivery;
  /** What is told from now on waits, until `release`, which may put it in another order. */
  hold(): void;
  release(order?: (held: JiraDelivery[]) => JiraDelivery[]): void;
  /** The headers of anything, signed as this webhook's are; it is not sent. */
  sign(webhook: Webhook, body: Buffer): Record<string, string>;
  settled(): Promise<void>;
}

const mostRetries = 5;
const answerWithinMs = 20_000;
/** What is larger is never sent, and nobody is told. */
const mostBytes = 25 * 1024 * 1024;
const again = (status: number) => status === 0 || [408, 409, 425, 429].includes(status) || status >= 500;

export function createOutbox(clock: Clock, faults: Faults): Outbox {
  const underWay = new Set<Promise<void>>();
  let held: JiraDelivery[] | null = null;

  function sign(webhook: Webhook, body: Buffer): Record<string, string> {
    const headers: Record<string, string> = {
      'content-type': 'application/json; charset=UTF-8',
      'user-agent': 'Atlassian Webhook HTTP Client',
      'x-atlassian-webhook-identifier': randomUUID(),
      'x-atlassian-webhook-flow': 'Primary',
      'x-atlassian-webhook-trace': randomBytes(8).toString('hex'),
    };
    if (webhook.app) headers.authorization = `Bearer ${jwtOf(webhook.app, clock.now())}`;
    else if (webhook.secret !== null)
      headers['x-hub-signature'] = `sha256=${createHmac('sha256', webhook.secret).update(body).digest('hex')}`;
    return headers;
  }

  async function post(delivery: JiraDelivery, url: string, attempt: number): Promise<void> {
    outbox.counts.attempts += 1;
    const status = await fetch(url, {
      method: 'POST',
      headers: { ...delivery.headers, ...(attempt > 0 && { 'x-atlassian-webhook-retry': String(attempt) }) },
      body: new Uint8Array(delivery.body),
      signal: AbortSignal.timeout(answerWithinMs),
    }).then(
      async (answer) => {
        await answer.arrayBuffer();
        return answer.status;
      },
      () => 0,
    );
    if (status >= 200 && status < 300) outbox.counts.taken += 1;
    else if (again(status) && attempt < mostRetries)
      clock.at(clock.now() + (5 + 10 * Math.random()) * 60_000, () => start(delivery, url, attempt + 1));
  }

  function start(delivery: JiraDelivery, url: string, attempt = 0): void {
    const done = post(delivery, url, attempt).finally(() => underWay.delete(done));
    underWay.add(done);
  }

  function dispatch(delivery: JiraDelivery): void {
    const { url } = delivery.webhook;
    const actions = faults.ofDelivery(delivery.event);
    if (url === null || delivery.body.length > mostBytes || actions.some(({ type }) => type === 'drop')) return;
    const late = actions.reduce((sum, action) => sum + (action.type === 'late' ? action.ms : 0), 0);
    const times = 1 + actions.reduce((sum, action) => sum + (action.type === 'repeat' ? action.times : 0), 0);
    for (let sent = 0; sent < times; sent++) clock.at(clock.now() + late, () => start(delivery, url));
  }

  const outbox: Outbox = {
    told: [],
    counts: { attempts: 0, taken: 0 },
    waiting: () => underWay.size,
    sign,
    tell(webhook, event, payload) {
      const body = Buffer.from(JSON.stringify(payload));
      const delivery = { webhook, event, headers: sign(webhook, body), body, payload };
      outbox.told.push(delivery);
      if (held) held.push(delivery);
      else dispatch(delivery);
      return delivery;
    },
    hold() {
      held ??= [];
    },
    release(order = (each) => each) {
      const waiting = order(held ?? []);
      held = null;
      for (const delivery of waiting) dispatch(delivery);
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
  return outbox;
}

/** HS256 with the app's client secret, as it was seen on a real site. */
function jwtOf(app: { clientId: string; clientSecret: string; accountId: string }, now: number): string {
  const iat = Math.floor(now / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: app.clientId, sub: app.accountId, aud: [app.clientId], iat, exp: iat + 180 };
  const signed = `${part({ typ: 'JWT', alg: 'HS256' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', app.clientSecret).update(signed).digest('base64url')}`;
}
