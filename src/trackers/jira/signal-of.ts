import type { Signal } from '../../core/prompt.ts';
import { readSignal } from '../../core/prompt-signal.ts';
import type { Own } from './people.ts';
import { asSpoken } from './text.ts';

/** As `readSignal`, of a document or the older markup, where the agent is mentioned by its account, too. */
export function signalOf(text: unknown, own: Own, agent: string): Signal | null {
  return readSignal(asSpoken(text, own, agent).trim(), agent);
}
