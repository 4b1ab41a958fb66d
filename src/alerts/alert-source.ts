import type { z } from 'zod';
import type { Repository } from '../core/repository.ts';
import type { TokenServer } from '../core/token-server.ts';
import type { Variable } from '../lib/variable.ts';

/**
 * Something that tells of errors in software that runs: all that the service has to know of one. Whatever starts reads it, so
 * it loads fast: what needs packages is imported where it is asked for.
 */
export interface AlertSourceDefinition<
  Kind extends string = string,
  Section extends z.ZodType = z.ZodType,
  Name extends string = string,
  Settings = unknown,
> {
  /** Its block of shipmate.yaml is called so, and its tool server under `mcp-servers`. */
  readonly kind: Kind;
  readonly section: Section;
  readonly environment: readonly Variable<Name>[];
  /** `settings` null: it is off. What is set by halves is told, without a value. */
  read(
    file: z.output<Section>,
    values: Readonly<Record<Name, string | null>>,
    around: AroundAlerts,
  ): { settings: Settings; problems: string[] };
  /** By what a session reads of the errors of its repository, and of no others; null: nothing is configured for it. */
  toolServer(settings: NonNullable<Settings>, repository: Pick<Repository, 'name'>): TokenServer | null;
}

/** What of the rest of the configuration it may go by. */
export interface AroundAlerts {
  repositories: readonly Pick<Repository, 'name'>[];
}

/** Keeps what is its own in the type: kind, names, settings. */
export function defineAlertSource<
  const Kind extends string,
  Section extends z.ZodType,
  const Name extends string,
  Settings,
>(
  definition: AlertSourceDefinition<Kind, Section, Name, Settings>,
): AlertSourceDefinition<Kind, Section, Name, Settings> {
  return definition;
}
