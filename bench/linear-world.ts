import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LinearDeeds, LinearPlace, Order } from './linear-process.ts';

type Asked = {
  [Deed in keyof LinearDeeds]: (...given: Parameters<LinearDeeds[Deed]>) => Promise<ReturnType<LinearDeeds[Deed]>>;
};

export interface LinearWorld extends Asked {
  /** What the service is told of it. */
  env: Record<string, string>;
  secret: string;
  stop(): void;
}

/** A stand-in Linear that is another process, and how to have it do things. */
export async function startLinearWorld(): Promise<LinearWorld> {
  const child = fork(join(import.meta.dirname, 'linear-process.ts'));
  const [{ url, secret }] = (await once(child, 'message')) as [LinearPlace];
  const open = new Map<number, (found: never) => void>();
  child.on('message', ({ number, found }: { number: number; found: never }) => {
    open.get(number)?.(found);
    open.delete(number);
  });
  let last = 0;
  const ask = (deed: keyof LinearDeeds, given?: unknown) =>
    new Promise<never>((resolve) => {
      const number = ++last;
      open.set(number, resolve);
      child.send({ number, deed, given } satisfies Order);
    });
  return {
    give: (order) => ask('give', order),
    examples: () => ask('examples'),
    firstActivities: () => ask('firstActivities'),
    requests: () => ask('requests'),
    env: {
      LINEAR_API_URL: url,
      LINEAR_CLIENT_ID: 'linear-client-id',
      LINEAR_CLIENT_SECRET: 'linear-client-secret',
      // Two, as while one is changed for the other; the one that fits comes last.
      LINEAR_WEBHOOK_SECRET: `the-one-before,${secret}`,
    },
    secret,
    stop: () => void (child.connected && child.disconnect()),
  };
}
