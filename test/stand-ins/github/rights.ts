import { mayDo, type Token } from './apps.ts';
import type { GitHub } from './github.ts';
import { Refusal } from './refusal.ts';
import type { Level, Repository, User } from './rows.ts';

export function isVisible(github: GitHub, token: Token | null, repository: Repository): boolean {
  return !repository.isPrivate || (token !== null && isCovered(github, token, repository));
}

/** Whether the token is for this repository, whatever it may do there. */
export function isCovered(github: GitHub, token: Token, repository: Repository): boolean {
  if (!token.installation) return levelOf(repository, token.user) !== 'none';
  if (token.repositories && !token.repositories.includes(repository)) return false;
  return github.apps.covers(token.installation, repository);
}

export function levelOf(repository: Repository, user: User): Level {
  if (repository.owner === user) return 'admin';
  return repository.levels.get(user.login) ?? (repository.isPrivate ? 'none' : 'read');
}

/** Throws what the real one answers where a token may not. */
export function checkRight(github: GitHub, token: Token, needs: string, repository: Repository | null): void {
  const writes = !needs.split('|').some((each) => each.endsWith(':read'));
  if (repository?.isArchived && writes) throw new Refusal(403, 'Repository was archived so is read-only.');
  if (token.installation) {
    const isMine = !repository || isCovered(github, token, repository);
    if (isMine ? !mayDo(token, needs) : writes) throw new Refusal(403, 'Resource not accessible by integration');
    return;
  }
  if (repository && writes && !['admin', 'write'].includes(levelOf(repository, token.user)))
    throw new Refusal(403, 'Resource not accessible by personal access token');
}
