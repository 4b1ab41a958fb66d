import type { TierRule } from './tiers.ts';

/** A code repository as the configuration names it. */
export interface Repository {
  /** The name in `shipmate.yaml`; unique, and what a ticket's `repository` field says. */
  name: string;
  /** Kind of its code host. */
  codeHost: string;
  /** What the code host knows it by: a path for local-git, owner/name for GitHub. */
  location: string;
  /** Where we come to its code host by several accounts, the one for it: each is limited, lost and connected again by itself. */
  account?: string;
  /** null: the host's default branch. */
  base: string | null;
  /** What the agent may do there by itself; absent: everything that people review then. */
  tiers?: readonly TierRule[];
}
