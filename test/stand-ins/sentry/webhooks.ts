import { createHmac, randomUUID } from 'node:crypto';

/** A webhook request as it is sent. */
export interface SentryDelivery {
  /** "issue", "event_alert" */
  resource: string;
  action: string;
  headers: Record<string, string>;
  body: Buffer;
  payload: Record<string, unknown>;
}

/** Whom webhooks go to: an internal integration. */
export interface Integration {
  uuid: string;
  clientSecret: string;
  /** null: nobody listens, and what is told can still be seen. */
  url: string | null;
  /** Resources that it has subscribed to; alert rules reach it whatever stands here. */
  resources: string[];
}

export interface Outbox {
  /** Everything that was told, oldest first, whether or not anybody listens. */
  readonly told: SentryDelivery[];
  /** `late`: answered later than Sentry waits. */
  readonly counts: { sent: number; taken: number; late: number };
  tell(resource: string, payload: Record<string, unknown>): void;
  /** What is told from now on waits, until `release`, which may put it in another order, repeat and leave out. */
  hold(): void;
  release(order?: (held: SentryDelivery[]) => SentryDelivery[]): void;
  /** The same request once more, as it was. */
  resend(delivery: SentryDelivery): void;
  /** Anything, signed; it is not sent. */
  sign(resource: string, body: Buffer, at?: number): Record<string, string>;
  settled(): Promise<void>;
}

/**
 * There is no second try: whoever does not answer in time has missed it. Sentry gives a second; a machine at its limits gets more
 * here, for what a test says is not how fast that is.
 */
const answerWithinMs = 10_000;

export function createOutbox(integration: Integration, now: () => number): Outbox {
  const underWay = new Set<Promise<void>>();
  let held: SentryDelivery[] | null = null;

  async function post({ headers, body }: SentryDelivery, url: string): Promise<void> {
    outbox.counts.sent += 1;
    const signal = AbortSignal.timeout(answerWithinMs);
    await fetch(url, { method: 'POST', headers, body: new Uint8Array(body), signal }).then(
      async (answer) => {
        await answer.arrayBuffer();
        if (answer.ok) outbox.counts.taken += 1;
      },
      () => {
        if (signal.aborted) outbox.counts.late += 1;
      },
    );
  }

  function send(delivery: SentryDelivery): void {
    if (integration.url === null) return;
    const done = post(delivery, integration.url).finally(() => underWay.delete(done));
    underWay.add(done);
  }

  const outbox: Outbox = {
    told: [],
    counts: { sent: 0, taken: 0, late: 0 },
    sign: (resource, body, at = now()) => ({
      'content-type': 'application/json',
      'request-id': randomUUID(),
      'sentry-hook-resource': resource,
      'sentry-hook-timestamp': String(Math.floor(at / 1000)),
      'sentry-hook-signature': createHmac('sha256', integration.clientSecret).update(body).digest('hex'),
    }),
    tell(resource, payload) {
      if (resource !== 'event_alert' && !integration.resources.includes(resource)) return;
      const body = Buffer.from(JSON.stringify(payload));
      const action = String(payload.action);
      const delivery = { resource, action, headers: outbox.sign(resource, body), body, payload };
      outbox.told.push(delivery);
      if (held) held.push(delivery);
      else send(delivery);
    },
    hold() {
      held ??= [];
    },
    release(order = (each) => each) {
      const waiting = order(held ?? []);
      held = null;
      for (const delivery of waiting) send(delivery);
    },
    resend: send,
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
  return outbox;
}
