import type { StateCategory } from '../../core/ticket.ts';

/** An issue is open or closed; where work on it stands, labels say. The furthest first. */
export const stateLabels = { review: 'in review', started: 'in progress', backlog: 'backlog' } as const;
type Labelled = keyof typeof stateLabels;

const labelled = Object.keys(stateLabels) as Labelled[];

/** What of an issue says where it stands. */
export interface Standing {
  state: string;
  state_reason?: string | null | undefined;
  /** It is a pull request. */
  pull_request?: { merged_at?: string | null | undefined } | null | undefined;
  labels?: readonly (string | { name?: string | undefined })[] | undefined;
}

export function labelsOf({ labels = [] }: Pick<Standing, 'labels'>): string[] {
  return labels.map((label) => (typeof label === 'string' ? label : (label.name ?? '')));
}

export function hasLabel(issue: Pick<Standing, 'labels'>, name: string): boolean {
  return labelsOf(issue).some((label) => isSame(label, name));
}

/** Where a pull request stands no label says: who opened it has begun, and its end is GitHub's. */
export function categoryOf(issue: Standing): StateCategory {
  const { pull_request: request } = issue;
  if (request) return issue.state === 'open' ? 'started' : request.merged_at ? 'done' : 'canceled';
  if (issue.state !== 'open')
    return issue.state_reason === 'not_planned' || issue.state_reason === 'duplicate' ? 'canceled' : 'done';
  return labelled.find((category) => hasLabel(issue, stateLabels[category])) ?? 'unstarted';
}

/** The state as people know it. */
export function stateOf(issue: Standing): { name: string; category: StateCategory } {
  const category = categoryOf(issue);
  if (issue.pull_request) return { name: category === 'done' ? 'merged' : issue.state, category };
  const closed = (issue.state_reason ?? 'completed').replaceAll('_', ' ');
  if (category === 'done' || category === 'canceled') return { name: `closed as ${closed}`, category };
  return { name: nameOf(category), category };
}

export function nameOf(category: StateCategory): string {
  if (category === 'done') return 'closed as completed';
  if (category === 'canceled') return 'closed as not planned';
  return category === 'unstarted' ? 'open' : stateLabels[category];
}

export function labelFor(category: StateCategory): string | null {
  return labelled.includes(category as Labelled) ? stateLabels[category as Labelled] : null;
}

/** The labels of an issue that say where it stands. */
export function stateLabelsOf(issue: Standing): string[] {
  return labelsOf(issue).filter(isStateLabel);
}

export function isStateLabel(name: string): boolean {
  return Object.values(stateLabels).some((label) => isSame(label, name));
}

/** To GitHub letter case makes no other label. */
export function isSame(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}
