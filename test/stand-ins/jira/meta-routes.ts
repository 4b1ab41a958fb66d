import { describeInput, isWritable } from './field-input.ts';
import { listed } from './issue-routes.ts';
import { workflowOf } from './projects.ts';
import { missing } from './refusal.ts';
import { type Call, type Routes, route } from './rest.ts';
import type { Project } from './rows.ts';
import { describeCategory } from './site.ts';
import {
  describeIssueType,
  describeNamed,
  describeProject,
  describeStatus,
  describeUser,
  type Eye,
  fieldsOf,
} from './views.ts';

function projectFor({ site, user }: Pick<Call, 'site' | 'user'>, keyOrId: string): Project {
  const project = site.project(keyOrId);
  if (!project || !site.may(user, 'BROWSE_PROJECTS', project))
    throw missing(`No project could be found with key '${keyOrId}'.`);
  return project;
}

function wholeProject(eye: Eye, project: Project): Record<string, unknown> {
  return {
    ...describeProject(eye, project),
    description: '',
    lead: describeUser(eye, project.lead),
    components: project.components.map((component) => describeNamed(eye, 'component', component)),
    issueTypes: project.issueTypes.map((type) => describeIssueType(eye, type)),
    versions: [],
  };
}

function page<Item>(
  { startAt = 0, maxResults = 50 }: { startAt?: number | undefined; maxResults?: number | undefined },
  all: Item[],
) {
  const [from, size] = [Number(startAt), Math.min(Number(maxResults), 100)];
  return {
    startAt: from,
    maxResults: size,
    total: all.length,
    isLast: from + size >= all.length,
    values: all.slice(from, from + size),
  };
}

export const metaRoutes: Routes = {
  'projects.searchProjects': route<'projects.searchProjects'>('read', ({ site, eye, user, given }) => {
    const wanted = String(given.query ?? '').toLowerCase();
    const keys = listed(given.keys);
    const seen = site.projects
      .filter((project) => site.may(user, given.action === 'create' ? 'CREATE_ISSUES' : 'BROWSE_PROJECTS', project))
      .filter(
        ({ key, name }) => `${key} ${name}`.toLowerCase().includes(wanted) && (keys.length === 0 || keys.includes(key)),
      )
      .toSorted((a, b) => a.key.localeCompare(b.key));
    return {
      body: {
        self: `${eye.base}/rest/api/3/project/search`,
        ...page(
          given,
          seen.map((project) => wholeProject(eye, project)),
        ),
      },
    };
  }),

  'projects.getProject': route<'projects.getProject'>('read', (call) => ({
    body: wholeProject(call.eye, projectFor(call, call.given.projectIdOrKey)),
  })),

  'projects.getAllStatuses': route<'projects.getAllStatuses'>('read', (call) => {
    const project = projectFor(call, call.given.projectIdOrKey);
    return {
      body: project.issueTypes.map((issueType) => ({
        ...describeIssueType(call.eye, issueType),
        statuses: workflowOf({ project, issueType }).statuses.map((status) => describeStatus(call.eye, status)),
      })),
    };
  }),

  'projectComponents.getProjectComponents': route<'projectComponents.getProjectComponents'>('read', (call) => {
    const project = projectFor(call, call.given.projectIdOrKey);
    return {
      body: project.components.map((component) => ({
        ...describeNamed(call.eye, 'component', component),
        project: project.key,
        projectId: Number(project.id),
      })),
    };
  }),

  'issues.getCreateIssueMetaIssueTypes': route<'issues.getCreateIssueMetaIssueTypes'>('read', (call) => {
    const { site, eye, user, given } = call;
    const project = projectFor(call, given.projectIdOrKey);
    const types = site.may(user, 'CREATE_ISSUES', project)
      ? project.issueTypes.map((type) => describeIssueType(eye, type))
      : [];
    const { values: issueTypes, isLast: _, ...rest } = page(given, types);
    return { body: { ...rest, issueTypes } };
  }),

  'issues.getCreateIssueMetaIssueTypeId': route<'issues.getCreateIssueMetaIssueTypeId'>('read', (call) => {
    const { site, eye, given } = call;
    const project = projectFor(call, given.projectIdOrKey);
    const type = project.issueTypes.find(({ id }) => id === given.issueTypeId);
    if (!type) throw missing('The issue type is not found, or you do not have permission to create issues of it.');
    const required = [
      'summary',
      'project',
      'issuetype',
      ...project.required,
      ...(type.hierarchyLevel === -1 ? ['parent'] : []),
    ];
    const shown = fieldsOf(site, project)
      .filter((field) => isWritable(field) && !project.hidden.has(field.id))
      .map((field) => describeInput(site, project, field, required.includes(field.id), eye.base));
    const { values: fields, isLast: _, ...rest } = page(given, shown);
    return { body: { ...rest, fields } };
  }),

  'issueFields.getFields': route<'issueFields.getFields'>('read', ({ site }) => ({
    body: site.fields.map((field) => ({
      id: field.id,
      key: field.id,
      name: field.name,
      untranslatedName: field.name,
      custom: field.custom,
      orderable: true,
      navigable: true,
      searchable: true,
      clauseNames: field.custom ? [`cf[${field.schema.customId}]`, field.name] : [field.id],
      schema: field.schema,
      ...(field.projectId !== null && { scope: { type: 'PROJECT', project: { id: field.projectId } } }),
    })),
  })),

  'issuePriorities.searchPriorities': route<'issuePriorities.searchPriorities'>('read', ({ site, eye, given }) => ({
    body: page(
      { startAt: Number(given.startAt ?? 0), maxResults: Number(given.maxResults ?? 50) },
      site.priorities.map((row) => ({
        ...describeNamed(eye, 'priority', row),
        isDefault: row.name === 'Medium',
        statusColor: '#ea4d1d',
      })),
    ),
  })),

  'workflowStatuses.getStatuses': route<'workflowStatuses.getStatuses'>('read', ({ site, eye }) => ({
    body: site.statuses.map((status) => describeStatus(eye, status)),
  })),

  'workflowStatusCategories.getStatusCategories': route<'workflowStatusCategories.getStatusCategories'>(
    'read',
    ({ eye }) => ({
      body: (['new', 'indeterminate', 'done'] as const).map((category) => describeCategory(category, eye.base)),
    }),
  ),

  'issueTypes.getIssueAllTypes': route<'issueTypes.getIssueAllTypes'>('read', ({ site, eye }) => ({
    body: [...new Set(site.projects.flatMap(({ issueTypes }) => issueTypes))].map((type) =>
      describeIssueType(eye, type),
    ),
  })),

  'labels.getAllLabels': route<'labels.getAllLabels'>('read', ({ site, given }) => ({
    body: page(given as never, [...new Set([...site.issues.values()].flatMap(({ labels }) => labels))].toSorted()),
  })),
};
