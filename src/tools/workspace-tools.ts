import type { Tool } from '../core/tool.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import { type CommandLimits, createBash } from './bash.ts';
import { createEdit } from './edit.ts';
import { createInstructionFinder } from './find-instructions.ts';
import { createRead } from './read.ts';
import { createSandboxFiles } from './sandbox-files.ts';
import { createWrite } from './write.ts';

export interface WorkspaceToolsOptions {
  sandbox: Sandbox;
  /** The checkout, as seen inside. */
  dir: string;
  /** Where output too long to show is kept, as seen inside: writable, outside the checkout, one of its own for each run. */
  outputDir: string;
  limits?: Partial<CommandLimits>;
}

/** What an agent works on the checkout with. All of it happens inside the sandbox. */
export function createWorkspaceTools(options: WorkspaceToolsOptions): Tool[] {
  const { sandbox, dir, outputDir } = options;
  const limits = { timeoutSeconds: 120, maxTimeoutSeconds: 600, maxOutputBytes: 8_000_000, ...options.limits };
  const files = createSandboxFiles(sandbox, dir);
  const instructions = createInstructionFinder(files, dir);
  return [
    createBash({ sandbox, files, dir, outputDir, limits }),
    createRead({ files, instructions }),
    createEdit({ files, instructions }),
    createWrite({ files, instructions }),
  ];
}
