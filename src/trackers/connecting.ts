import type { Check } from '../core/check.ts';
import type { TicketHint } from '../core/ticket.ts';
import type { Connections } from './connections.ts';
import type { InstallAnswer } from './installs.ts';

/** How people connect a tracker: `shipmate connect <kind>`. What is here is shown by `--help`; the rest is loaded. */
export interface ConnectCommand<Settings> {
  /** What people call it. */
  name: string;
  /** What it is good for, and what `--check` tries. */
  about: { command: string; check: string };
  /** What a connection leads into, as an option that chooses between several: "workspace", "site". */
  account: { name: string; about: string };
  load(): Promise<Connecting<Settings>>;
}

export interface Connecting<Settings> {
  /** What people do before there is a connection to look at, and what of it is done. `settings` null: it is off. */
  steps(settings: Settings | null, http: { host: string; port: number; publicUrl: string | null }): ConnectStep[];
  /** The last step, which is done when `look` finds nothing missing. */
  lastStep: { title: string; later: string };
  /** Why nothing can be checked while it is off: what is not set. */
  isOff: string;
  open(settings: NonNullable<Settings>, parts: ConnectParts): ConnectDesk;
}

export interface ConnectStep {
  title: string;
  done: boolean;
  lines: string[];
}

export interface ConnectParts {
  connections: Connections;
  /** A path of the service, as an address that the vendor reaches; null without `http.publicUrl`. */
  addressOf(path: string): string | null;
  /** The clock by which deliveries are stored. */
  now(): Promise<Date>;
  /**
   * What has come in since then that has `naming` in it: kinds of event by that header, or that text at the top of the body; those
   * that came too late to be acted on; and whether anything at all was refused for its signature.
   */
  arrivals(wanted: {
    event: { header: string } | { field: string };
    naming: string;
    since: Date;
  }): Promise<{ events: string[]; late: string[]; refused: boolean }>;
  /** A ticket of ours that a service that runs is to leave alone. Called before the agent is given it; `at`: when it was filed. */
  noteGift(ticket: TicketHint, at: string): Promise<void>;
}

export interface Account {
  id: string;
  name: string;
  /** A shorter name, as it stands in its address. */
  key: string;
  address: string;
}

/** What can be found out and done with the settings as they are. */
export interface ConnectDesk {
  /**
   * Each account by its name, whether people can give the agent work there; one that was lost is `missing` where it was the
   * only one, or the settings name it, else a warning. Where there is none, why.
   */
  look(signal: AbortSignal): Promise<Check[]>;
  /** Begins an installation: the page that an admin opens, and what people are told. null: none is needed, or none can be. */
  beginInstall(): Promise<{ url: string | null; lines: string[] }>;
  /** Ends one that was begun in any process. The account's name. Throws `VendorError`, `not_found` where none can be. */
  finishInstall(answer: InstallAnswer, signal: AbortSignal): Promise<string>;
  /** Those that are connected. Throws `VendorError`. */
  accounts(signal: AbortSignal): Promise<Account[]>;
  /** Tries all of it in the live account. Never throws. */
  check(options: {
    account: string;
    signal: AbortSignal;
    /** For webhooks. */
    waitMs?: number;
    /** Hears of each step when it is over. */
    onCheck?(check: Check): void;
    /** Hears that webhooks are waited for. */
    onWait?(): void;
  }): Promise<Check[]>;
}
