/**
 * What the agent shows on a ticket: what the tracker with the most words for it can tell apart; the others render it in their
 * own way. An `ephemeral` one is replaced by the next activity, and may be merged or dropped on its way out.
 */
export type Activity =
  | { type: 'thought'; body: string; ephemeral?: boolean }
  | { type: 'action'; action: string; parameter: string; result?: string; ephemeral?: boolean }
  | { type: 'elicitation'; body: string; options?: string[] }
  | { type: 'response'; body: string }
  | { type: 'error'; body: string };

/** One line of plain text, for terminals and logs. */
export function describeActivity(activity: Activity): string {
  if (activity.type !== 'action') return activity.body;
  const head = `${activity.action} ${activity.parameter}`.trim();
  return activity.result === undefined ? head : `${head}: ${activity.result}`;
}

/** What stays on the ticket: an ephemeral activity is replaced by the next one. */
export function lasting<T extends { activity: Activity }>(shown: T[]): T[] {
  return shown.filter(({ activity }, index) => {
    const ephemeral = 'ephemeral' in activity && activity.ephemeral === true;
    return !ephemeral || index === shown.length - 1;
  });
}
