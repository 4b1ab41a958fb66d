import * as z from 'zod';
import { defineTool } from '../define-tool.ts';

export const askTool = defineTool({
  name: 'ask',
  description: 'Ask people on the ticket and stop until they answer.',
  arguments: z.object({
    question: z.string().min(1).max(4_000),
    options: z.array(z.string().min(1).max(200)).max(10).optional().describe('Answers to choose from'),
  }),
  readOnly: false,
  repeatable: true,
  describe: () => null,
  async run({ question, options }) {
    return {
      text: 'The question is on the ticket. The answer comes as a message.',
      isError: false,
      outcome: { stopReason: 'needsInput', message: question, ...(options ? { options } : {}) },
    };
  },
});
