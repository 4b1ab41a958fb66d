import { redactText } from '../../mcp-servers/log/redact-secrets.ts';
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
  const plain = redactText(text);
  const findings = await createSecretScan(knownSecrets).scan(plain, '');
  // From the end, so that what is still to be replaced keeps its place; of two that overlap both go.
  let hidden = plain;
  let from = plain.length;
  for (const { start, end } of findings.sort((a, b) => b.end - a.end || a.start - b.start)) {
    if (start >= from) continue;
    hidden = `${hidden.slice(0, start)}[redacted]${hidden.slice(Math.min(end, from))}`;
    from = start;
  }
  return { text: hidden, hidden: marksIn(hidden) - marksIn(text) };
}

function marksIn(text: string): number {
  return text.split('[redacted]').length - 1;
}
