import type { Clock } from '../linear/clock.ts';
import type { Faults } from './faults.ts';
import type { Limits } from './limits.ts';
import type { OAuth, Token } from './oauth.ts';
import type { User } from './rows.ts';
import type { Site } from './site.ts';
import type { Outbox } from './webhooks.ts';

/** One HTTP request, whatever came of it. */
export interface RecordedRequest {
  at: number;
  /** "GET /rest/api/3/issue/ENG-1", without what stands before it at the gateway. */
  line: string;
  /** As jira.js calls it: "issues.getIssue"; else "oauth.token", "oauth.resources", "oauth.authorize", "media", "tenantInfo", "adminWebhooks". */
  operation: string | null;
  /** Where it was sent: a site by its cloudId. */
  cloudId: string | null;
  isGateway: boolean;
  headers: Record<string, string>;
  url: string;
  body: unknown;
  status: number | null;
}

export interface SiteOptions {
  name?: string;
  cloudId?: string;
  searchLagMs?: number;
  language?: Site['language'];
  isAnonymousOnBadToken?: boolean;
}

export interface Jira {
  /** In place of https://api.atlassian.com: `/ex/jira/{cloudId}`, `/oauth/token/accessible-resources`. */
  apiUrl: string;
  /** In place of https://auth.atlassian.com: `/authorize`, `/oauth/token`. */
  authUrl: string;
  clock: Clock;
  faults: Faults;
  outbox: Outbox;
  oauth: OAuth;
  limits: Limits;
  /** All, oldest first; empty it as you like. */
  requests: RecordedRequest[];
  /** What was wrong with requests by the vendor's description, or with the stand-in's own answers. */
  violations: string[];
  sites: Site[];
  /** The first of them. */
  site: Site;
  addSite(options?: SiteOptions): Promise<Site>;
  /** Issues' places: `/ex/jira/{cloudId}` of a site, for scoped tokens and OAuth. */
  gatewayOf(site: Site): string;
  /** How often each operation was asked for since the log was emptied. */
  counts(): Record<string, number>;
  /** Throws what was wrong since it was asked last. */
  expectClean(): void;
  close(): Promise<void>;
}

export interface Actor {
  user: User | null;
  token: Token | null;
}
