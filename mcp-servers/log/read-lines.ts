export interface ReadOptions {
  /** Ends the reading by throwing its reason, at once, even where the stream stands still. */
  signal: AbortSignal;
  /** How long may be read; after it, what has come so far is all there is. */
  timeoutMs: number;
}

/** Of one line; what is longer is cut off before anybody looks at it. A file may be one line of 200 MB. */
const longestLine = 65_536;

/**
 * The lines of a stream as it comes, some at a time, so that no more than a chunk of it is ever held. Returns whether the
 * stream was read to its end. The stream is told when nobody reads on.
 */
export async function* readLines(
  stream: AsyncIterable<Uint8Array>,
  { signal, timeoutMs }: ReadOptions,
): AsyncGenerator<string[], { complete: boolean }> {
  signal.throwIfAborted();
  const decoder = new TextDecoder();
  const chunks = stream[Symbol.asyncIterator]();
  const { unlessStopped, release } = untilStopped(signal, timeoutMs);
  let rest = '';
  try {
    while (true) {
      const next = await unlessStopped(chunks.next());
      if (next === 'timeout') {
        if (rest !== '') yield [rest];
        return { complete: false };
      }
      if (next.done) {
        rest += decoder.decode();
        if (rest !== '') yield [rest];
        return { complete: true };
      }
      const lines = decoder.decode(next.value, { stream: true }).split('\n');
      const last = lines.pop() ?? '';
      if (lines.length === 0) {
        if (rest.length < longestLine) rest = (rest + last).slice(0, longestLine);
        continue;
      }
      lines[0] = rest + lines[0];
      rest = last.slice(0, longestLine);
      yield lines;
    }
  } finally {
    release();
    chunks.return?.()?.catch(() => {}); // not waited for: it may stand still
  }
}

function untilStopped(signal: AbortSignal, timeoutMs: number) {
  let isLate = false;
  let waiting: { resolve(value: 'timeout'): void; reject(reason: unknown): void } | null = null;
  const abort = () => waiting?.reject(signal.reason);
  const timer = setTimeout(() => {
    isLate = true;
    waiting?.resolve('timeout');
  }, timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  return {
    /** Not by `Promise.race` with one promise for all: that would keep every chunk until it is settled itself. */
    unlessStopped<T>(next: Promise<T>): Promise<T | 'timeout'> {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        next.then(resolve, reject);
        if (signal.aborted) abort();
        if (isLate) resolve('timeout');
      });
    },
    release() {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
}
