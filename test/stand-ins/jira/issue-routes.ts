import { describeInput, type Input, isWritable, readDocument, readFields } from './field-input.ts';
import {
  addComment,
  addLink,
  carryOut,
  changeIssue,
  createIssue,
  deleteIssue,
  type IssueChanges,
  setProperty,
} from './issues.ts';
import { bad, forbidden, invalid, noIssue } from './refusal.ts';
import { type Call, type Routes, route } from './rest.ts';
import type { Field, Issue, IssueType, Permission, Project } from './rows.ts';
import { describeHistory, describeIssue, describeTransition, type Eye, fieldsOf, transitionsFor } from './views.ts';

type Bag = Record<string, unknown>;
const bag = (value: unknown) => (typeof value === 'object' && value !== null ? (value as Bag) : {});

/** A list as a query has it: several parameters, or commas. */
export const listed = (value: unknown): string[] =>
  value === undefined
    ? []
    : [value]
        .flat()
        .flatMap((each) => String(each).split(','))
        .map((each) => each.trim());

/** Which fields are asked for: by their ids, `*all`, `*navigable`, and with a minus those that are not. */
export function chosenFields(eye: Eye, asked: string[], otherwise: string): Field[] {
  const { fields } = eye.site;
  const wanted = asked.filter((name) => !name.startsWith('-'));
  const isAll = (wanted.length === 0 ? [otherwise] : wanted).some((name) => ['*all', '*navigable'].includes(name));
  return fields.filter(({ id }) => (isAll || wanted.includes(id)) && !asked.includes(`-${id}`));
}

export function expanded(eye: Eye, issue: Issue, expand: string[], fields: Field[]): Bag {
  const histories = issue.histories.toReversed().slice(0, 100);
  return {
    ...(expand.includes('names') && { names: Object.fromEntries(fields.map(({ id, name }) => [id, name])) }),
    ...(expand.includes('schema') && { schema: Object.fromEntries(fields.map(({ id, schema }) => [id, schema])) }),
    ...(expand.includes('changelog') && {
      changelog: {
        startAt: 0,
        maxResults: histories.length,
        total: issue.histories.length,
        histories: histories.map((history) => describeHistory(eye, history)),
      },
    }),
    ...(expand.includes('transitions') && {
      transitions: transitionsFor(eye, issue).map((transition) => describeTransition(eye, transition)),
    }),
    ...(expand.includes('editmeta') && { editmeta: { fields: editFields(eye, issue) } }),
    ...(expand.includes('renderedFields') && { renderedFields: {} }),
  };
}

function presentValue(issue: Issue, id: string): unknown {
  const value = issue.values[id] ?? (issue as unknown as Bag)[id];
  return Array.isArray(value) && value.length === 0 ? null : value;
}

/** Those that are asked for, if any are; never of the index, always as they are. */
export function propertiesOf(issue: Issue, asked: unknown): { properties?: Bag } {
  const wanted = listed(asked);
  const properties = [...issue.properties].filter(([key]) => wanted.includes('*all') || wanted.includes(key));
  return wanted.length === 0 ? {} : { properties: Object.fromEntries(properties) };
}

/** May the user see it, and do this to it? Throws as Jira does. */
export function issueFor(
  { site, user }: Pick<Call, 'site' | 'user'>,
  idOrKey: string,
  permission: Permission,
  message: string,
): Issue {
  const issue = site.see(idOrKey, user);
  if (!site.may(user, permission, issue.project)) throw forbidden(message);
  return issue;
}

function inputOf(call: Call, project: Project, issueType: IssueType, issue: Issue | null): Input {
  const { site, user, object } = call;
  return { site, user, project, issueType, issue, errors: {}, object };
}

/** What `update` says of lists, put on what is there. */
function applyUpdate(input: Input, update: Bag, fields: Bag): Bag {
  const whole: Bag = { ...fields };
  const { issue } = input;
  for (const [id, operations] of Object.entries(update)) {
    if (id === 'comment' || id === 'issuelinks') continue;
    for (const operation of [operations].flat().map(bag)) {
      if ('set' in operation) whole[id] = operation.set;
      const standing = id === 'labels' ? issue?.labels : id === 'components' ? issue?.components : issue?.values[id];
      const now = (whole[id] ?? standing ?? []) as unknown[];
      const same = (one: unknown, other: unknown) =>
        one === other ||
        (typeof one === 'object' && Object.entries(bag(other)).every(([key, value]) => bag(one)[key] === value));
      if ('add' in operation) whole[id] = now.some((each) => same(each, operation.add)) ? now : [...now, operation.add];
      if ('remove' in operation) whole[id] = now.filter((each) => !same(each, operation.remove));
    }
  }
  return whole;
}

/** Comments and links, which `update` may bring along. */
function applyAdditions(call: Call, issue: Issue, update: Bag): void {
  const { site, user } = call;
  for (const { add } of [update.comment ?? []].flat().map(bag))
    addComment(site, issue, { body: readDocument(bag(add).body, 'comment', call.object) }, user);
  for (const { add } of [update.issuelinks ?? []].flat().map(bag)) {
    const { type, inwardIssue, outwardIssue } = bag(add);
    const linkType = site.linkTypes.find(({ id, name }) => id === bag(type).id || name === bag(type).name);
    const other = site.find(String(bag(inwardIssue ?? outwardIssue).key ?? bag(inwardIssue ?? outwardIssue).id));
    if (!linkType || !other) throw invalid({ issuelinks: 'The issue link is not valid.' });
    if (inwardIssue) addLink(site, linkType, other, issue, user);
    else addLink(site, linkType, issue, other, user);
  }
}

/** Throws before anything is done where what `update` brings along is wrong. */
function checkAdditions(call: Call, update: Bag): void {
  for (const { add } of [update.comment ?? []].flat().map(bag)) readDocument(bag(add).body, 'comment', call.object);
  for (const { add } of [update.issuelinks ?? []].flat().map(bag)) {
    const { type, inwardIssue, outwardIssue } = bag(add);
    const wanted = bag(inwardIssue ?? outwardIssue);
    const other = call.site.find(String(wanted.key ?? wanted.id));
    if (!other || !call.site.may(call.user, 'BROWSE_PROJECTS', other.project))
      throw invalid({ issuelinks: 'Issue does not exist or you do not have permission to see it.' });
    if (!call.site.linkTypes.some(({ id, name }) => id === bag(type).id || name === bag(type).name))
      throw invalid({ issuelinks: 'No issue link type was found.' });
  }
}

function create(call: Call<'issues.createIssue'>): { issue: Issue } {
  const { site, user, given } = call;
  const { fields = {}, update = {}, properties = [] } = given;
  const wanted = bag(fields.project);
  const project = site.project(String(wanted.id ?? wanted.key ?? ''));
  if (!project || !site.may(user, 'BROWSE_PROJECTS', project)) throw invalid({ project: 'valid project is required' });
  if (!site.may(user, 'CREATE_ISSUES', project))
    throw invalid({ project: 'You do not have permission to create issues in this project.' });
  const asked = bag(fields.issuetype);
  const issueType = project.issueTypes.find(({ id, name }) => id === asked.id || name === asked.name);
  if (!issueType) throw invalid({ issuetype: 'Specify a valid issue type' });
  const input = inputOf(call as never, project, issueType, null);
  const whole = applyUpdate(input, update, fields);
  const { errors } = input;
  const changes = readFields(input, whole);
  if (!('summary' in whole)) errors.summary = 'You must specify a summary of the issue.';
  for (const id of project.required)
    if (whole[id] === undefined || whole[id] === null)
      errors[id] = `${site.fields.find((field) => field.id === id)?.name ?? id} is required.`;
  if (issueType.hierarchyLevel === -1 && !('parent' in whole))
    errors.issuetype = 'Issue type is a sub-task but parent issue key or id not specified.';
  if (Object.keys(errors).length > 0) throw invalid(errors);
  checkAdditions(call as never, update);
  const { priority, status: _, resolution: __, issueType: ___, ...rest } = changes;
  const draft = {
    ...rest,
    project,
    issueType,
    summary: changes.summary ?? '',
    ...(priority && { priority: priority.name }),
  };
  const issue = createIssue(site, draft, user);
  for (const { key, value } of properties as { key: string; value: unknown }[])
    setProperty(site, issue, key, value, user);
  applyAdditions(call as never, issue, update);
  return { issue };
}

function editFields(eye: Eye, issue: Issue): Bag {
  const { site } = eye;
  if (!eye.user || !site.may(eye.user, 'EDIT_ISSUES', issue.project)) return {};
  const fields = fieldsOf(site, issue.project).filter(
    (field) => isWritable(field) && !issue.project.hidden.has(field.id) && field.id !== 'project',
  );
  return Object.fromEntries(
    fields.map((field) => [field.id, describeInput(site, issue.project, field, field.id === 'summary', eye.base)]),
  );
}

export const issueRoutes: Routes = {
  'issues.createIssue': route<'issues.createIssue'>('write', (call) => {
    const { issue } = create(call);
    return {
      status: 201,
      body: { id: issue.id, key: issue.key, self: `${call.eye.base}/rest/api/3/issue/${issue.id}` },
    };
  }),

  'issues.getIssue': route<'issues.getIssue'>('read', ({ site, eye, user, given }) => {
    const issue = site.see(given.issueIdOrKey, user);
    const fields = chosenFields(eye, listed(given.fields), '*all');
    const described = describeIssue(eye, issue, { fields });
    return {
      body: {
        ...described,
        ...expanded(eye, issue, listed(given.expand), fields),
        ...propertiesOf(issue, given.properties),
      },
    };
  }),

  'issues.bulkFetchIssues': route<'issues.bulkFetchIssues'>('read', ({ site, eye, user, given }) => {
    const asked = given.issueIdsOrKeys ?? [];
    if (asked.length > 100) throw bad('You can request up to 100 issues.');
    const found = new Map(asked.map((name) => [name, site.find(name)]));
    const seen = [...new Set(found.values())].filter(
      (issue): issue is Issue => issue !== null && site.may(user, 'BROWSE_PROJECTS', issue.project),
    );
    const fields = chosenFields(eye, listed(given.fields), '*navigable');
    const lost = asked.filter((name) => !seen.includes(found.get(name) as Issue));
    return {
      body: {
        expand: '',
        issues: seen
          .toSorted((a, b) => Number(a.id) - Number(b.id))
          .map((issue) => ({
            ...describeIssue(eye, issue, { fields }),
            ...expanded(eye, issue, listed(given.expand), fields),
            ...propertiesOf(issue, given.properties),
          })),
        issueErrors:
          lost.length === 0
            ? []
            : [{ id: lost.join(','), errorMessage: 'Issue does not exist or you do not have permission to see it.' }],
      },
    };
  }),

  'issues.editIssue': route<'issues.editIssue'>('write', (call) => {
    const { site, user, given } = call;
    const issue = issueFor(
      call,
      given.issueIdOrKey,
      'EDIT_ISSUES',
      'You do not have permission to edit issues in this project.',
    );
    const { fields = {}, update = {}, properties = [] } = given;
    const input = inputOf(call as never, issue.project, issue.issueType, issue);
    const changes: IssueChanges = readFields(input, applyUpdate(input, update, fields));
    if ('assignee' in changes && !site.may(user, 'ASSIGN_ISSUES', issue.project))
      input.errors.assignee = 'You do not have permission to assign issues.';
    if (Object.keys(input.errors).length > 0) throw invalid(input.errors);
    checkAdditions(call as never, update);
    changeIssue(site, issue, changes, user);
    for (const { key, value } of properties as { key: string; value: unknown }[])
      setProperty(site, issue, key, value, user);
    applyAdditions(call as never, issue, update);
    return {};
  }),

  'issues.deleteIssue': route<'issues.deleteIssue'>('write', (call) => {
    const issue = issueFor(
      call,
      call.given.issueIdOrKey,
      'DELETE_ISSUES',
      'You do not have permission to delete issues in this project.',
    );
    const hasChildren = [...call.site.issues.values()].some(({ parentId }) => parentId === issue.id);
    if (hasChildren && String(call.given.deleteSubtasks) !== 'true')
      throw bad(
        `The issue '${issue.key}' has subtasks. You must specify the 'deleteSubtasks' parameter to delete this issue and all its subtasks.`,
      );
    deleteIssue(call.site, issue, call.user);
    return {};
  }),

  'issues.assignIssue': route<'issues.assignIssue'>('write', (call) => {
    const { site, user, given } = call;
    const issue = issueFor(
      call,
      given.issueIdOrKey,
      'ASSIGN_ISSUES',
      'You do not have permission to assign issues in this project.',
    );
    const { accountId } = given as { accountId?: string | null };
    if (accountId === undefined) throw bad('The accountId must be given; null unassigns.');
    if (accountId === null) changeIssue(site, issue, { assignee: null }, user);
    else if (accountId === '-1') changeIssue(site, issue, { assignee: issue.project.lead }, user);
    else {
      const assignee = site.users.find((each) => each.accountId === accountId);
      if (!assignee) throw invalid({ assignee: `User '${accountId}' does not exist.` });
      if (!site.may(assignee, 'ASSIGNABLE_USER', issue.project))
        throw invalid({ assignee: `User '${assignee.displayName}' cannot be assigned issues.` });
      changeIssue(site, issue, { assignee }, user);
    }
    return {};
  }),

  'issues.getTransitions': route<'issues.getTransitions'>('read', ({ site, eye, user, given }) => {
    const issue = site.see(given.issueIdOrKey, user);
    const withFields = listed(given.expand).includes('transitions.fields');
    const transitions = transitionsFor(eye, issue).filter(
      ({ id }) => given.transitionId === undefined || given.transitionId === id,
    );
    return {
      body: {
        expand: 'transitions',
        transitions: transitions.map((transition) => {
          const fields = (transition.screen ?? []).map((id) => site.fields.find((field) => field.id === id) as Field);
          const described = fields.map((field) => [
            field.id,
            describeInput(site, issue.project, field, transition.required.includes(field.id), eye.base),
          ]);
          return describeTransition(eye, transition, withFields ? Object.fromEntries(described) : undefined);
        }),
      },
    };
  }),

  'issues.doTransition': route<'issues.doTransition'>('write', (call) => {
    const { site, eye, user, given } = call;
    const issue = site.see(given.issueIdOrKey, user);
    const { fields = {}, update = {} } = given;
    const transition = transitionsFor(eye, issue).find(({ id }) => id === given.transition?.id);
    if (!given.transition?.id) throw bad("Missing 'transition' identifier");
    if (!transition)
      throw bad(
        `It seems that you have tried to perform a workflow operation (${given.transition.id}) that is not valid for the current state of this issue (${issue.key}). The likely cause is that somebody has changed the issue recently, please look at the issue history for details.`,
      );
    const input = inputOf(call as never, issue.project, issue.issueType, issue);
    const whole = applyUpdate(input, update, fields);
    const resolution = site.resolutions.find(
      ({ id, name }) => id === bag(whole.resolution).id || name === bag(whole.resolution).name,
    );
    const hasResolution = 'resolution' in whole && transition.screen?.includes('resolution');
    if (hasResolution && !resolution) input.errors.resolution = 'The resolution selected is invalid.';
    for (const id of Object.keys(whole))
      if (!transition.screen?.includes(id))
        input.errors[id] = `Field '${id}' cannot be set. It is not on the appropriate screen, or unknown.`;
    // What an issue has already is kept, and need not be given.
    const has = (id: string) => (presentValue(issue, id) ?? '') !== '';
    for (const id of transition.required)
      if (whole[id] === null || (whole[id] === undefined && !has(id)))
        input.errors[id] = `${site.fields.find((field) => field.id === id)?.name ?? id} is required.`;
    if (Object.keys(input.errors).length > 0) throw invalid(input.errors);
    const { resolution: _, ...others } = whole;
    const changes = readFields(input, others);
    if (Object.keys(input.errors).length > 0) throw invalid(input.errors);
    const refusal = transition.refuses(issue);
    if (refusal !== null) throw bad(refusal);
    checkAdditions(call as never, update);
    carryOut(site, issue, transition, user, { ...changes, ...(hasResolution && resolution && { resolution }) });
    applyAdditions(call as never, issue, update);
    return {};
  }),

  'issues.getEditIssueMeta': route<'issues.getEditIssueMeta'>('read', ({ site, eye, user, given }) => ({
    body: { fields: editFields(eye, site.see(given.issueIdOrKey, user)) },
  })),

  'issues.getChangeLogs': route<'issues.getChangeLogs'>('read', ({ site, eye, user, given }) => {
    const issue = site.see(given.issueIdOrKey, user);
    const { startAt = 0, maxResults = 100 } = given;
    const size = Math.min(maxResults, 100);
    const values = issue.histories.slice(startAt, startAt + size).map((history) => describeHistory(eye, history));
    const total = issue.histories.length;
    return {
      body: {
        self: `${eye.base}/rest/api/3/issue/${issue.id}/changelog`,
        maxResults: size,
        startAt,
        total,
        isLast: startAt + size >= total,
        values,
      },
    };
  }),

  'issues.getBulkChangelogs': route<'issues.getBulkChangelogs'>('read', ({ site, eye, user, given }) => {
    const found = (given.issueIdsOrKeys ?? []).map((name) => site.find(name));
    const seen = found.filter(
      (issue): issue is Issue => issue !== null && site.may(user, 'BROWSE_PROJECTS', issue.project),
    );
    if (found.length > 0 && seen.length === 0) throw noIssue();
    const wanted = given.fieldIds ?? [];
    const issueChangeLogs = seen.map((issue) => ({
      issueId: issue.id,
      changeHistories: issue.histories
        .map((history) => ({
          ...history,
          items: history.items.filter(({ fieldId }) => wanted.length === 0 || wanted.includes(fieldId)),
        }))
        .filter(({ items }) => items.length > 0)
        // Here times are numbers, and nowhere else.
        .map((history) => ({ ...describeHistory(eye, history), created: Date.parse(history.created) })),
    }));
    return { body: { issueChangeLogs, nextPageToken: null } };
  }),
};
