import type { Plan } from '../../../core/plan.ts';
import { type Mutation, sessionNow } from './mutations.ts';
import { storable } from './text.ts';

/** The whole plan of an agent session, in place of what was there. */
export function updatePlan(agentSessionId: string, plan: Plan): Mutation {
  return {
    field: 'agentSessionUpdate',
    args: {
      id: { type: 'String!', value: agentSessionId },
      input: {
        type: 'AgentSessionUpdateInput!',
        value: { plan: plan.map(({ content, status }) => ({ content: storable(content), status })) },
      },
    },
    selection: `success agentSession { ${sessionNow} }`,
  };
}
