import type { Person } from '../../core/ticket.ts';

/** An account as GitHub shows it; null where it was deleted. */
export type Account = { id: number; login: string; type?: string | undefined } | null | undefined;

/** The agent's own account. */
export interface Own {
  login: string;
  /** As people write it after an @. */
  names: readonly string[];
  /** null: a token's account, that is no App's. */
  appId: number | null;
}

/** By what app something was written, and what its author is to the repository. */
export interface Authorship {
  performed_via_github_app?: { id?: number | undefined } | null | undefined;
  author_association?: string | undefined;
}

const insiders = ['OWNER', 'MEMBER', 'COLLABORATOR'];

export function isOwn(user: Account, own: Own, { performed_via_github_app: app }: Authorship = {}): boolean {
  return user?.login.toLowerCase() === own.login.toLowerCase() || (own.appId !== null && app?.id === own.appId);
}

/**
 * `writers`: logins, in lower case, of those who may write to the repository; null while nobody has asked, and then GitHub's
 * word for the author has to do.
 */
export function personOf(
  user: Account,
  own: Own,
  written: Authorship = {},
  writers: ReadonlySet<string> | null = null,
): Person {
  if (!user) return { id: 'ghost', name: 'ghost', isBot: false, isOutsider: true };
  const { id, login, type = 'User' } = user;
  const isBot = type === 'Bot' || isOwn(user, own, written);
  const person: Person = { id: String(id), name: login, isBot };
  const association = written.author_association;
  const isOutsider =
    writers !== null ? !writers.has(login.toLowerCase()) : association !== undefined && !insiders.includes(association);
  return !isBot && isOutsider ? { ...person, isOutsider } : person;
}
