import type { Signal } from '../../core/prompt.ts';
import { readSignal } from '../../core/prompt-signal.ts';

/** As `readSignal`, by any of the agent's names. */
export function signalIn(text: string, names: readonly string[]): Signal | null {
  return names.map((name) => readSignal(text, name)).find((signal) => signal !== null) ?? null;
}

/** Whether a text speaks to the agent by one of its names; what is quoted or code does not. */
export function mentions(text: string | null | undefined, names: readonly string[]): boolean {
  if (!text?.includes('@') || names.length === 0) return false;
  const any = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const called = new RegExp(`(^|[^\\w\`/.@+-])@(${any})(?![\\w/-])`, 'i');
  let fence: string | null = null;
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence)) fence = null;
    } else if (mark !== undefined) fence = mark;
    else if (!/^ {0,3}>/.test(line) && called.test(line.replace(/(`+)[^`]*\1/g, ''))) return true;
  }
  return false;
}
