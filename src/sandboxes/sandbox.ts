import type { Check } from '../core/check.ts';

/** A way to run commands that nobody trusts. */
export interface SandboxDriver {
  readonly kind: string;
  /** Files of a sandbox belong to this host user; host-side directories that go in must be given to it. */
  readonly owner: { uid: number; gid: number };
  /** True where inside and outside share one view of the files, so that a mount's `inside` cannot be another path. */
  readonly samePaths?: boolean;
  /** Prepares a sandbox; starts no process. */
  open(spec: SandboxSpec): Promise<Sandbox>;
  /** Whether it works here: what must be blocked is blocked. Never throws. */
  probe(): Promise<Check[]>;
}

export interface SandboxSpec {
  /** Host directories, at the same path inside unless `inside` says otherwise. Nothing else of the host's data is visible. */
  mounts: Mount[];
  /** The whole environment inside, beside PATH, HOME, TMPDIR, LANG and TERM, which the driver sets. */
  env: Record<string, string>;
  /** Working directory, inside. */
  cwd: string;
  network: NetworkRule;
}

/**
 * `hosts`: these and no others, each a `host` (its ports 80 and 443) or `host:port`, by its exact name; through a proxy that
 * the environment names (HTTP_PROXY and its like), so for programs that heed it. A name that leads to an inner address
 * (loopback, private, link-local) is refused; an inner address that is listed itself is not.
 */
export type NetworkRule = 'none' | 'host' | { hosts: string[] };

export interface Mount {
  path: string;
  inside?: string;
  writable: boolean;
}

export interface ExecLimits {
  /** Wall-clock; the whole tree is killed after it. */
  timeoutMs: number;
  /** Of stdout and stderr together; the tree is killed when they pass it. */
  maxOutputBytes: number;
}

export interface ExecOptions {
  stdin?: Uint8Array | string;
  signal: AbortSignal;
  limits: ExecLimits;
  cwd?: string;
  env?: Record<string, string>;
  /** Called with each chunk as it comes, stdout and stderr alike. */
  onOutput?: (chunk: Uint8Array) => void;
}

export interface ExecResult {
  /** null when it was killed. */
  exitCode: number | null;
  killed: 'timeout' | 'output' | 'aborted' | null;
  stdout: Uint8Array;
  stderr: Uint8Array;
  durationMs: number;
}

/** A long-lived process inside, for tool servers and agents that speak over stdio. */
export interface SandboxProcess {
  stdin: NodeJS.WritableStream;
  stdout: NodeJS.ReadableStream;
  stderr: NodeJS.ReadableStream;
  /** Resolves when it has ended, with its exit code (null: killed). */
  exited: Promise<number | null>;
  /** Kills the whole tree; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface Sandbox {
  /** Runs one command to its end. Never throws for what the command does; throws when it could not be started at all. */
  exec(argv: string[], options: ExecOptions): Promise<ExecResult>;
  spawn(argv: string[]): Promise<SandboxProcess>;
  /** Kills what still runs, and resolves when it is gone. */
  close(): Promise<void>;
}
