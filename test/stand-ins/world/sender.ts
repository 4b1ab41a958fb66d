import { setTimeout as delay } from 'node:timers/promises';
import type { BoardDelivery } from '../../../src/trackers/board/delivery.ts';
import type { Faults } from './faults.ts';

const atOnce = 16;
const firstWaitMs = 50;
const longestWaitMs = 2_000;

export interface Sender {
  /** Where deliveries go; several stand for one address behind a balancer. None: they wait. */
  webhooks: string[];
  send(delivery: BoardDelivery, ticket: string): void;
  state(): { waiting: number; delivered: number; attempts: number };
}

/** Sends each delivery until somebody takes it, in its own time and in no particular order, as vendors do. */
export function createSender(faults: Faults, signal: AbortSignal): Sender {
  const state = { waiting: 0, delivered: 0, attempts: 0 };
  const queue: (() => Promise<void>)[] = [];
  let busy = 0;

  function next(): void {
    if (busy >= atOnce) return;
    const work = queue.shift();
    if (!work) return;
    busy += 1;
    work().finally(() => {
      busy -= 1;
      next();
    });
  }

  function attempt(delivery: BoardDelivery, tries: number): void {
    queue.push(async () => {
      const url = sender.webhooks[state.attempts % Math.max(sender.webhooks.length, 1)];
      if (url !== undefined) state.attempts += 1;
      const taken = url !== undefined && (await post(url, delivery));
      if (taken) {
        state.waiting -= 1;
        state.delivered += 1;
      } else later(Math.min(longestWaitMs, firstWaitMs * 2 ** tries), () => attempt(delivery, tries + 1));
    });
    next();
  }

  function later(ms: number, work: () => void): void {
    delay(ms, undefined, { signal }).then(work, () => {});
  }

  async function post(url: string, { headers, body }: BoardDelivery): Promise<boolean> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
    try {
      const answer = await fetch(url, { method: 'POST', headers, body: Buffer.from(body), signal: within });
      await answer.arrayBuffer();
      return answer.ok;
    } catch {
      return false;
    }
  }

  const sender: Sender = {
    webhooks: [],
    send(delivery, ticket) {
      const actions = faults.of('delivery', ticket);
      const waitMs = actions.reduce((sum, action) => sum + (action.type === 'late' ? action.ms : 0), 0);
      const times = [waitMs];
      for (const action of actions)
        if (action.type === 'repeat')
          for (let again = 1; again <= action.times; again++) times.push(waitMs + again * action.ms);
      for (const ms of times) {
        state.waiting += 1;
        later(ms, () => attempt(delivery, 0));
      }
    },
    state: () => ({ ...state }),
  };
  return sender;
}
