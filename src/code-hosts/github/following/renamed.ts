import type { RequestHint } from '../../code-host.ts';

/** Repositories that were renamed: webhooks name them as they are called now, and our configuration as they were. */
export interface Renamed {
  note(configured: string, now: string): void;
  /** The hints, and the same by the names that we have. */
  spread(hints: RequestHint[]): RequestHint[];
}

export function createRenamed(): Renamed {
  /** By the name that holds now, in lower case. */
  const known = new Map<string, Set<string>>();
  return {
    note(configured, now) {
      if (configured.toLowerCase() === now.toLowerCase()) return;
      const before = known.get(now.toLowerCase()) ?? new Set();
      known.set(now.toLowerCase(), before.add(configured));
    },
    spread: (hints) =>
      hints.flatMap((hint) => {
        const before = known.get(hint.location.toLowerCase()) ?? [];
        return [hint, ...[...before].map((location) => ({ ...hint, location }))];
      }),
  };
}
