import type { Config } from '../config.ts';
import type { Automation } from '../core/automation-templates.ts';
import { noTokens } from '../core/message.ts';
import { type OrderDay, type StandingOrder, whyIdle } from '../core/standing-orders.ts';
import { VendorError } from '../core/vendor-error.ts';
import {
  type AutomationDeps,
  beginAutomation,
  candidates,
  dayOf,
  fileAutomations,
  fileNoted,
  fileSummary,
  nameOf,
  type OrderDeps,
  type SortDeps,
  summaryNow,
  workOrders,
} from '../flow.ts';
import type { Queues } from '../jobs/queues.ts';
import { nextDue } from '../lib/cron.ts';
import { type AutomationRun, listAutomationRuns, pause, readRecurring, resume } from '../store/automation-runs.ts';
import { hasFreeSlot, listPicks, type PickView, readDay } from '../store/order-picks.ts';
import { readRound } from '../store/order-rounds.ts';
import { openModel } from './parts.ts';

/** A standing order as it stands now. */
export interface OrderView {
  order: StandingOrder;
  today: OrderDay;
  picks: PickView[];
  /** Why it takes nothing now; null: it does. */
  idle: string | null;
  /** It matches more tickets than it keeps in view. */
  many: boolean;
  /** The model whose price nobody knows, so that no money of the order is counted. */
  unpriced: string | null;
}

export interface AutomationView {
  automation: Automation;
  /** By itself, because it failed, or by people; null: it runs. */
  paused: string | null;
  next: Date;
  /** The newest first. */
  runs: AutomationRun[];
}

/** What the agent begins by itself: standing orders, automations, the summary of the day. */
export interface OwnWork {
  /** What comes round in one process of all. */
  rounds: { name: string; minutes: number; work(signal: AbortSignal): Promise<unknown> }[];
  /** From now on this process is told by the clock of the database when an automation is due. */
  listen(): Promise<void>;
  orders(): Promise<OrderView[]>;
  /** What an order would take next, as people call it, and why; null: nothing that it looks at now fits. Throws `VendorError`. */
  nextOf(order: string, signal: AbortSignal): Promise<{ identifier: string; title: string } | null>;
  /** Has an order take what it may now. */
  runOrder(order: string, signal: AbortSignal): Promise<void>;
  automations(): Promise<AutomationView[]>;
  /** Files the ticket of an automation now; why it was skipped, or null. */
  runAutomation(name: string, signal: AbortSignal): Promise<string | null>;
  /** Whether that changed anything. */
  pauseAutomation(name: string): Promise<boolean>;
  resumeAutomation(name: string): Promise<boolean>;
  /** What people would be told now; null: nothing. */
  summary(): Promise<string | null>;
}

export function createOwnWork(
  deps: SortDeps & {
    config: Config;
    queues(): Promise<Queues>;
    stops: (() => Promise<unknown>)[];
    now?: () => Date;
  },
): OwnWork {
  const { config, db, log, queues, stops, now = () => new Date() } = deps;
  const orders: StandingOrder[] = Object.entries(config.orders).map(([name, order]) => ({ name, ...order }));
  const automations: Automation[] = Object.entries(config.automations).map(([name, one]) => ({ name, ...one }));
  const routing = { repositories: config.repositories, rules: config.routes, fields: config.fields };
  const ordering: OrderDeps = { ...deps, orders, routing, slots: config.worker.slots, now };
  const filing: AutomationDeps = { ...deps, automations, now };
  const summing = { ...deps, summary: config.summary, now };
  const named = <T extends { name: string }>(all: T[], name: string, what: string): T => {
    const found = all.find((one) => one.name === name);
    if (found) return found;
    const known = all.length === 0 ? 'None is configured.' : `Known: ${all.map(({ name }) => name).join(', ')}.`;
    throw new VendorError(`There is no ${what} "${name}". ${known}`, { code: 'not_found', retryable: false });
  };

  return {
    rounds: [
      ...(orders.length === 0
        ? []
        : [{ name: 'standing orders', minutes: 1, work: (signal: AbortSignal) => workOrders(ordering, signal) }]),
      ...(automations.length === 0
        ? []
        : [{ name: 'automations', minutes: 1, work: (signal: AbortSignal) => fileAutomations(filing, signal) }]),
      ...(config.summary.at === null
        ? []
        : [{ name: 'summary', minutes: 1, work: (signal: AbortSignal) => fileSummary(summing, signal) }]),
    ],

    async listen() {
      if (automations.length === 0) return;
      const stopping = new AbortController();
      let looking: Promise<unknown> = Promise.resolve();
      stops.push(async () => {
        stopping.abort(new Error('the service is stopping'));
        await looking;
      });
      await (await queues()).onDue(automations, () => {
        if (stopping.signal.aborted) return;
        looking = looking
          .then(() => fileAutomations(filing, stopping.signal))
          .catch((error: unknown) => {
            // The round that comes every minute tries again.
            if (!stopping.signal.aborted) log.warn({ err: error }, 'automations that are due could not be filed yet');
          });
      });
    },

    async orders() {
      const day = dayOf(now());
      const views: OrderView[] = [];
      const model = orders.length === 0 ? null : openModel(config);
      const unpriced = model && model.cost({ ...noTokens, input: 1_000_000 }) === null ? model.id : null;
      for (const order of orders) {
        const today = await readDay(db, order.name, day);
        const isBusy = !(await hasFreeSlot(db, ordering.slots));
        const idle = whyIdle(order, today) ?? (isBusy ? 'all workers are busy' : null);
        const { many } = await readRound(db, order.name);
        views.push({ order, today, picks: await listPicks(db, order.name, day), idle, many, unpriced });
      }
      return views;
    },
    async nextOf(name, signal) {
      for await (const { ticket } of candidates(ordering, named(orders, name, 'standing order'), signal, false))
        return ticket;
      return null;
    },
    runOrder: (name, signal) => workOrders({ ...ordering, orders: [named(orders, name, 'standing order')] }, signal),

    async automations() {
      const views: AutomationView[] = [];
      for (const automation of automations) {
        const { paused } = await readRecurring(db, nameOf(automation), now());
        const runs = await listAutomationRuns(db, { automation: automation.name, limit: 5 });
        const byConfig = automation.paused ? `automations.${automation.name}.paused` : null;
        const next = nextDue(automation.cron, automation.timezone, now());
        views.push({ automation, paused: byConfig ?? paused?.why ?? null, next, runs });
      }
      return views;
    },
    async runAutomation(name, signal) {
      const automation = named(automations, name, 'automation');
      const { skipped } = await beginAutomation(filing, automation, now(), signal);
      await fileNoted(filing, automation, signal);
      return skipped;
    },
    pauseAutomation: (name) => pause(db, nameOf(named(automations, name, 'automation')), 'by a person', now()),
    resumeAutomation: (name) => resume(db, nameOf(named(automations, name, 'automation')), now()),
    summary: () => summaryNow(summing),
  };
}
