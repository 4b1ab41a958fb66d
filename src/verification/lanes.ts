/** A few things at a time. When one of them throws, the others are told to stop, and all are waited for. */
export interface Lanes {
  run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  all<T extends readonly Promise<unknown>[] | []>(works: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
}

export function createLanes(width: number, outer: AbortSignal): Lanes {
  const own = new AbortController();
  const signal = AbortSignal.any([outer, own.signal]);
  const waiting: (() => void)[] = [];
  let busy = 0;
  return {
    async run(work) {
      while (busy >= width) await new Promise<void>((resolve) => waiting.push(resolve));
      busy++;
      try {
        signal.throwIfAborted();
        return await work(signal);
      } catch (error) {
        own.abort(error);
        throw error;
      } finally {
        busy--;
        waiting.shift()?.();
      }
    },
    async all(works) {
      try {
        return await Promise.all(works);
      } catch (error) {
        own.abort(error);
        await Promise.allSettled(works);
        throw error;
      }
    },
  };
}
