import * as z from 'zod';
import { defineTool } from '../define-tool.ts';

export const noteTool = defineTool({
  name: 'note',
  description: 'Tell people on the ticket what they should know now.',
  arguments: z.object({ text: z.string().min(1).max(4_000) }),
  readOnly: true,
  describe: () => null,
  async run({ text }, { scope }) {
    scope.report({ type: 'thought', body: text });
    return { text: 'Noted.', isError: false };
  },
});
