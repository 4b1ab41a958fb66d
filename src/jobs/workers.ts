import type { QueueName, Queues } from './queues.ts';

/** Works a table until it is empty. Called by a nudge, by the sweep, or at the start; never trusts what woke it. */
export type Drain = (signal: AbortSignal) => Promise<void>;

/** What a process works on, and how many of each at once. */
export type Drains = Partial<Record<QueueName, { drain: Drain; concurrency: number }>>;

export interface WorkerOptions {
  queues: Queues;
  drains: Drains;
  onError(queue: QueueName, error: unknown): void;
}

export interface Workers {
  /** Looks at every table once; the answer to nudges that were lost and to times that have come. */
  sweep(): void;
  /** Takes no new work, tells what runs to stop, and waits for it. */
  stop(): Promise<void>;
}

const sweepEveryMs = 1000;

/**
 * Turns nudges into work. pg-boss tells when to look and wakes us within milliseconds; what there is to do, and who does
 * it, our own tables say.
 */
export async function startWorkers({ queues, drains, onError }: WorkerOptions): Promise<Workers> {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const names = Object.keys(drains) as QueueName[];
  const busy = new Map<QueueName, number>(names.map((name) => [name, 0]));

  async function work(name: QueueName): Promise<void> {
    const job = drains[name];
    const active = busy.get(name) ?? 0;
    // When every slot is busy, whoever ends first looks again before it leaves: nothing waits for this nudge.
    if (!job || active >= job.concurrency || stopping.signal.aborted) return;
    busy.set(name, active + 1);
    const done = job
      .drain(stopping.signal)
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) onError(name, error);
      })
      .finally(() => {
        busy.set(name, (busy.get(name) ?? 1) - 1);
        running.delete(done);
      });
    running.add(done);
    await done;
  }

  for (const name of names)
    await queues.boss.work(
      name,
      {
        localConcurrency: drains[name]?.concurrency ?? 1,
        pollingIntervalSeconds: 0.5,
        notifyPollingIntervalSeconds: 1,
        heartbeatRefreshSeconds: 3,
      },
      () => work(name),
    );
  const sweep = () => {
    for (const name of names) for (let free = drains[name]?.concurrency ?? 0; free > 0; free--) void work(name);
  };
  const timer = setInterval(sweep, sweepEveryMs);
  sweep();
  return {
    sweep,
    async stop() {
      clearInterval(timer);
      stopping.abort(new Error('the service is stopping'));
      await Promise.all(names.map((name) => queues.boss.offWork(name, { wait: false })));
      await Promise.allSettled([...running]);
    },
  };
}
