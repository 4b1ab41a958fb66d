import { existsSync } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Place } from '../capture.ts';
import type { Clone } from './checkout.ts';
import type { Clean } from './clean.ts';
import { framesIn } from './frames.ts';

const most = { places: 8, lines: 40, characters: 8_000, fileBytes: 5_000_000 };

/** What holds secrets by its name, whether or not git is told to ignore it. */
const secretFile =
  /^(?:\.env(?:\..*)?|\.npmrc|\.pypirc|\.netrc|\.git-credentials|\.htpasswd|id_(?:rsa|dsa|ecdsa|ed25519)|.*\.(?:pem|key|p12|pfx|jks|keystore|kdbx))$/i;
const example = /\.(?:example|sample|template|dist)$/i;

/**
 * Places as they are within the clone, each with its lines where they may be shown. What is outside is left out; what is not
 * there any more stays, without lines. `dir`: where paths that are not found from the top begin; `around`: so many lines
 * before and after are shown with them.
 */
export async function readPlaces(
  asked: Place[],
  { clone, dir, clean, around }: { clone: Clone; dir: string; clean: Clean; around: number },
): Promise<Place[]> {
  const inside = await Promise.all(
    asked.map(async (place) => ({ place, found: await find(place.path, clone.top, dir) })),
  );
  const known = inside.flatMap(({ place, found }) => (found === null ? [] : [{ place, found }]));
  const shown = await clone.shown(known.flatMap(({ found }) => (found.real === null ? [] : [found.real])));
  return Promise.all(
    known.map(async ({ place, found: { path, real } }) => {
      const { from, to } = ordered(place);
      const may = real !== null && (shown === null || shown.has(real)) && !isSecret(path) && !isSecret(real);
      const given = place.snippet === null || isSecret(path) ? null : place.snippet;
      const lines = from === null ? null : { first: Math.max(1, from - around), last: (to ?? from) + around };
      const read = given ?? (may && lines !== null ? await readLines(join(clone.top, real), lines) : null);
      return { path, from, to, snippet: read === null ? null : clean(read).slice(0, most.characters) };
    }),
  );
}

/**
 * The lines that an error names, as far as they are the repository's own: the innermost first. Of several packages in one
 * repository each names its files from where it lies: from `dir`, else where only one file can be meant.
 */
export async function placesOf(output: string, clone: Clone, dir: string): Promise<Place[]> {
  const frames = framesIn(output);
  // A container or another machine had it elsewhere: `/app/src/cart.ts` may be `src/cart.ts` here.
  const candidates = (path: string) => {
    const direct =
      isAbsolute(path) && path.startsWith(clone.top + sep)
        ? relative(clone.top, path)
        : path.replace(/^(?:\.?\/)+/, '');
    const parts = direct.split('/');
    const inDir = isAbsolute(path) ? null : insideOf(clone.top, join(dir, path));
    const fromHere = inDir === null ? [] : [inDir];
    if (parts.includes('..')) return fromHere;
    const shorter = parts.slice(1, -1).map((_, index) => parts.slice(index + 1).join('/'));
    return [...new Set([...fromHere, direct, ...shorter])].slice(0, 12);
  };
  const all = [...new Set(frames.flatMap(({ path }) => candidates(path)))];
  const there = await clone.shown(all.filter((path) => existsSync(join(clone.top, path))));
  if (there === null) return [];
  const unknown = frames.filter(({ path }) => !candidates(path).some((each) => there.has(each)));
  const bare = (path: string) => path.replace(/^(?:\.\/)+/, '');
  const ends = [
    ...new Set(unknown.map(({ path }) => bare(path)).filter((path) => !/^(?:\/|\.\.\/|[A-Za-z]:)/.test(path))),
  ];
  const sources = await clone.endingIn(ends);
  const only = (path: string) => {
    const [found, ...others] = sources.filter((each) => `/${each}`.endsWith(`/${bare(path)}`));
    return others.length === 0 ? found : undefined;
  };
  const places = new Map<string, Place>();
  for (const { path, line } of frames) {
    const found = candidates(path).find((each) => there.has(each)) ?? only(path);
    if (found !== undefined && !places.has(`${found}:${line}`))
      places.set(`${found}:${line}`, { path: found, from: line, to: line, snippet: null });
  }
  return [...places.values()].slice(0, most.places);
}

/** `real`: where it really lies, links followed; null: it is not there, or not a place to read from. */
async function find(path: string, top: string, dir: string): Promise<{ path: string; real: string | null } | null> {
  const start = await realpath(dir).catch(() => dir);
  const ways = isAbsolute(path) ? [path] : [join(top, path), resolve(start, path)];
  const within = ways.map((way) => insideOf(top, way)).filter((way) => way !== null);
  for (const way of within) {
    const real = await realpath(join(top, way)).catch(() => null);
    if (real !== null) return { path: way, real: insideOf(top, real) };
  }
  if (isAbsolute(path) && within.length === 0) {
    const real = await realpath(path).catch(() => null); // the top was reached by a link
    const way = real === null ? null : insideOf(top, real);
    if (way !== null) return { path: way, real: way };
  }
  return within[0] === undefined ? null : { path: within[0], real: null };
}

function insideOf(top: string, path: string): string | null {
  const inside = relative(top, path);
  const parts = inside.split(sep);
  return inside === '' || parts[0] === '..' || parts.includes('.git') || isAbsolute(inside) ? null : parts.join('/');
}

function isSecret(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return secretFile.test(name) && !example.test(name);
}

function ordered({ from, to }: Place): Pick<Place, 'from' | 'to'> {
  const [first, last] = [from ?? to, to ?? from];
  return first !== null && last !== null && last < first ? { from: last, to: first } : { from: first, to: last };
}

async function readLines(file: string, { first, last }: { first: number; last: number }): Promise<string | null> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return null;
  try {
    const { size, isFile } = await handle.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
    if (!isFile || size > most.fileBytes) return null;
    const text = await handle.readFile('utf8');
    if (text.slice(0, 8_000).includes('\0')) return null;
    const lines = text.split('\n').slice(first - 1, Math.min(last, first + most.lines - 1));
    return lines.length === 0
      ? null
      : lines
          .map((line) => line.replace(/\r$/, ''))
          .join('\n')
          .slice(0, most.characters);
  } catch {
    return null;
  } finally {
    await handle.close();
  }
}
