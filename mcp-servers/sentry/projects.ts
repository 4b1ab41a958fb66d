/** A project that the server may read. */
export interface BoundProject {
  organization: string;
  slug: string;
}

/** What Sentry takes for a slug. */
const slug = /^[A-Za-z0-9][\w-]{0,99}$/;

/** "acme/web, acme/api". Throws for what cannot be one, and for none. */
export function readProjects(text: string): BoundProject[] {
  const names = text.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  if (names.length === 0)
    throw new Error('No project is named. Pass --projects ORGANIZATION/PROJECT,..., or set SENTRY_PROJECTS.');
  return names.map((name) => {
    const [organization = '', project = '', more] = name.split('/');
    if (!slug.test(organization) || !slug.test(project) || more !== undefined)
      throw new Error(`${JSON.stringify(name)} is no project of Sentry; write ORGANIZATION/PROJECT, by their slugs.`);
    return { organization, slug: project };
  });
}

export function nameOf({ organization, slug }: BoundProject): string {
  return `${organization}/${slug}`;
}

export function namesOf(projects: readonly BoundProject[]): string {
  return projects.map(nameOf).join(', ');
}
