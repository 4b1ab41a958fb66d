import { createBubblewrapDriver } from './bubblewrap/driver.ts';
import { createNoneDriver } from './none/driver.ts';
import type { SandboxOptions } from './options.ts';
import type { SandboxDriver } from './sandbox.ts';

export type { SandboxOptions } from './options.ts';

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
