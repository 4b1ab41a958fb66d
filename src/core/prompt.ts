import type { Person } from './ticket.ts';

/** A control word in a conversation; everything else a person writes is plain text. */
export type Signal = 'stop' | 'select' | 'auth' | 'continue';

/** What a person said to the agent. Read by exactly one step, in the order in which it was said. */
export interface Prompt {
  id: string;
  seq: number;
  author: Person;
  body: string;
  signal: Signal | null;
  /** ISO 8601, when it was said. */
  at: string;
  /** false: its author is nobody whose words are followed here. It is shown as information. */
  obeyed?: boolean;
}

/** Whether people want something by it. */
export function isObeyed({ obeyed }: Pick<Prompt, 'obeyed'>): boolean {
  return obeyed !== false;
}
