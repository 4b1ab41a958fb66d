import * as z from 'zod';
import { grouped } from '../core/cut-text.ts';
import { cleanLine } from '../core/outside-text.ts';
import type { Tool } from '../core/tool.ts';
import { defineTool, failure } from './define-tool.ts';
import type { InstructionFinder } from './find-instructions.ts';
import type { SandboxFiles } from './sandbox-files.ts';

export function createWrite(options: { files: SandboxFiles; instructions: InstructionFinder }): Tool {
  const { files, instructions } = options;
  return defineTool({
    name: 'write',
    description: 'Create a file, or replace all of it. Change a part with edit.',
    arguments: z.object({ path: z.string().min(1), content: z.string() }),
    readOnly: false,
    describe: ({ path }) => ({ action: 'Writing', parameter: cleanLine(path, 200) }),
    async run({ path, content }, { signal }) {
      if (path.includes('\0')) return failure('A path has no NUL.');
      const failed = await files.write(path, content, signal);
      if (failed !== null) return failure(failed);
      const found = await instructions.find(path, signal);
      const lines = content.split('\n').length - (content.endsWith('\n') || content === '' ? 1 : 0);
      const summary = `${grouped(lines)} ${lines === 1 ? 'line' : 'lines'}`;
      return {
        text: `Wrote ${path} (${summary}).`,
        isError: false,
        summary,
        ...(found.length > 0 ? { instructions: found } : {}),
      };
    },
  });
}
