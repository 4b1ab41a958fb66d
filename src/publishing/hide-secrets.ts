import { createSecretScan } from './secret-scan.ts';

/** A text for people without what has the form of a secret, or is one of the service's own. */
export async function hideSecrets(text: string, knownSecrets: readonly string[]): Promise<string> {
  return (await hideAndCount(text, knownSecrets)).text;
}

/** The same, and how many there were. */
export async function hideAndCount(
  text: string,
  knownSecrets: readonly string[],
): Promise<{ text: string; hidden: number }> {
  const findings = await createSecretScan(knownSecrets).scan(text, '');
  // From the end, so that what is still to be replaced keeps its place; of two that overlap both go.
  let hidden = text;
  let from = text.length;
  let count = 0;
  for (const { start, end } of findings.sort((a, b) => b.end - a.end || a.start - b.start)) {
    if (start >= from) continue;
    hidden = `${hidden.slice(0, start)}[redacted]${hidden.slice(Math.min(end, from))}`;
    from = start;
    count += 1;
  }
  return { text: hidden, hidden: count };
}
