import { readFile } from 'node:fs/promises';

/** A token as people give it: in a file, which is read for each call, or in the variable of that name. Throws where there is none. */
export function tokenFrom(file: string | undefined, variable: string): () => Promise<string> {
  const value = process.env[variable];
  if (file === undefined) {
    if (!value) throw new Error(`There is no token. Set ${variable}, or pass --token-file FILE.`);
    return async () => value;
  }
  return async () => {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new Error(`The token could not be read (${error.code}); whoever started this server has to mend ${file}.`);
    });
    return text.trim();
  };
}
