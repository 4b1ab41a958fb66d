import type { Sandbox } from '../sandboxes/sandbox.ts';

/** One entry of `git diff --raw -z` from the base to the change. */
export interface Change {
  /** A added, M modified, D deleted, R renamed, C copied, T type changed. */
  status: string;
  path: string;
  /** Where a renamed or copied file came from. */
  oldPath: string | null;
  oldMode: string;
  newMode: string;
}

/** The files that a change is about, and on which side each of them is. A renamed one is two. */
export function filesOf(change: Change): { path: string; onBase: boolean; onHead: boolean }[] {
  const { status, path, oldPath } = change;
  if (status === 'R' && oldPath !== null)
    return [
      { path: oldPath, onBase: true, onHead: false },
      { path, onBase: false, onHead: true },
    ];
  return [{ path, onBase: status !== 'A' && status !== 'C', onHead: status !== 'D' }];
}

export type Side = 'base' | 'head';

/** Where a path of a checkout comes from when not from its own side. `absent`: it must not be there. */
export interface Overlay {
  path: string;
  from: Side | 'absent';
}

export interface CheckoutOptions {
  overlay?: Overlay[];
  /** Written last, over everything. */
  files?: { path: string; content: string }[];
  signal: AbortSignal;
}

/** A directory that holds one tree and nothing that is not committed, dependencies of the set-up aside. */
export interface Checkout {
  /** The working directory, as the sandbox sees it. */
  dir: string;
  /** Without network; its working directory is `dir`. */
  sandbox: Sandbox;
  /** A writable directory under the same path on the host and inside; empty at first. */
  evidenceDir: string;
  /** Ends what still runs and takes the directories away. */
  release(): Promise<void>;
}

/** What verification needs of the base's tree and the change's. */
export interface Trees {
  changes: Change[];
  /** The text of a file, or null when there is none or it is not text. */
  read(side: Side, path: string): Promise<string | null>;
  checkout(side: Side, options: CheckoutOptions): Promise<Checkout>;
}
