import type { z } from 'zod';
import type { AlertedError, AlertedKey, AlertRule, AlertSignal, FixedRelease, MergedFix } from '../core/alert.ts';
import type { Check } from '../core/check.ts';
import type { Delivery } from '../core/delivery.ts';
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
  open(settings: NonNullable<Settings>): Promise<AlertSource>;
}

/** Errors as they are told of, and read. Adapters return plain, resolved core data: clean, bounded, without secrets. */
export interface AlertSource {
  readonly kind: string;

  /** What people call it. */
  readonly name: string;

  /** Of the projects that are configured; of others nothing is read. */
  readonly rules: readonly AlertRule[];

  /** As `Tracker.verifyDelivery`. An id comes of what is signed, so that a copy has the same. Throws `VendorError` `unauthorized` or `invalid`. */
  verifyDelivery(headers: Record<string, string>, body: Uint8Array): { deliveryId: string };

  /** Which errors a verified delivery tells of, of whatever project. A hint: what counts is read. Never throws for its content. */
  readAlerts(delivery: Delivery): AlertSignal[];

  /** The error as it stands now. Throws `VendorError`: `not_found` where it was deleted, `unavailable`, `rate_limited`, `unauthorized`. */
  readError(key: AlertedKey, signal: AbortSignal): Promise<AlertedError>;

  /** The error at an address; null: it is no address of this source. Throws as `readError`, and `invalid` for a project that is not configured. */
  findError(address: string, signal: AbortSignal): Promise<AlertedError | null>;

  /** The first release of the error's project that has a fix; null: there is none yet. Throws as `readError`. */
  findRelease(key: AlertedKey, fix: MergedFix, signal: AbortSignal): Promise<FixedRelease | null>;

  /** Whether each of its projects can be read. Never throws. */
  check(): Promise<Check[]>;
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
