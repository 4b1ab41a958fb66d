/**
 * What the agent shows on a ticket. The model is Linear's agent activity, the most explicit one; other trackers render it
 * in their own way. An `ephemeral` one is replaced by the next activity, and may be merged or dropped on its way out.
 */
export type Activity =
  | { type: 'thought'; body: string; ephemeral?: boolean }
  | { type: 'action'; action: string; parameter: string; result?: string; ephemeral?: boolean }
  | { type: 'elicitation'; body: string; options?: string[] }
  | { type: 'response'; body: string }
  | { type: 'error'; body: string };

export type ActivityType = Activity['type'];

/** One line of plain text, for terminals and logs. */
export function describeActivity(activity: Activity): string {
  if (activity.type !== 'action') return activity.body;
  const head = `${activity.action} ${activity.parameter}`.trim();
  return activity.result === undefined ? head : `${head}: ${activity.result}`;
}
