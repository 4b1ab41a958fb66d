import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Installation } from './apps.ts';
import { contractOf } from './contract.ts';
import type { GitHub } from './github.ts';
import type { Repository, User } from './rows.ts';
import { describeRepository, describeUser } from './views.ts';

/** What an event is about, beside its own members. */
export interface Told {
  sender: User;
  repository?: Repository;
  installation?: Installation;
  /** Its own members, with all that may be said of them: what this event does not have is left out. */
  payload?: Record<string, unknown>;
}

/** One webhook request, as the real one's log has it. */
export interface HookDelivery {
  id: number;
  /** `X-GitHub-Delivery`: the same when it is sent again. */
  guid: string;
  event: string;
  action: string | null;
  deliveredAt: string;
  isRedelivery: boolean;
  /** 0: nothing came back. */
  statusCode: number;
  status: string;
  installationId: number | null;
  repositoryId: number | null;
  headers: Record<string, string>;
  body: Buffer;
}

export interface Outbox {
  /** Every attempt, oldest first. */
  readonly log: HookDelivery[];
  emit(event: string, action: string | null, told: Told): void;
  /** Sends it again, once; the same GUID. */
  redeliver(id: number): HookDelivery | null;
  /** What is emitted from now on waits, until `release`, which may put it in another order. */
  hold(): void;
  release(order?: (held: HookDelivery[]) => HookDelivery[]): void;
  /** The headers of any body, signed. */
  sign(event: string, body: Buffer, guid?: string): Record<string, string>;
  /** Nothing is under way any more. */
  settled(): Promise<void>;
}

const answerWithinMs = 10_000;

/** Sent once, and never again by itself. */
export function createOutbox(owner: () => GitHub): Outbox {
  const log: HookDelivery[] = [];
  const underWay = new Set<Promise<void>>();
  let held: HookDelivery[] | null = null;

  function sign(event: string, body: Buffer, guid: string = randomUUID()): Record<string, string> {
    const { app } = owner().apps;
    const mac = (kind: string) => createHmac(kind, app.webhookSecret).update(body).digest('hex');
    return {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/0000000',
      'x-github-delivery': guid,
      'x-github-event': event,
      'x-github-hook-id': '1',
      'x-github-hook-installation-target-id': String(app.id),
      'x-github-hook-installation-target-type': 'integration',
      'x-hub-signature': `sha1=${mac('sha1')}`,
      'x-hub-signature-256': `sha256=${mac('sha256')}`,
    };
  }

  async function post(delivery: HookDelivery): Promise<void> {
    const github = owner();
    const url = github.apps.app.webhookUrl;
    const faults = delivery.isRedelivery ? [] : github.faults.ofDelivery(delivery.event);
    let times = 1;
    for (const fault of faults) {
      if (fault.type === 'late') await delay(fault.ms);
      if (fault.type === 'repeat') times += fault.times;
      if (fault.type === 'drop') times = 0;
    }
    delivery.status = times === 0 ? 'failed to connect to host' : 'pending';
    if (url === null) return;
    for (let time = 0; time < times; time++) {
      const statusCode = await fetch(url, {
        method: 'POST',
        headers: delivery.headers,
        body: new Uint8Array(delivery.body),
        signal: AbortSignal.timeout(answerWithinMs),
      }).then(
        async (answer) => {
          await answer.arrayBuffer();
          return answer.status;
        },
        () => 0,
      );
      delivery.statusCode = statusCode;
      delivery.status = statusCode >= 200 && statusCode < 300 ? 'OK' : `Invalid HTTP Response: ${statusCode}`;
    }
  }

  function start(delivery: HookDelivery): void {
    const done = post(delivery).finally(() => underWay.delete(done));
    underWay.add(done);
  }

  return {
    log,
    sign,

    emit(event, action, { sender, repository, installation: named, payload = {} }) {
      const github = owner();
      const { apps } = github;
      const installation =
        named ?? apps.installations.find((each) => repository && !each.isDeleted && apps.covers(each, repository));
      if (!installation || (installation.suspendedAt !== null && !event.startsWith('installation'))) return;
      // Of its installations an App is told whatever it has asked for.
      const isOwn = event.startsWith('installation');
      if (!isOwn && !apps.app.events.some((each) => each === '*' || each === event)) return;
      const whole = {
        ...(action === null ? {} : { action }),
        ...payload,
        sender: describeUser(github, sender),
        installation: { id: installation.id, node_id: `I_${installation.id}`, ...(payload.installation as object) },
        ...(repository ? { repository: describeRepository(github, repository) } : {}),
      };
      const body = Buffer.from(JSON.stringify(fitted(event, action, whole)));
      const guid = randomUUID();
      const delivery: HookDelivery = {
        id: github.nextId(),
        guid,
        event,
        action,
        deliveredAt: github.clock.stamp(),
        isRedelivery: false,
        statusCode: 0,
        status: 'pending',
        installationId: installation.id,
        repositoryId: repository?.id ?? null,
        headers: sign(event, body, guid),
        body,
      };
      log.push(delivery);
      if (held) held.push(delivery);
      else start(delivery);
    },

    redeliver(id) {
      const first = log.find((delivery) => delivery.id === id);
      if (!first) return null;
      const github = owner();
      const again = { ...first, id: github.nextId(), deliveredAt: github.clock.stamp(), isRedelivery: true };
      log.push(again);
      start(again);
      return again;
    },

    hold() {
      held ??= [];
    },
    release(order = (each) => each) {
      const waiting = order(held ?? []);
      held = null;
      for (const delivery of waiting) start(delivery);
    },

    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** The payload as the vendor's description of this event has it. */
function fitted(event: string, action: string | null, payload: object): unknown {
  const contract = contractOf('openapi-webhooks-types');
  const dashed = (text: string) => text.replaceAll('_', '-');
  const id = action === null ? dashed(event) : `${dashed(event)}/${dashed(action)}`;
  const schema = contract.part(id, 'requestBody', 'content', 'application/json');
  if (!schema) throw new Error(`The vendor's description has no payload of ${id}.`);
  const whole = contract.fill(schema, payload, true);
  const problems = contract.problems(schema, whole, id);
  if (problems.length > 0) throw new Error(`The stand-in's webhook is not GitHub's: ${problems.join('; ')}`);
  return whole;
}
