import { randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Asked, Capture } from '../capture.ts';
import { type Clone, openClone } from './checkout.ts';
import { type Clean, cleanAll, createClean, cutOutput } from './clean.ts';
import { placesOf, readPlaces } from './places.ts';
import { readVersions } from './versions.ts';

export interface Surroundings {
  /** Where the person works: any directory, in a clone or not. */
  dir: string;
  /** Where programs are looked for: a PATH. */
  searchPath: string;
  home: string | null;
  /** What it is captured with: "Claude Code", "shell"; null: not known. */
  client: string | null;
}

/**
 * What is asked for, with what can be found out on this machine, so that nobody needs to be asked: facts of the clone, the
 * lines that it is about, versions. Works with what there is: without git, a commit or a remote there is less of it. All that
 * it answers is meant to leave the machine: without what looks like a secret, and without what git ignores.
 */
export async function gather(asked: Asked, where: Surroundings, signal: AbortSignal): Promise<Capture> {
  const dir = await realpath(where.dir).catch(() => where.dir);
  const clone = await openClone(where, signal);
  const clean = createClean(where.home, clone.checkout && clone.top);
  const { also, ...first } = asked;
  const [concern, ...others] = await Promise.all([
    fill(first, clone, dir, clean, signal),
    ...also.map((each) => fill(each, clone, dir, clean, signal)),
  ]);
  const seen = concern.places.find(({ snippet }) => snippet !== null)?.path;
  // Of several packages in one repository that which it is about counts.
  const about = dir === clone.top && seen !== undefined ? join(dir, dirname(seen)) : dir;
  const [environment, compared] = await Promise.all([
    readVersions({ ...where, dir: about, top: clone.top }, signal),
    clone.compare(pathsOf([concern, ...others])),
  ]);
  const capture: Capture = {
    ...concern,
    also: others,
    id: randomUUID(),
    environment,
    client: where.client,
    checkout: clone.checkout && { ...clone.checkout, ...compared },
  };
  const remotes = clone.checkout?.remotes ?? []; // a path among them says which repository it is
  const cleaned = cleanAll(capture, clean);
  return { ...cleaned, id: capture.id, checkout: cleaned.checkout && { ...cleaned.checkout, remotes } };
}

async function fill<T extends Asked['also'][number]>(
  concern: T,
  clone: Clone,
  dir: string,
  clean: Clean,
  signal: AbortSignal,
): Promise<T> {
  const { error } = concern;
  const output = error === null ? '' : await cutOutput(chunksOf(error.output), signal);
  const { places: asked } = concern;
  // A line that an error names says little without those around it.
  const places =
    asked.length > 0
      ? readPlaces(asked, { clone, dir, clean, around: 0 })
      : readPlaces(await placesOf(output, clone, dir), { clone, dir, clean, around: 2 });
  return {
    ...concern,
    places: await places,
    error: error === null ? null : { ...error, output },
  };
}

function pathsOf(concerns: Asked['also']): string[] {
  return [...new Set(concerns.flatMap(({ places }) => places.map(({ path }) => path)))];
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield Buffer.from(text);
}
