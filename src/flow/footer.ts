import type { Tx } from '../store/database.ts';
import { sumUsage } from '../store/usage.ts';

/** What a session has cost so far, in one line for people: closing activities end with it. Empty when nothing was used. */
export async function writeFooter(tx: Tx, sessionId: string): Promise<string> {
  const { calls, tokens, costUsd } = await sumUsage(tx, { sessionId });
  if (calls === 0) return '';
  const used = tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite;
  const money = costUsd === null ? '' : `$${costUsd.toFixed(2)}, `;
  return `Cost so far: ${money}${used.toLocaleString('en-US')} tokens in ${calls} model calls.`;
}
