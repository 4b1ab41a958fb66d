import { createBubblewrapDriver } from './bubblewrap/driver.ts';
import { createNoneDriver } from './none/driver.ts';
import type { SandboxDriver } from './sandbox.ts';

/** What the configuration says about sandboxes; the same for every driver. */
export interface SandboxOptions {
  /** The host user that commands run as when the service is root. */
  uid: number;
  /** Toolchains outside /usr: visible at the same path, their `bin` on PATH. */
  readOnlyPaths: string[];
  /** Of one sandbox, all its commands together; null: no limit. */
  limits: { memoryBytes: number | null; processes: number | null };
  /** The service's own PATH: npm, pnpm, yarn and corepack are looked for there. */
  searchPath: string;
  /** Where each sandbox's private /tmp and home lie on the host. */
  tempDir: string;
}

const drivers = {
  bubblewrap: createBubblewrapDriver,
  none: createNoneDriver,
};

export type SandboxKind = keyof typeof drivers;

export const sandboxKinds = Object.keys(drivers) as SandboxKind[];

/** By name only: there is no fallback from one driver to another. */
export function createSandboxDriver({ kind, options }: { kind: string; options: SandboxOptions }): SandboxDriver {
  if (!Object.hasOwn(drivers, kind))
    throw new Error(`There is no sandbox driver "${kind}". The drivers are: ${sandboxKinds.join(', ')}.`);
  return drivers[kind as SandboxKind](options);
}
