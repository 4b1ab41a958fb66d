import type { CodeHost, RequestHint } from '../code-hosts/code-host.ts';
import type { Delivery } from '../core/delivery.ts';
import type { Repository } from '../core/repository.ts';
import type { Tx } from '../store/database.ts';
import { hastenRequests } from '../store/followed-requests.ts';

export interface HintDeps {
  codeHosts: ReadonlyMap<string, CodeHost>;
  repositories: ReadonlyMap<string, Repository>;
}

/** A pull request of one of these repositories (there may be several names for one place) was touched. */
export interface Hinted {
  repositories: string[];
  hint: RequestHint;
}

/** What a code host's delivery says of pull requests, in repositories of ours. */
export function hintsIn({ codeHosts, repositories }: HintDeps, delivery: Delivery): Hinted[] {
  const hints = codeHosts.get(delivery.source)?.webhooks?.readHints(delivery) ?? [];
  const sameIn = (location: string) => (repository: Repository) =>
    repository.codeHost === delivery.source && repository.location.toLowerCase() === location.toLowerCase();
  return hints.flatMap((hint) => {
    const names = [...repositories.values()].filter(sameIn(hint.location)).map(({ name }) => name);
    return names.length === 0 ? [] : [{ repositories: names, hint }];
  });
}

/** They are looked at within a second. The last thing that a transaction with locks of sessions may lock. */
export async function hasten(tx: Tx, hinted: readonly Hinted[]): Promise<void> {
  for (const { repositories, hint } of hinted) await hastenRequests(tx, repositories, hint);
}
