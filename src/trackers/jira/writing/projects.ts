import type { TicketDraft } from '../../../core/ticket.ts';
import type { KnownProject, Site } from '../sites.ts';
import { isSame } from '../states.ts';
import type { Memory } from './memory.ts';
import { refusal } from './place.ts';

const perPage = 50;
const mostPages = 100;

/** Where the agent may file tickets, by key. */
function projectsOf(memory: Memory, site: Site, signal: AbortSignal): Promise<KnownProject[]> {
  return memory.meta(`${site.host} projects`, async () => {
    const all: KnownProject[] = [];
    for (let page = 0; page < mostPages; page++) {
      const { values = [], isLast = true } = await site.client
        .on(signal)
        .projects.searchProjects({ action: 'create', startAt: all.length, maxResults: perPage, orderBy: 'key' });
      for (const { id, key, name } of values) if (id && key) all.push({ id, key, name: name ?? key });
      if (isLast || values.length === 0) break;
    }
    return all.toSorted((a, b) => a.key.localeCompare(b.key));
  });
}

/** The project that a draft names, by key or name; `otherwise` where it names none that there is. Throws `VendorError`. */
export async function projectFor(
  memory: Memory,
  sites: readonly Site[],
  { team, project }: TicketDraft,
  otherwise: { site: Site; projectId: string } | null,
  signal: AbortSignal,
): Promise<{ site: Site; project: KnownProject }> {
  const wanted = [team, project].filter((name): name is string => name !== null && name.trim() !== '');
  const known: { site: Site; project: KnownProject }[] = [];
  for (const site of otherwise ? [otherwise.site] : sites)
    for (const each of await projectsOf(memory, site, signal)) known.push({ site, project: each });
  const named = wanted
    .map((name) => known.find((each) => isSame(each.project.key, name) || isSame(each.project.name, name)))
    .find((each) => each !== undefined);
  const found = named ?? (otherwise ? known.find((each) => each.project.id === otherwise.projectId) : undefined);
  const [first] = known;
  const result = found ?? (wanted.length === 0 || otherwise ? first : undefined);
  if (result) return result;
  if (!first)
    throw refusal(
      'invalid',
      'There is no project in Jira in which the agent may create work. Give its account that permission.',
    );
  const names = known.map(({ project: each }) => `${each.key} (${each.name})`).join(', ');
  throw refusal('invalid', `Jira has no project "${wanted[0]}" that the agent may file in. There are: ${names}.`);
}

export interface IssueType {
  id: string;
  name: string;
  /** -1: a sub-task; 0: a task, a bug, a story; 1 and more: what has those as its parts. */
  level: number;
}

export function issueTypesOf(memory: Memory, site: Site, project: string, signal: AbortSignal): Promise<IssueType[]> {
  return memory.meta(`${site.host} types ${project}`, async () => {
    const { issueTypes = [] } = await site.client
      .on(signal)
      .issues.getCreateIssueMetaIssueTypes({ projectIdOrKey: project, maxResults: 200 });
    return issueTypes.flatMap(({ id, name = '', subtask = false, hierarchyLevel = subtask ? -1 : 0 }) =>
      id === undefined ? [] : [{ id, name, level: hierarchyLevel }],
    );
  });
}

/** What may be given to a new issue. */
export interface NewField {
  id: string;
  name: string;
  isRequired: boolean;
  hasDefault: boolean;
  /** "string", "number", "option" ... */
  type: string;
  /** "textarea", "select"; '': Jira's own. */
  kind: string;
  allowed: { id?: string; name?: string; value?: string }[];
}

export function newFieldsOf(
  memory: Memory,
  site: Site,
  project: string,
  issueType: string,
  signal: AbortSignal,
): Promise<NewField[]> {
  return memory.meta(`${site.host} fields ${project} ${issueType}`, async () => {
    const all: NewField[] = [];
    for (let page = 0; page < mostPages; page++) {
      const found = await site.client.on(signal).issues.getCreateIssueMetaIssueTypeId({
        ...{ projectIdOrKey: project, issueTypeId: issueType, startAt: all.length, maxResults: 200 },
      });
      const { fields = [], total = 0 } = found;
      for (const { fieldId, name, required, hasDefaultValue = false, schema, allowedValues = [] } of fields)
        all.push({
          ...{ id: fieldId, name, isRequired: required, hasDefault: hasDefaultValue },
          ...{ type: schema?.type ?? '', kind: schema?.custom?.split(':').at(-1) ?? '' },
          allowed: allowedValues as NewField['allowed'],
        });
      if (fields.length === 0 || all.length >= total) break;
    }
    return all;
  });
}
