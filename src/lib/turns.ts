import { orAborted } from './abort.ts';

/** What is done one after the other, for each key; a failure ends nothing but itself. */
export function createTurns(): <T>(key: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T> {
  const turns = new Map<string, Promise<unknown>>();
  return (key, signal, work) => {
    const before = turns.get(key) ?? Promise.resolve();
    const mine = before.then(() => {
      signal.throwIfAborted();
      return work();
    });
    const settled = mine.catch(() => {});
    turns.set(key, settled);
    settled.then(() => {
      if (turns.get(key) === settled) turns.delete(key);
    });
    return orAborted(mine, signal);
  };
}
