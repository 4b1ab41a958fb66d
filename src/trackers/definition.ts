import type { Pool } from 'pg';
import type { z } from 'zod';
import type { Repository } from '../core/repository.ts';
import type { Variable } from '../lib/variable.ts';
import type { ConnectCommand } from './connecting.ts';
import type { Connections } from './connections.ts';
import type { Tracker } from './tracker.ts';

/**
 * All that the service has to know of a tracker beside its port. Whatever starts reads it, so it loads fast: the adapter, and
 * whatever needs packages, is imported where it is asked for.
 */
export interface TrackerDefinition<
  Kind extends string = string,
  Section extends z.ZodType = z.ZodType,
  Name extends string = string,
  Settings = unknown,
> {
  /** What tickets, webhooks, commands and shipmate.yaml call it. */
  readonly kind: Kind;
  /** Its block under `trackers` in shipmate.yaml. */
  readonly section: Section;
  readonly environment: readonly Variable<Name>[];
  /** The code host of the same vendor, whose settings open the tracker, too; what is wrong with those is told already. */
  readonly codeHost?: 'github';
  /** Why it is off, and what switches it on: "nothing opens X: set X_TOKEN". Absent: it is always on. */
  readonly off?: string;
  /** What is set by halves is told, without a value. */
  read(file: z.output<Section>, values: Readonly<Record<Name, string | null>>, around: Around): Reading<Settings>;
  /** The agent's name there, as people write it in a mention. */
  agent(settings: NonNullable<Settings>): string;
  /** How often it is asked, because it cannot tell; null, or absent: webhooks tell. */
  pollSeconds?(settings: NonNullable<Settings>): number | null;
  open(settings: NonNullable<Settings>, parts: TrackerParts): Promise<Tracker>;
  /** What `shipmate connect` and installations in a browser need; absent: there is nothing to connect. */
  readonly connect?: ConnectCommand<Settings>;
}

/** `settings` null: it is off. */
export interface Reading<Settings> {
  settings: Settings;
  problems: string[];
}

/** What of the rest of the configuration a tracker may go by. */
export interface Around {
  http: { host: string; publicUrl: string | null };
  repositories: readonly Pick<Repository, 'name' | 'codeHost' | 'location'>[];
  /** The settings of its `codeHost`, as that one documents them; null: off, or it has none. */
  codeHost: unknown;
}

/** What every tracker is made from beside its settings; each takes what it needs. */
export interface TrackerParts {
  /** For a tracker whose tables are in our database. */
  pool: Pool;
  /** For a tracker whose tokens are changed now and then. */
  connections: Connections;
}

/** The first is always on. */
export type TrackerDefinitions = readonly [TrackerDefinition, ...TrackerDefinition[]];

/** What each is configured with, by kind. */
export type SettingsOf<All extends TrackerDefinitions> = {
  [Each in All[number] as Each['kind']]: ReturnType<Each['read']>['settings'];
};

/** Keeps what is its own in the type: kind, names, settings. */
export function defineTracker<
  const Kind extends string,
  Section extends z.ZodType,
  const Name extends string,
  Settings,
>(definition: TrackerDefinition<Kind, Section, Name, Settings>): TrackerDefinition<Kind, Section, Name, Settings> {
  return definition;
}

/** Which of those that are on is meant where nobody says: the first, and the one that is always there only where it is alone. */
export function byPreference<T>([always, ...others]: readonly T[]): T[] {
  return always === undefined ? [] : [...others, always];
}
