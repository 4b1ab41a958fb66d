import * as z from 'zod';
import { grouped } from '../core/cut-text.ts';
import { cleanLine } from '../core/outside-text.ts';
import type { Tool, ToolResult } from '../core/tool.ts';
import { defineTool, failure } from './define-tool.ts';
import type { InstructionFinder } from './find-instructions.ts';
import { cutOutput } from './output-text.ts';
import type { SandboxFiles } from './sandbox-files.ts';

/** Characters of a file in one result. A usual source file fits, because a second call costs more than the rest of it. */
const shownOfFile = 32_000;
/** Read whole, so that the lines can be counted; of larger files only what is shown. */
const wholeFile = 1_000_000;

export function createRead(options: { files: SandboxFiles; instructions: InstructionFinder }): Tool {
  const { files, instructions } = options;

  async function read(path: string, offset: number, limit: number, signal: AbortSignal): Promise<ToolResult> {
    const found = await files.read(path, wholeFile, signal);
    if (found.kind === 'failed') return failure(found.reason);
    if (found.kind === 'directory')
      return {
        text: `${path} is a directory:\n${cutOutput(found.entries.trimEnd(), 'list it with bash')}`,
        isError: false,
      };
    const binary = found.bytes.subarray(0, 8_000).includes(0);
    const size = found.cut ? `over ${grouped(wholeFile)}` : grouped(found.bytes.length);
    if (binary) return failure(`${path} is not text (${size} bytes). Look at it with a program in bash.`);
    if (found.bytes.length === 0) return { text: `[${path} is empty]`, isError: false };
    if (found.cut) {
      // A character more than is shown, so that the cut is seen; four bytes each.
      const lines = await files.readLines(path, { offset, count: limit, maxBytes: shownOfFile * 4 }, signal);
      if (typeof lines === 'string') return failure(lines);
      return showLines(new TextDecoder().decode(lines.bytes), offset, null, `${grouped(lines.size)} bytes`);
    }
    const all = new TextDecoder().decode(found.bytes).split('\n');
    const total = all.at(-1) === '' ? all.length - 1 : all.length;
    if (offset > total) return failure(`${path} has ${grouped(total)} lines; offset ${grouped(offset)} is past them.`);
    return showLines(
      all.slice(offset - 1, offset - 1 + limit).join('\n'),
      offset,
      total,
      `${grouped(total)} ${total === 1 ? 'line' : 'lines'}`,
    );
  }

  return defineTool({
    name: 'read',
    description: `Read a text file, ${grouped(shownOfFile)} characters at most, or list a directory.`,
    arguments: z.object({
      path: z.string().min(1),
      offset: z.int().min(1).optional().describe('First line, from 1'),
      limit: z.int().min(1).optional().describe('Number of lines'),
    }),
    readOnly: true,
    describe: ({ path }) => ({ action: 'Reading', parameter: cleanLine(path, 200) }),
    async run({ path, offset = 1, limit = 1_000_000 }, { signal }) {
      if (path.includes('\0')) return failure('A path has no NUL.');
      const [result, found] = await Promise.all([read(path, offset, limit, signal), instructions.find(path, signal)]);
      return found.length === 0 ? result : { ...result, instructions: found };
    },
  });
}

/** Whole lines as far as they fit, and where to go on. No numbers: they cost a third more, and get copied into edits. */
function showLines(text: string, offset: number, total: number | null, size: string): ToolResult {
  let shown = text;
  let cutInLine = false;
  if (text.length > shownOfFile) {
    const lineEnd = text.lastIndexOf('\n', shownOfFile);
    cutInLine = lineEnd < 0;
    shown = text.slice(0, cutInLine ? shownOfFile : lineEnd);
  }
  shown = (shown.endsWith('\n') ? shown.slice(0, -1) : shown).replaceAll('\0', '\ufffd').toWellFormed();
  const last = offset + shown.split('\n').length - 1;
  if (offset === 1 && last === total && !cutInLine) return { text: shown, isError: false, summary: size };
  const hint = cutInLine
    ? `line ${grouped(offset)} of ${size} is longer than can be shown; see the rest with cut in bash`
    : `lines ${grouped(offset)}-${grouped(last)} of ${size}${last === total ? '' : `; go on with offset ${last + 1}`}`;
  return { text: `${shown}\n[${hint}]`, isError: false, summary: `lines ${grouped(offset)}-${grouped(last)}` };
}
