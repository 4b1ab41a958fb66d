import type { Signal } from '../../core/prompt.ts';
import { readSignal } from '../../core/prompt-signal.ts';

/** As `readSignal`, by any of the agent's names. */
export function signalIn(text: string, names: readonly string[]): Signal | null {
  return names.map((name) => readSignal(text, name)).find((signal) => signal !== null) ?? null;
}
