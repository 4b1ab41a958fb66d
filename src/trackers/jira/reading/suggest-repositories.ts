import type { Repository } from '../../../core/repository.ts';
import type { Suggestion } from '../../../core/routing.ts';
import type { Desks } from '../desks.ts';
import { isSame } from '../states.ts';
import { findIssue, type IssueName } from './find-issue.ts';

/** A component that is called as a repository is says it; a project that is, only where no component does. */
export async function suggestRepositories(
  { sites }: Desks,
  hint: IssueName,
  candidates: readonly Pick<Repository, 'name' | 'location'>[],
  signal: AbortSignal,
): Promise<Suggestion[]> {
  signal.throwIfAborted();
  if (candidates.length === 0) return [];
  const { issue } = await findIssue(sites, hint, { fields: ['components', 'project'] }, signal);
  const { components, project } = issue.fields;
  const called = (name: string | undefined) =>
    name === undefined ? [] : candidates.filter((each) => namesOf(each).some((own) => isSame(own, name)));
  const byComponent = (components ?? []).flatMap(({ name }) =>
    called(name).map((each): Suggestion => ({ name: each.name, confidence: 1, why: `for its component ${name}` })),
  );
  if (byComponent.length > 0) return byComponent;
  return [...called(project?.name), ...called(project?.key)].map(({ name }) => ({
    ...{ name, confidence: 0.9 },
    why: `for its project ${project?.key ?? project?.name}`,
  }));
}

/** Its own name, and the last part of where it is: "https://host/owner/name.git". */
function namesOf({ name, location }: Pick<Repository, 'name' | 'location'>): string[] {
  const last = location.replace(/\/+$/, '').split(/[/:]/).at(-1) ?? '';
  return [name, last.replace(/\.git$/, '')];
}
