import * as z from 'zod';
import { defineTool } from '../define-tool.ts';

export const updatePlanTool = defineTool({
  name: 'update_plan',
  description: 'Show your plan on the ticket; send all steps every time.',
  arguments: z.object({
    steps: z
      .array(
        z.object({
          content: z.string().min(1).max(500),
          status: z.enum(['pending', 'inProgress', 'completed', 'canceled']),
        }),
      )
      .max(50),
  }),
  readOnly: true,
  describe: () => null,
  async run({ steps }, { scope }) {
    scope.plan(steps);
    return { text: 'The plan is shown.', isError: false };
  },
});
