import { PgBoss } from 'pg-boss';

/**
 * Queues of nudges, for work that another process may have to do. A nudge says "look at your table"; it carries no data
 * that anything depends on, and losing one costs latency only. Effects have none: whoever writes them posts them.
 * `group` limits of pg-boss are not used: with them the nudge of a killed worker, still "active", would keep its session
 * waiting.
 */
export const nudgeNames = ['hint', 'sort', 'run'] as const;
export type NudgeName = (typeof nudgeNames)[number];

/** A connection inside somebody's transaction, in pg-boss's words. */
export interface SqlExecutor {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

export interface Queues {
  /** Sends a nudge in the caller's transaction: it exists when, and only when, that commits. */
  nudge(queue: NudgeName, db: SqlExecutor): Promise<void>;
  /** Sends one now. */
  nudgeNow(queue: NudgeName): Promise<void>;
  /** Calls back when a nudge has come, once for all that wait. */
  onNudge(queue: NudgeName, look: () => void): Promise<void>;
  /**
   * Has a nudge sent whenever one of these is due, and calls back when one has come. What was named here before and is not
   * now is due no more. Only where the queues were started with `clock`.
   */
  onDue(entries: readonly Due[], look: () => void): Promise<void>;
  stop(): Promise<void>;
}

/** `cron` in `timezone`. */
export interface Due {
  name: string;
  cron: string;
  timezone: string;
}

const clockQueue = 'due';

/** Connects to pg-boss, making its schema and our queues where they are missing. Any number of processes may do so at once. */
export async function startQueues(options: {
  url: string;
  /** Whether this process may send what is due. */
  clock?: boolean;
  onError(error: Error): void;
}): Promise<Queues> {
  const boss = new PgBoss({
    connectionString: options.url,
    application_name: 'shipmate-jobs',
    max: 8,
    supervise: true,
    // It deletes what is done once a day unless told otherwise: at a hundred deliveries a second, millions of rows.
    maintenanceIntervalSeconds: 600,
    schedule: options.clock ?? false,
    useListenNotify: true,
  });
  let onceDue: (() => void) | null = null;
  boss.on('error', options.onError);
  await boss.start();
  for (const name of [...nudgeNames, clockQueue])
    await boss.createQueue(name, {
      policy: 'standard',
      notify: true,
      retryLimit: 0,
      deleteAfterSeconds: 600,
      retentionSeconds: 3600,
    });
  return {
    async nudge(queue, db) {
      await boss.send(queue, null, { db });
    },
    async nudgeNow(queue) {
      await boss.send(queue);
    },
    async onNudge(queue, look) {
      const often = { batchSize: 100, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 1 };
      await boss.work(queue, often, async () => look());
    },
    async onDue(entries, look) {
      for (const { key } of await boss.getSchedules(clockQueue))
        if (!entries.some(({ name }) => name === key)) await boss.unschedule(clockQueue, key);
      for (const { name, cron, timezone } of entries)
        await boss.schedule(clockQueue, cron, null, { tz: timezone, key: name });
      const isHeard = onceDue !== null;
      onceDue = look;
      if (!isHeard) await boss.work(clockQueue, { batchSize: 100, pollingIntervalSeconds: 2 }, async () => onceDue?.());
    },
    stop: () => boss.stop({ graceful: false, close: true }),
  };
}
