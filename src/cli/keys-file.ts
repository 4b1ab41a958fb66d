import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError } from './cli-error.ts';

/** A file for secrets that nobody else may read. It is there before they are: nothing is asked for that could not be kept. */
export interface KeysFile {
  write(variables: readonly (readonly [name: string, value: string])[], title: string): Promise<void>;
  /** Leaves nothing behind, unless something was written. */
  close(): Promise<void>;
}

/** Never overwrites one. Throws `CliError`. */
export async function createKeysFile(path: string): Promise<KeysFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw new CliError(`${path} cannot be written: ${error.message}`);
    throw new CliError(
      `${path} is there already, and may hold keys that are in use. Name another file with --out, or delete it.`,
    );
  });
  let isWritten = false;
  return {
    async write(variables, title) {
      const lines = [`# ${title}`, ...variables.map(([name, value]) => `${name}=${value}`)];
      await file.writeFile(`${lines.join('\n')}\n`);
      await file.sync();
      isWritten = true;
    },
    async close() {
      await file.close();
      if (!isWritten) await rm(path, { force: true });
    },
  };
}
