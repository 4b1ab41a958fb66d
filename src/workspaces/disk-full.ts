import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Workspace } from './workspace.ts';
import { WorkspaceError } from './workspace-error.ts';
import type { Workspaces } from './workspaces.ts';

/** A full disk is told as that, with what to do, wherever it was noticed: by git in a sandbox, by git of ours, or by us. */
export function tellFullDisk(root: string, all: Workspaces): Workspaces {
  const told =
    <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      try {
        return await work(...args);
      } catch (error) {
        throw isDiskFull(error) ? await diskFull(root, error) : error;
      }
    };
  const opened = <T extends Workspace | null>(workspace: T): T =>
    workspace && { ...workspace, snapshot: told(workspace.snapshot) };
  return {
    ...all,
    refresh: told(all.refresh),
    readFile: told(all.readFile),
    listFiles: told(all.listFiles),
    take: told(async (...args) => opened(await all.take(...args))),
    reopen: told(async (...args) => opened(await all.reopen(...args))),
    checkout: told(all.checkout),
    keep: told(all.keep),
    receive: told(all.receive),
    commit: told(all.commit),
  };
}

const words = /No space left on device|Disk quota exceeded|\bENOSPC\b|unable to write (?:file|new index|loose object)/;

/** By its code, or by the words that programs have for it; git's own do not always name the reason. */
function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error) || (error instanceof WorkspaceError && error.code === 'disk_full')) return false;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return true;
  return words.test(error.message) || isDiskFull(error.cause);
}

async function diskFull(root: string, cause: unknown): Promise<WorkspaceError> {
  const disk = await statfs(root).catch(() => null);
  const room = disk
    ? ` (${megabytes(disk.bavail * disk.bsize)} of ${megabytes(disk.blocks * disk.bsize)} are free)`
    : '';
  const error = new WorkspaceError(
    'disk_full',
    `The disk that holds ${root} on ${hostname()} has no room for this work${room}. Free space there, or give it a larger disk. What was done so far is stored.`,
  );
  error.cause = cause;
  return error;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
