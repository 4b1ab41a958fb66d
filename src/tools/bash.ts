import * as z from 'zod';
import { cleanLine } from '../core/outside-text.ts';
import type { Tool } from '../core/tool.ts';
import type { ExecResult, Sandbox } from '../sandboxes/sandbox.ts';
import { defineTool, failure } from './define-tool.ts';
import { cutOutput, outputText, seconds, shownOutput } from './output-text.ts';
import type { SandboxFiles } from './sandbox-files.ts';

export interface CommandLimits {
  /** When the model names none. */
  timeoutSeconds: number;
  maxTimeoutSeconds: number;
  maxOutputBytes: number;
}

// One argument of a process has at most 128 kB on Linux.
const longestCommand = 100_000;

export function createBash(options: {
  sandbox: Sandbox;
  files: SandboxFiles;
  dir: string;
  outputDir: string;
  limits: CommandLimits;
}): Tool {
  const { sandbox, files, dir, outputDir, limits } = options;
  return defineTool({
    name: 'bash',
    description:
      'Run a bash command in the repository. Every call is a new shell, and nothing it starts outlives it. Long output is cut in the middle and kept whole in a file.',
    arguments: z.object({
      command: z.string().min(1),
      timeoutSeconds: z
        .int()
        .min(1)
        .max(limits.maxTimeoutSeconds)
        .optional()
        .describe(`Default ${limits.timeoutSeconds}`),
    }),
    readOnly: false,
    describe: ({ command }) => ({ action: 'Running', parameter: cleanLine(command, 200) }),
    async run({ command, timeoutSeconds = limits.timeoutSeconds }, { key, signal }) {
      if (Buffer.byteLength(command) > longestCommand || command.includes('\0'))
        return failure(
          'This command is too long for a shell, or holds a NUL. Write a script with write, and run that.',
        );
      // Inside, both streams are one, so that their lines stay in order.
      const result = await sandbox.exec(['sh', '-c', 'exec bash -c "$1" 2>&1', 'sh', command], {
        cwd: dir,
        signal,
        limits: { timeoutMs: timeoutSeconds * 1000, maxOutputBytes: limits.maxOutputBytes },
      });
      const ended = howItEnded(result, timeoutSeconds, limits.maxOutputBytes);
      const output = outputText(Buffer.concat([result.stdout, result.stderr]));
      let shown = output;
      if (output.length > shownOutput) {
        const file = `${outputDir}/${key.replace(/[^\w-]+/g, '-')}.txt`;
        const failed = await files.write(file, output, signal);
        shown = cutOutput(output, failed === null ? `the whole is in ${file}` : `it could not be kept: ${failed}`);
      }
      return { text: shown ? `${ended}\n${shown}` : ended, isError: result.exitCode !== 0, summary: ended };
    },
  });
}

function howItEnded(
  { exitCode, killed, durationMs }: ExecResult,
  timeoutSeconds: number,
  maxOutputBytes: number,
): string {
  if (killed === 'timeout') return `killed after ${timeoutSeconds} s`;
  if (killed === 'output')
    return `killed: more than ${Math.floor(maxOutputBytes / 1_000_000)} MB of output; redirect it to a file`;
  if (killed === 'aborted') return 'stopped';
  return `exit ${exitCode ?? 'unknown'} in ${seconds(durationMs)}`;
}
