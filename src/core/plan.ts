export type PlanStepStatus = 'pending' | 'inProgress' | 'completed' | 'canceled';

export interface PlanStep {
  content: string;
  status: PlanStepStatus;
}

/** The visible checklist of a session; always sent whole. */
export type Plan = PlanStep[];

/** The plan where nobody works on it any more. */
export function withoutProgress(plan: Plan): Plan {
  return plan.map((step) => (step.status === 'inProgress' ? { ...step, status: 'pending' } : step));
}
