import type { Installation } from './apps.ts';
import type { GitHub } from './github.ts';
import type { Repository, User } from './rows.ts';
import { describeInstallation, nodeId } from './views.ts';

/** What those who own an account do with our App there; who listens is told. */
export interface Installing {
  /** `selected`: only these repositories. */
  install(account: User, selected?: Repository[]): Installation;
  suspend(installation: Installation): void;
  unsuspend(installation: Installation): void;
  /** Its tokens are good no more. */
  uninstall(installation: Installation): void;
  /** Of one that has selected repositories. */
  add(installation: Installation, repository: Repository): void;
  remove(installation: Installation, repository: Repository): void;
}

export function installing(github: GitHub, by: User): Installing {
  function tell(event: string, action: string, installation: Installation, more: object = {}): void {
    const payload = { installation: describeInstallation(github, installation), requester: null, ...more };
    github.emit(event, action, { sender: by, installation, payload });
  }

  const brief = (repository: Repository) => ({
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: `${repository.owner.login}/${repository.name}`,
    private: repository.isPrivate,
  });
  const reposOf = (installation: Installation) => ({
    repositories: github.repositories.filter((each) => github.apps.covers(installation, each)).map(brief),
  });

  function endTokens(installation: Installation): void {
    for (const token of github.apps.tokens) if (token.installation === installation) token.isRevoked = true;
  }

  function select(installation: Installation, repository: Repository, isIn: boolean): void {
    if (isIn) installation.selected?.add(repository);
    else installation.selected?.delete(repository);
    tell('installation_repositories', isIn ? 'added' : 'removed', installation, {
      repository_selection: 'selected',
      repositories_added: isIn ? [brief(repository)] : [],
      repositories_removed: isIn ? [] : [brief(repository)],
    });
  }

  return {
    install(account, selected) {
      const installation = github.apps.install(account, selected);
      tell('installation', 'created', installation, reposOf(installation));
      return installation;
    },
    suspend(installation) {
      installation.suspendedAt = github.clock.stamp();
      endTokens(installation);
      tell('installation', 'suspend', installation, reposOf(installation));
    },
    unsuspend(installation) {
      installation.suspendedAt = null;
      tell('installation', 'unsuspend', installation, reposOf(installation));
    },
    uninstall(installation) {
      installation.isDeleted = true;
      endTokens(installation);
      tell('installation', 'deleted', installation, reposOf(installation));
    },
    add: (installation, repository) => select(installation, repository, true),
    remove: (installation, repository) => select(installation, repository, false),
  };
}
