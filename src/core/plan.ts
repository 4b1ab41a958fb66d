export type PlanStepStatus = 'pending' | 'inProgress' | 'completed' | 'canceled';

export interface PlanStep {
  content: string;
  status: PlanStepStatus;
}

/** The visible checklist of a session; always sent whole. */
export type Plan = PlanStep[];
