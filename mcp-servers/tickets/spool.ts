import { createHash } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { type Capture, type CaptureResult, captureSchema } from './capture.ts';
import { type TicketDesk, Unreachable } from './desk.ts';
import { isAlive } from './lock.ts';
import { writePrivately } from './private-file.ts';
import type { Environment } from './settings.ts';

const keptSchema = z.object({
  capture: captureSchema,
  /**
   * `sending`: the process `pid` has it in hand; `waiting`: nobody could be reached; `refused`: it was, and said `why` not;
   * `asked`: there are likely duplicates, and people choose.
   */
  state: z.enum(['sending', 'waiting', 'refused', 'asked']),
  pid: z.int(),
  /** ISO 8601, when it was said, and when it last became what it is. */
  keptAt: z.string(),
  at: z.string(),
  why: z.string().nullable(),
  /** Whose desk it is for; see `keepWith`. null: nobody knew one. */
  to: z.string().nullable(),
});
export type Kept = z.output<typeof keptSchema>;

const newsSchema = z.object({ text: z.string(), at: z.string() });

/** What people said to be filed and is not, as far as this machine knows: one file each, written before anything is sent. */
export interface Spool {
  dir: string;
  keep(kept: Kept): Promise<void>;
  /** The oldest first. `broken`: files that nobody can read. */
  list(): Promise<{ kept: Kept[]; broken: string[] }>;
  find(id: string): Promise<Kept | null>;
  drop(id: string): Promise<void>;
  /** What happened to one of them while nobody looked: told by whoever asks first, once. */
  addNews(id: string, text: string): Promise<void>;
  takeNews(): Promise<string[]>;
  /** The id that the same words had which were said a moment ago, else this one, which they have from then on. */
  idOf(capture: Capture): Promise<string>;
}

/** Said twice within it, it was meant once. */
const sameMs = 10_000;

export function spoolDir(env: Environment): string {
  return join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'shipmate', 'spool');
}

export function createSpool({ dir }: { dir: string }): Spool {
  const file = (id: string) => join(dir, `${id}.json`);
  const read = async (name: string) => parse(keptSchema, await readFile(join(dir, name), 'utf8').catch(() => ''));
  const names = async (end: string) =>
    (await readdir(dir).catch(() => [])).filter((name) => name.endsWith(end) && !name.startsWith('.'));
  const spool: Spool = {
    dir,
    keep: (kept) => writePrivately(file(kept.capture.id), `${JSON.stringify(kept, null, 1)}\n`),
    async list() {
      const found = await Promise.all((await names('.json')).map(async (name) => ({ name, kept: await read(name) })));
      const kept = found.flatMap((each) => each.kept ?? []).sort((a, b) => a.keptAt.localeCompare(b.keptAt));
      const gone = new Set(await names('.json')); // sent meanwhile
      const broken = found.flatMap(({ name, kept }) => (kept === null && gone.has(name) ? [join(dir, name)] : []));
      return { kept, broken };
    },
    find: async (id) => (z.uuid().safeParse(id).success ? read(`${id}.json`) : null),
    drop: (id) => rm(file(id), { force: true }),
    addNews: (id, text) =>
      writePrivately(join(dir, `${id}.news`), JSON.stringify({ text, at: new Date().toISOString() })),
    async takeNews() {
      const taken = await Promise.all(
        (await names('.news')).map(async (name) => {
          const text = await readFile(join(dir, name), 'utf8').catch(() => '');
          // Whoever takes the file away has it to say.
          const isMine = await rm(join(dir, name)).then(
            () => true,
            () => false,
          );
          return isMine ? parse(newsSchema, text) : null;
        }),
      );
      return taken
        .filter((news) => news !== null)
        .sort((a, b) => a.at.localeCompare(b.at))
        .map(({ text }) => text);
    },
    async idOf(capture) {
      const { id, environment: _environment, checkout, ...words } = capture;
      const said = createHash('sha256')
        .update(JSON.stringify([words, checkout?.remotes]))
        .digest('hex')
        .slice(0, 32);
      await mkdir(dir, { recursive: true, mode: 0o700 });
      for (const name of await readdir(dir)) if (name.endsWith('.said')) await forget(join(dir, name), sameMs);
      return firstWithin(join(dir, `.${said}.said`), id, sameMs);
    },
  };
  return spool;
}

/**
 * The desk, with what cannot be delivered kept. `to` names the desk: what was kept for it is sent to it alone, and what was
 * kept for none (null) to whichever is there. A file goes when there is a ticket: what the service could only keep, too, is
 * asked for again, so that what becomes of it is told.
 */
export function keepWith<Desk extends Pick<TicketDesk, 'makeTicket'>>(
  desk: Desk,
  spool: Spool,
  to: string | null = null,
): Desk {
  async function makeTicket(given: Capture, signal: AbortSignal): Promise<CaptureResult> {
    if (given.dryRun) return desk.makeTicket(given, signal);
    const capture = { ...given, id: (await askedBefore(given)) ?? (await spool.idOf(given).catch(() => given.id)) };
    const now = new Date().toISOString();
    const keptAt = (await spool.find(capture.id))?.keptAt ?? now;
    const kept: Kept = { capture, state: 'sending', pid: process.pid, keptAt, at: now, why: null, to };
    const keep = (state: Kept['state'], why: string | null) =>
      spool.keep({ ...kept, state, why, at: new Date().toISOString() });
    const failed = await keep('sending', null).then(
      () => null,
      (error: Error) => `It could not be kept on this machine (${error.message}).`,
    );
    // Where that fails by now, the file still says that it is sent, and by a process that soon is gone.
    const keepOn = (state: Kept['state'], why: string | null) => keep(state, why).catch(() => {});
    try {
      const result = await desk.makeTicket(capture, signal);
      if (result.status === 'duplicates') await keepOn('asked', null);
      else if (result.status === 'kept') await keepOn('waiting', result.notes.at(-1) ?? null);
      else await spool.drop(capture.id).catch(() => {}); // sent again, it would be filed once
      return failed === null ? result : { ...result, notes: [...result.notes, failed] };
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      if (signal.aborted) {
        await keepOn('waiting', null);
        throw error;
      }
      if (failed !== null) throw new Error(`${said}\n${failed} So send it again yourself.`, { cause: error });
      if (error instanceof Unreachable) {
        await keepOn('waiting', said);
        const where = `${said} It is kept in ${spool.dir}, and filed by itself as soon as that is possible.`;
        return { status: 'kept', drafts: [], notes: [where] };
      }
      await keepOn('refused', said);
      throw new Error(
        `${said}\nNothing is lost: it is kept in ${spool.dir}. To send it again: shipmate ticket --again ${capture.id}`,
        { cause: error },
      );
    }
  }

  /** An answer to the question whether it is one of the duplicates: it goes on with what was asked about. */
  async function askedBefore({ id, title, addTo, anyway }: Capture): Promise<string | null> {
    if (addTo === null && !anyway) return null;
    if ((await spool.find(id)) !== null) return id;
    const { kept } = await spool.list();
    return kept.findLast(({ capture, state }) => state === 'asked' && capture.title === title)?.capture.id ?? null;
  }

  return { ...desk, makeTicket };
}

/** Of a process that is gone, or that has had it in hand for longer than anything takes, it is not in hand any more. */
export function isInHand({ state, pid, at }: Kept): boolean {
  return state === 'sending' && isAlive(pid) && Date.now() - Date.parse(at) < 600_000;
}

async function firstWithin(path: string, mine: string, withinMs: number): Promise<string> {
  const half = `${path}.${mine}`;
  await writeFile(half, mine, { mode: 0o600 });
  try {
    for (let tries = 0; tries < 3; tries += 1) {
      const isFirst = await link(half, path).then(
        () => true,
        () => false,
      );
      if (isFirst) return mine;
      const saidAt = await stat(path)
        .then(({ mtimeMs }) => mtimeMs)
        .catch(() => 0);
      const theirs = await readFile(path, 'utf8').catch(() => '');
      if (Math.abs(Date.now() - saidAt) < withinMs && z.uuid().safeParse(theirs).success) return theirs;
      await rm(path, { force: true });
    }
    return mine;
  } finally {
    await rm(half, { force: true });
  }
}

async function forget(path: string, afterMs: number): Promise<void> {
  const at = await stat(path).catch(() => null);
  if (at !== null && Date.now() - at.mtimeMs > afterMs) await rm(path, { force: true });
}

function parse<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
