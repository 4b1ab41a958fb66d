import { PgBoss } from 'pg-boss';

/**
 * Three queues of nudges. A nudge says "look at your table"; it carries no data that anything depends on, and losing one
 * costs latency only. `group` limits of pg-boss are not used: with them the nudge of a killed worker, still "active",
 * would keep its session waiting until that job's heartbeat ran out.
 */
export const queueNames = ['sort', 'run', 'post'] as const;
export type QueueName = (typeof queueNames)[number];

/** A connection inside somebody's transaction, in pg-boss's words. */
export interface SqlExecutor {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

export interface Queues {
  boss: PgBoss;
  /** Sends a nudge in the caller's transaction: it exists when, and only when, that commits. */
  nudge(queue: QueueName, db: SqlExecutor): Promise<void>;
  /** Sends one now. */
  nudgeNow(queue: QueueName): Promise<void>;
  stop(): Promise<void>;
}

/** Connects to pg-boss, making its schema and our queues where they are missing. Any number of processes may do so at once. */
export async function startQueues(options: { url: string; onError(error: Error): void }): Promise<Queues> {
  const boss = new PgBoss({
    connectionString: options.url,
    application_name: 'shipmate-jobs',
    max: 8,
    supervise: true,
    schedule: false,
    useListenNotify: true,
  });
  boss.on('error', options.onError);
  await boss.start();
  for (const name of queueNames)
    await boss.createQueue(name, {
      policy: 'standard',
      notify: true,
      retryLimit: 10,
      heartbeatSeconds: 10,
      expireInSeconds: 4 * 3600,
      deleteAfterSeconds: 600,
    });
  return {
    boss,
    async nudge(queue, db) {
      await boss.send(queue, null, { db });
    },
    async nudgeNow(queue) {
      await boss.send(queue);
    },
    stop: () => boss.stop({ graceful: false, close: true }),
  };
}
