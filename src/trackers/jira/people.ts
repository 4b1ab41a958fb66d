import type { Person } from '../../core/ticket.ts';

/** An account as Jira shows it; null where it was deleted, or somebody has none. */
export type Account =
  | { accountId?: string | undefined; displayName?: string | undefined; accountType?: string | undefined }
  | null
  | undefined;

/** The agent's own account. */
export interface Own {
  accountId: string;
  displayName: string;
}

export function isOwn(account: Account, own: Own): boolean {
  return account?.accountId !== undefined && account.accountId === own.accountId;
}

/** A customer of a help desk may speak here, and no more. */
export function personOf(account: Account, own: Own): Person {
  if (!account?.accountId) return { id: 'unknown', name: account?.displayName ?? 'Jira', isBot: true };
  const { accountId: id, displayName: name = id, accountType } = account;
  const isBot = accountType === 'app' || isOwn(account, own);
  return { id, name, isBot, ...(accountType === 'customer' && !isBot && { isOutsider: true as const }) };
}
