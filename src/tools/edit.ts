import * as z from 'zod';
import { grouped } from '../core/cut-text.ts';
import { cleanLine } from '../core/outside-text.ts';
import type { Tool } from '../core/tool.ts';
import { defineTool, failure } from './define-tool.ts';
import type { InstructionFinder } from './find-instructions.ts';
import { replaceExactly } from './replace-exactly.ts';
import type { SandboxFiles } from './sandbox-files.ts';

const largest = 2_000_000;

export function createEdit(options: { files: SandboxFiles; instructions: InstructionFinder }): Tool {
  const { files, instructions } = options;
  return defineTool({
    name: 'edit',
    description:
      'Replace text in a file. Each oldText must occur exactly once in the file as it is, whitespace included; all edits are made, or none.',
    arguments: z.object({
      path: z.string().min(1),
      edits: z.array(z.object({ oldText: z.string(), newText: z.string() })).min(1),
    }),
    readOnly: false,
    describe: ({ path }) => ({ action: 'Editing', parameter: cleanLine(path, 200) }),
    async run({ path, edits }, { signal }) {
      if (path.includes('\0')) return failure('A path has no NUL.');
      const found = await files.read(path, largest, signal);
      if (found.kind === 'failed') return failure(found.reason);
      if (found.kind === 'directory') return failure(`${path} is a directory.`);
      if (found.cut) return failure(`${path} has over ${grouped(largest)} bytes. Change it with a program in bash.`);
      const text = decode(found.bytes);
      if (text === null) return failure(`${path} is not UTF-8 text. Change it with a program in bash.`);
      const replaced = replaceExactly(text, edits);
      if ('problem' in replaced) return failure(`${path} was not changed. ${replaced.problem}`, 'no match');
      const failed = await files.write(path, replaced.text, signal);
      if (failed !== null) return failure(failed);
      const summary = `+${replaced.added} -${replaced.removed} lines`;
      const also = await instructions.find(path, signal);
      return {
        text: `Edited ${path} (${summary}).`,
        isError: false,
        summary,
        ...(also.length > 0 ? { instructions: also } : {}),
      };
    },
  });
}

/** Exactly as it will be written back, a byte order mark included; null when that can't be. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
