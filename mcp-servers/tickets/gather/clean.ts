import { cutLog } from '../../log/cut-log.ts';
import { redactText } from '../../log/redact-secrets.ts';

/** How a text leaves the machine: without what looks like a secret, paths within the clone as it has them, the home directory as `~`. */
export type Clean = (text: string) => string;

export function createClean(home: string | null, top: string | null): Clean {
  const inClone = top === null || top.length < 2 ? null : new RegExp(`(?<![\\w.-])(?:file://)?${literal(top)}/`, 'g');
  const inHome =
    home === null || home.length < 2
      ? null
      : new RegExp(`(?<![\\w.-])${literal(home.replace(/[/\\]+$/, ''))}(?![\\w.-])`, 'g');
  return (text) => {
    const redacted = redactText(text);
    const bare = inClone === null ? redacted : redacted.replace(inClone, '');
    return inHome === null ? bare : bare.replace(inHome, '~');
  };
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Every text in it, however deep. */
export function cleanAll<T>(value: T, clean: Clean): T {
  if (typeof value === 'string') return clean(value) as T;
  if (Array.isArray(value)) return value.map((each) => cleanAll(each, clean)) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cleanAll(each, clean)])) as T;
}

/** A day: what is piped in lasts as long as whatever writes it. */
const readForMs = 86_400_000;

/** What a command said, of any length, as it comes: cut around the first error to 16 kB, without colours and secrets. */
export async function cutOutput(output: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<string> {
  return (await cutLog(output, { signal, timeoutMs: readForMs })).text;
}
