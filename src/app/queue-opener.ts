import type { Config } from '../config.ts';
import { type Queues, startQueues } from '../jobs/queues.ts';
import type { Log } from '../lib/log.ts';
import type { Outage } from './outage.ts';

/** Queues are opened when somebody first needs them, once; what failed is tried again by whoever asks next. */
export function createQueueOpener(parts: { url: string; config: Config; outage: Outage; log: Log }): {
  open(): Promise<Queues>;
  close(): Promise<void>;
} {
  const { url, config, outage, log } = parts;
  let opening: Promise<Queues> | null = null;
  return {
    open() {
      opening ??= startQueues({
        url,
        clock: Object.keys(config.automations).length > 0,
        onError: (error) =>
          outage.noticed(error) || outage.isOn() || log.warn({ reason: error.message }, 'queue trouble'),
      }).catch((error: unknown) => {
        opening = null;
        throw error;
      });
      return opening;
    },
    close: async () => (await opening)?.stop(),
  };
}
