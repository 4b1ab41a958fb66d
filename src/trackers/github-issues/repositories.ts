import { ofAccount, VendorError } from '../../core/vendor-error.ts';
import type { Api } from './api.ts';
import { accountOf, type RepositoryName, shortName } from './hint.ts';
import { isSame } from './states.ts';

/** One of those that are configured. */
export interface KnownRepository extends RepositoryName {
  /** Logins, in lower case, of who may write there; null: GitHub does not tell us. */
  writers: ReadonlySet<string> | null;
}

const freshMs = 10 * 60_000;
/** Who closes to us may open again. */
const awayMs = 60_000;
const mostOthers = 1_000;

/** The repositories whose issues are tickets here, and what others are called that these point to. */
export interface Repositories {
  /** All that are there, as they are called now, in the order of the configuration; but those of owners that are closed to us. */
  all(signal: AbortSignal): Promise<KnownRepository[]>;
  /** As `all` was told last: why of an owner nothing can be had now. */
  away(): readonly VendorError[];
  /** Of what is known so far. */
  byId(id: number): KnownRepository | null;
  /** Whether a delivery about a repository is for us. */
  isOurs(repository: RepositoryName): boolean;
  /** By "owner/name", or by the name alone, or by none, where that is enough to tell. */
  named(name: string | null, signal: AbortSignal): Promise<KnownRepository | null>;
  /** Any at all that we may see. */
  lookUp(fullName: string, signal: AbortSignal): Promise<RepositoryName>;
  /** What a delivery says of a name. */
  told(repository: RepositoryName): void;
  forget(): void;
}

export function createRepositories(
  api: Api,
  configured: () => readonly string[],
  now: () => number = () => performance.now(),
): Repositories {
  const known = new Map<number, KnownRepository>();
  const others = new Map<string, number>();
  let asked: { at: number; of: string; found: Promise<KnownRepository[]> } | null = null;
  let away: VendorError[] = [];

  /** null: there is none of that name. */
  async function askOne(name: string, signal: AbortSignal): Promise<KnownRepository | null> {
    const repository = await api.repository(name, signal).catch((error: unknown) => {
      if (error instanceof VendorError && error.code === 'not_found') return null;
      throw error;
    });
    if (!repository) return null;
    const { id, full_name: fullName } = repository;
    // Without leave to see who may write, GitHub's word for each author has to do.
    const writers = await api.writers(fullName, signal).catch((error: unknown) => {
      if (error instanceof VendorError && !error.retryable) return null;
      throw error;
    });
    return { id, fullName, writers: writers && new Set(writers.map((login) => login.toLowerCase())) };
  }

  async function ask(names: readonly string[], signal: AbortSignal): Promise<KnownRepository[]> {
    const found: KnownRepository[] = [];
    const closed: VendorError[] = [];
    for (const name of names) {
      if (closed.some(({ account }) => account === accountOf(name))) continue;
      const one = await askOne(name, signal).catch((error: unknown) => {
        const why = closedOf(error, name);
        if (!why) throw error;
        closed.push(why);
        return null;
      });
      if (one) known.set(one.id, one);
      if (one && !found.some(({ id }) => id === one.id)) found.push(one);
    }
    if (found.length === 0 && closed[0]) throw closed[0];
    away = closed;
    return found;
  }

  const repositories: Repositories = {
    async all(signal) {
      const names = configured();
      const of = names.join();
      if (asked?.of !== of || now() - asked.at >= (away.length > 0 ? awayMs : freshMs)) {
        const found = ask(names, signal);
        asked = { at: now(), of, found };
        found.catch(() => {
          if (asked?.found === found) asked = null;
        });
        await found;
      }
      // Whoever asked first may have given up, which is no answer for us.
      const found = await asked.found.catch(() => ask(names, signal));
      return found.map((one) => known.get(one.id) ?? one);
    },
    away: () => away,
    byId: (id) => known.get(id) ?? null,
    isOurs: ({ id, fullName }) => known.has(id) || configured().some((name) => isSame(name, fullName)),
    async named(name, signal) {
      const all = await repositories.all(signal);
      const whole = all.find(({ fullName }) => name !== null && isSame(fullName, name));
      const meant = all.filter(({ fullName }) => name === null || isSame(shortName(fullName), name));
      return whole ?? (meant.length === 1 ? (meant[0] ?? null) : null);
    },
    async lookUp(fullName, signal) {
      const ours = [...known.values()].find((each) => isSame(each.fullName, fullName));
      const id = ours?.id ?? others.get(fullName.toLowerCase());
      if (id !== undefined) return { id, fullName };
      const repository = await api.repository(fullName, signal);
      if (others.size >= mostOthers) others.clear();
      others.set(fullName.toLowerCase(), repository.id);
      return { id: repository.id, fullName: repository.full_name };
    },
    told({ id, fullName }) {
      const before = known.get(id);
      if (before && before.fullName !== fullName) known.set(id, { ...before, fullName });
    },
    forget() {
      asked = null;
      others.clear();
    },
  };
  return repositories;
}

/**
 * Of one owner nothing can be had now, until people or time have opened it again; null: it is something else. Others' tickets
 * are not held up by it.
 */
export function closedOf(error: unknown, fullName: string): VendorError | null {
  const isClosed = error instanceof VendorError && ['disconnected', 'rate_limited'].includes(error.code);
  return isClosed ? ofAccount(error, accountOf(fullName)) : null;
}
