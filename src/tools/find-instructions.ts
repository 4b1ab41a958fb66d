import { posix } from 'node:path';
import type { Instructions } from '../core/tool.ts';
import type { SandboxFiles } from './sandbox-files.ts';

const names = ['AGENTS.md', 'CLAUDE.md'];
const maxBytes = 64_000;

export interface InstructionFinder {
  /** What the directories between the top and this path say about working in them. Each is looked at once. */
  find(path: string, signal: AbortSignal): Promise<Instructions[]>;
}

/** The top directory is not looked at: its instructions are part of the system prompt. */
export function createInstructionFinder(files: SandboxFiles, dir: string): InstructionFinder {
  const looked = new Set<string>();
  return {
    async find(path, signal) {
      const fresh = directoriesBetween(dir, path).filter((each) => !looked.has(each));
      if (fresh.length === 0) return [];
      for (const each of fresh) looked.add(each);
      return files.firstOf(fresh, names, maxBytes, signal);
    },
  };
}

/** Those below `dir` that lead to `path`, outermost first, relative to `dir`. None for a path that lies elsewhere. */
function directoriesBetween(dir: string, path: string): string[] {
  const inside = posix.relative(dir, posix.resolve(dir, path));
  const parts = posix.dirname(inside).split('/');
  if (inside === '' || parts[0] === '..' || parts[0] === '.' || parts[0] === '.git') return [];
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
