import type { Clock } from '../linear/clock.ts';
import type { Apps } from './apps.ts';
import type { Faults } from './faults.ts';
import type { NewRepository } from './repositories.ts';
import type { Repository, User } from './rows.ts';
import type { Outbox, Told } from './webhooks.ts';

/** One HTTP request, whatever came of it. */
export interface RecordedRequest {
  at: number;
  /** "POST /api/v3/repos/acme/app/pulls", decoded */
  line: string;
  /** The id in the vendor's description; "graphql"; "git/upload-pack", "git/receive-pack". */
  operation: string | null;
  headers: Record<string, string>;
  /** As it came, with its query. */
  url: string;
  body: unknown;
  status: number | null;
}

export interface GitHub {
  /** Where people look, and git clones from: `<url>/owner/name.git`. */
  url: string;
  apiUrl: string;
  /** Where its repositories lie. */
  dir: string;
  clock: Clock;
  faults: Faults;
  /** All, oldest first; empty it as you like. */
  requests: RecordedRequest[];
  /** What we asked, or the stand-in answered, against the vendor's description. */
  violations: string[];
  requestsPerHour: number;
  search: {
    perMinute: number;
    /** So long after it was changed an issue is not found. */
    lagMs: number;
    /** It takes too long, and ends with half of what there is. */
    isIncomplete: boolean;
  };
  /** Of each who asks: how much of this hour's requests is used, and of this minute's searches. */
  used: Map<string, { count: number; resetsAt: number }>;
  apps: Apps;
  /** By login in lower case. */
  users: Map<string, User>;
  repositories: Repository[];
  outbox: Outbox;
  nextId(): number;
  /** The user of that login, made where there is none. */
  addUser(login: string, type?: User['type']): User;
  /** "owner/name"; its owner is an organization unless there is such a user. */
  addRepository(name: string, wanted?: NewRepository): Promise<Repository>;
  repository(name: string): Repository;
  emit(event: string, action: string | null, told: Told): void;
  /** Throws, once, where something was asked or answered against the description. For the end of each test. */
  expectClean(): void;
  close(): Promise<void>;
}
