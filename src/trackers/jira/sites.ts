import type { VendorError } from '../../core/vendor-error.ts';
import { keepNewest } from '../../lib/keep-newest.ts';
import type { JiraClient } from './client.ts';
import { disconnected, JiraError } from './errors.ts';
import { refOf } from './hint.ts';
import type { Own } from './people.ts';
import { isSame } from './states.ts';

/** A field as a site calls it. */
export interface KnownField {
  id: string;
  name: string;
  isCustom: boolean;
  /** "string", "option", "array" ... */
  type: string;
  /** What an array has. */
  items: string | null;
  /** "com.atlassian.jira.plugin.system.customfieldtypes:textarea"; null: Jira's own. */
  custom: string | null;
}

/** A site, with what is asked of it once and stays known for a while. */
export interface Site {
  host: string;
  url: string;
  client: JiraClient;
  own(signal: AbortSignal): Promise<Own>;
  /** Our account, if it was asked for before. */
  knownOwn(): Own | null;
  fields(signal: AbortSignal): Promise<readonly KnownField[]>;
  projects(signal: AbortSignal): Promise<readonly KnownProject[]>;
  /** Those that are called so, by name or key; one that is not known is asked for again. */
  projectsCalled(name: string, signal: AbortSignal): Promise<readonly KnownProject[]>;
  /** What was found out of an issue, and holds while the issue is as it was changed last; '' is asked for each time. */
  whileUnchanged<T>(what: string, issue: { id: string; updated: string }, ask: () => Promise<T>): Promise<T>;
  /** That an issue has just changed: searches are told to look at it as it is, for they lag behind. */
  touch(issueId: string): void;
  /** What changed of late, as a search takes it. */
  touched(): number[];
}

export interface KnownProject {
  id: string;
  key: string;
  name: string;
}

/** All sites that we are a member of. */
export interface Sites {
  /** Those that were asked for last. */
  known(): readonly Site[];
  all(signal: AbortSignal): Promise<readonly Site[]>;
  /** Those that cannot be asked since they were looked for last, or have to be connected again: why, with `account`. */
  lost?(): Promise<VendorError[]>;
}

const knownForMs = { fields: 10 * 60_000, projects: 60_000, touched: 2 * 60_000 };
/** Jira looks at no more in one search. */
const mostTouched = 50;
const projectsAtOnce = 100;
const mostProjects = 10_000;
const mostUnchanged = 2_000;

/** `recalled`: our account, where it need not be asked for. */
export function createSite(client: JiraClient, now: () => number = Date.now, recalled: Own | null = null): Site {
  const { host, url } = client;
  let own = recalled;
  let fields: { at: number; all: readonly KnownField[] } | null = null;
  let projects: { at: number; all: readonly KnownProject[] } | null = null;
  const changed = new Map<string, number>();
  const unchanged = new Map<string, { updated: string; found: unknown }>();

  async function readProjects(signal: AbortSignal): Promise<readonly KnownProject[]> {
    const all: KnownProject[] = [];
    while (all.length < mostProjects) {
      const asked = { startAt: all.length, maxResults: projectsAtOnce, orderBy: 'key' } as const;
      const { values = [], isLast } = await client.on(signal).projects.searchProjects(asked);
      for (const { id = '', key = '', name = key } of values) all.push({ id, key, name });
      if (isLast !== false || values.length === 0) break;
    }
    projects = { at: now(), all };
    return all;
  }

  const isKnown = () => projects !== null && now() - projects.at < knownForMs.projects;
  return {
    host,
    url,
    client,
    knownOwn: () => own,
    async own(signal) {
      if (own) return own;
      const { accountId, displayName } = await client.on(signal).myself.getCurrentUser({});
      if (!accountId)
        throw new JiraError(`Jira (${host}) does not tell whose account the agent has.`, {
          ...{ code: 'unauthorized', retryable: false, status: 200 },
        });
      own = { accountId, displayName: displayName ?? accountId };
      return own;
    },
    async fields(signal) {
      if (fields && now() - fields.at < knownForMs.fields) return fields.all;
      const found = await client.on(signal).issueFields.getFields();
      const all = found.flatMap(({ id, name, custom, schema }): KnownField[] => {
        if (!id) return [];
        const { type = '', items = null, custom: kind = null } = schema ?? {};
        return [{ id, name: name ?? id, isCustom: custom === true, type, items, custom: kind }];
      });
      fields = { at: now(), all };
      return all;
    },
    projects: async (signal) => (isKnown() ? (projects?.all ?? []) : readProjects(signal)),
    async projectsCalled(called, signal) {
      const among = (all: readonly KnownProject[]) =>
        all.filter(({ name, key }) => isSame(name, called) || isSame(key, called));
      const found = among(isKnown() ? (projects?.all ?? []) : []);
      return found.length > 0 ? found : among(await readProjects(signal));
    },
    async whileUnchanged<T>(what: string, { id, updated }: { id: string; updated: string }, ask: () => Promise<T>) {
      const key = `${what} ${id}`;
      const known = unchanged.get(key);
      if (known && updated !== '' && known.updated === updated) return known.found as T;
      const found = await ask();
      keepNewest(unchanged, key, { updated, found }, mostUnchanged);
      return found;
    },
    touch(issueId) {
      keepNewest(changed, issueId, now(), mostTouched);
    },
    touched: () =>
      [...changed].flatMap(([id, at]) => (now() - at < knownForMs.touched && /^\d+$/.test(id) ? [Number(id)] : [])),
  };
}

/**
 * The site that a ticket is in; null: the hint does not say. Throws `VendorError` where it is none of these: why, of those that are
 * `lost`; else `disconnected`.
 */
export function siteOf(
  sites: readonly Site[],
  hint: { ref: unknown; identifier: string },
  lost: readonly VendorError[] = [],
): Site | null {
  const ref = refOf(hint);
  if (!ref) return null;
  const found = sites.find(({ host }) => host === ref.site);
  if (found) return found;
  // What became of it cannot be known: it is not gone.
  const why = lost.find(({ account }) => account === ref.site);
  const remedy = 'which the agent is not connected to. Connect it with `shipmate connect jira`.';
  throw why ?? disconnected(ref.site, `${hint.identifier} is in ${ref.site}, ${remedy}`);
}
