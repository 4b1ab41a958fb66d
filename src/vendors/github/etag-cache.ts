interface Kept {
  etag: string;
  data: unknown;
  link: string | undefined;
}

/** Following a pull request takes a dozen; where there is room for all but one, each round finds none. */
const most = 2_000;

/** What was answered last, in memory; the longest unused goes first. */
export function createEtagCache(): { get(key: string): Kept | undefined; set(key: string, kept: Kept): void } {
  const all = new Map<string, Kept>();
  return {
    get(key) {
      const kept = all.get(key);
      if (kept) {
        all.delete(key);
        all.set(key, kept);
      }
      return kept;
    },
    set(key, kept) {
      all.delete(key);
      all.set(key, kept);
      const [oldest] = all.keys();
      if (all.size > most && oldest !== undefined) all.delete(oldest);
    },
  };
}
