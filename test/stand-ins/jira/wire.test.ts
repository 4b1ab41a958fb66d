import { createCloudClient, isForbiddenError, isNotFoundError } from 'jira.js';
import { createClient } from 'jira.js/core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addSprint } from './field-input.ts';
import { somebody } from './people.ts';
import { addProject, deny } from './projects.ts';
import type { User } from './rows.ts';
import { type Jira, operationsOfStandIn, startJira } from './server.ts';
import { addField } from './site.ts';
import { textDocument } from './text.ts';

let jira: Jira;
beforeAll(async () => {
  jira = await startJira();
});
afterEach(() => jira.expectClean());
afterAll(() => jira.close());

/** A client that takes nothing but what the package describes, with a token of this user's. */
function clientOf(user: User, from = jira) {
  const { site, oauth } = from;
  const apiToken = oauth.addApiToken(site, user).value;
  const auth = { type: 'basic', email: user.emailAddress, apiToken } as const;
  return createCloudClient(createClient({ host: site.url, auth, onSchemaMismatch: 'throw' }));
}

const bytes = (content: unknown) => Buffer.from(content as Uint8Array);

const status = (work: Promise<unknown>) =>
  work.then(
    () => 0,
    (error) => error.status ?? error,
  );

test('each operation is answered as the package describes it', async () => {
  const { site } = jira;
  const [ada, bot] = [site.addUser('Ada', { isAdmin: true }), site.addUser('Shipmate', { isServiceAccount: true })];
  const project = addProject(site, { key: 'ENG', name: 'Engineering', components: ['api'] });
  const [risk, criteria] = [
    addField(site, 'Risk', 'select', { options: ['low', 'high'] }),
    addField(site, 'Criteria', 'textarea'),
  ];
  const sprintField = addField(site, 'Sprint', 'sprint');
  const sprint = addSprint(site, 'Sprint 1');
  const called = new Set<string>();
  const client = new Proxy(clientOf(bot), {
    get: (all, group: string) =>
      new Proxy((all as never)[group], {
        get(functions, name: string) {
          called.add(`${group}.${name}`);
          return functions[name];
        },
      }),
  });
  const blocker = somebody(site, ada).create({ project, summary: 'First' }).issue;

  const [epic, task, sub] = ['Epic', 'Task', 'Sub-task'].map(
    (wanted) => project.issueTypes.find(({ name }) => name === wanted)?.id ?? '',
  );
  const { issueTypes } = await client.issues.getCreateIssueMetaIssueTypes({ projectIdOrKey: 'ENG' });
  expect(issueTypes?.map(({ name, subtask }) => [name, subtask])).toContainEqual(['Sub-task', true]);
  const meta = await client.issues.getCreateIssueMetaIssueTypeId({ projectIdOrKey: 'ENG', issueTypeId: sub ?? '' });
  expect(meta.fields?.filter(({ required }) => required).map(({ fieldId }) => fieldId)).toEqual([
    'summary',
    'issuetype',
    'project',
    'parent',
  ]);
  const create = (fields: Record<string, unknown>, more = {}) =>
    client.issues.createIssue({ fields: { project: { key: 'ENG' }, ...fields }, ...more });
  const top = await create({ issuetype: { id: epic }, summary: 'Ship it' });
  const made = await create(
    {
      issuetype: { id: task },
      summary: 'Steer',
      description: textDocument('Please.\n\nNow.'),
      labels: ['b', 'a'],
      priority: { name: 'High' },
      components: [{ name: 'api' }],
      parent: { key: top.key },
      [risk.id]: { value: 'high' },
      [criteria.id]: textDocument('It steers.'),
      [sprintField.id]: sprint.id,
    },
    {
      properties: [{ key: 'shipmate', value: { id: 1 } }],
      update: { issuelinks: [{ add: { type: { name: 'Blocks' }, inwardIssue: { key: blocker.key } } }] },
    },
  );
  const child = await create({ issuetype: { id: sub }, summary: 'Part', parent: { id: made.id } });

  const issue = await client.issues.getIssue({
    issueIdOrKey: made.key,
    expand: ['changelog', 'names', 'transitions', 'renderedFields', 'editmeta', 'schema'],
    properties: ['*all'],
  });
  expect(issue.fields).toMatchObject({
    summary: 'Steer',
    description: { type: 'doc' },
    labels: ['a', 'b'],
    parent: { key: top.key },
    subtasks: [{ key: child.key }],
    priority: { name: 'High' },
    status: { name: 'To Do', statusCategory: { key: 'new' } },
    issuelinks: [
      {
        type: { name: 'Blocks' },
        inwardIssue: { key: blocker.key, fields: { status: { statusCategory: { key: 'new' } } } },
      },
    ],
    [risk.id]: { value: 'high' },
    [sprintField.id]: [{ name: 'Sprint 1', state: 'active' }],
  });
  expect(issue.properties).toEqual({ shipmate: { id: 1 } });
  expect(issue.names?.[risk.id]).toBe('Risk');
  const other = await client.issues.getIssue({ issueIdOrKey: blocker.id, fields: ['issuelinks'] });
  expect(other.fields).toMatchObject({ issuelinks: [{ outwardIssue: { key: made.key } }] });
  expect(Object.keys(other.fields ?? {})).toEqual(['issuelinks']);

  const id = { issueIdOrKey: made.key };
  await client.issues.editIssue({
    ...id,
    fields: { summary: 'Steer well' },
    update: { labels: [{ add: 'c' }, { remove: 'a' }] },
  });
  await client.issues.assignIssue({ ...id, accountId: bot.accountId });
  const { transitions } = await client.issues.getTransitions({ ...id, expand: 'transitions.fields' });
  const start = transitions?.find(({ to }) => to?.name === 'In Progress');
  await client.issues.doTransition({ ...id, transition: { id: start?.id } });
  const log = await client.issues.getChangeLogs(id);
  const changes = log.values?.flatMap(({ items = [] }) => items.map(({ fieldId, to }) => [fieldId, to]));
  expect(changes).toContainEqual(['assignee', bot.accountId]);
  expect(changes).toContainEqual(['status', site.status('In Progress').id]);
  expect(
    (await client.issues.getBulkChangelogs({ issueIdsOrKeys: [made.key], fieldIds: ['status'] })).issueChangeLogs,
  ).toHaveLength(1);
  expect((await client.issues.getEditIssueMeta(id)).fields).toHaveProperty(risk.id);
  const bulk = await client.issues.bulkFetchIssues({ issueIdsOrKeys: [made.key, 'ENG-999'], fields: ['labels'] });
  expect(bulk.issues?.map(({ fields }) => fields)).toEqual([{ labels: ['b', 'c'] }]);

  const comment = await client.issueComments.addComment({
    ...id,
    body: textDocument('On it.') as never,
    properties: [{ key: 'shipmate', value: { id: 2 } }],
  });
  await client.issueComments.updateComment({
    ...id,
    id: comment.id ?? '',
    body: { body: textDocument('Done.') as never },
  });
  const page = await client.issueComments.getComments({ ...id, expand: 'properties' as never });
  expect(page.comments?.map(({ properties }) => properties)).toEqual([[{ key: 'shipmate', value: { id: 2 } }]]);
  expect((await client.issueComments.getComment({ ...id, id: comment.id ?? '' })).author?.accountId).toBe(
    bot.accountId,
  );
  expect((await client.issueComments.getCommentsByIds({ ids: [Number(comment.id)] })).values).toHaveLength(1);
  const commentId = comment.id ?? '';
  await client.issueCommentProperties.setCommentProperty({ commentId, propertyKey: 'x', body: { y: 1 } } as never);
  expect(await client.issueCommentProperties.getCommentProperty({ commentId, propertyKey: 'x' })).toEqual({
    key: 'x',
    value: { y: 1 },
  });
  expect((await client.issueCommentProperties.getCommentPropertyKeys({ commentId })).keys).toHaveLength(2);
  await client.issueComments.deleteComment({ ...id, id: commentId });

  await client.issueProperties.setIssueProperty({ ...id, propertyKey: 'state', body: { at: 1 } });
  expect((await client.issueProperties.getIssueProperty({ ...id, propertyKey: 'state' })).value).toEqual({ at: 1 });
  await client.issueProperties.deleteIssueProperty({ ...id, propertyKey: 'state' });
  expect((await client.issueProperties.getIssuePropertyKeys(id)).keys).toHaveLength(1);

  const remote = { ...id, globalId: 'pr=1', object: { url: 'https://example.org/pull/1', title: 'One' } };
  const linked = await client.issueRemoteLinks.createOrUpdateRemoteIssueLink(remote);
  const again = await client.issueRemoteLinks.createOrUpdateRemoteIssueLink({
    ...remote,
    object: { ...remote.object, title: 'Two' },
  });
  expect(again.id).toBe(linked.id);
  const links = (await client.issueRemoteLinks.getRemoteIssueLinks(id)) as unknown as { object: { title: string } }[];
  expect(links.map(({ object }) => object.title)).toEqual(['Two']);
  expect((await client.issueRemoteLinks.getRemoteIssueLinkById({ ...id, linkId: String(linked.id) })).globalId).toBe(
    'pr=1',
  );
  await client.issueRemoteLinks.deleteRemoteIssueLinkByGlobalId({ ...id, globalId: 'pr=1' });

  await client.issueLinks.linkIssues({
    type: { name: 'Relates' },
    inwardIssue: { key: made.key },
    outwardIssue: { key: child.key },
  });
  const [link] = site.links.slice(-1);
  const linkId = link?.id ?? '';
  expect((await client.issueLinks.getIssueLink({ linkId })).type?.name).toBe('Relates');
  await client.issueLinks.deleteIssueLink({ linkId });
  expect((await client.issueLinkTypes.getIssueLinkTypes()).issueLinkTypes?.map(({ inward }) => inward)).toContain(
    'is blocked by',
  );

  const content = Buffer.from([1, 2, 13, 10, 45, 45, 0]);
  const [file] = await client.issueAttachments.addAttachment({
    ...id,
    attachments: { filename: 'plan 🚢.bin', content },
  });
  expect(bytes(await client.issueAttachments.getAttachmentContent({ id: file?.id ?? '' })).equals(content)).toBe(true);
  const direct = await client.issueAttachments.getAttachmentContent({ id: file?.id ?? '', redirect: false });
  expect(bytes(direct).equals(content)).toBe(true);
  expect((await client.issueAttachments.getAttachment({ id: file?.id ?? '' })).filename).toBe('plan 🚢.bin');
  expect((await client.issueAttachments.getAttachmentMeta()).enabled).toBe(true);

  const jql = 'project = ENG ORDER BY created ASC';
  const first = await client.issueSearch.searchAndReconsileIssuesUsingJqlPost({
    jql,
    maxResults: 2,
    fields: ['summary', 'comment'],
  });
  const rest = await client.issueSearch.searchAndReconsileIssuesUsingJql({
    jql,
    fields: ['summary'],
    nextPageToken: first.nextPageToken ?? '',
  });
  expect([...(first.issues ?? []), ...(rest.issues ?? [])].map(({ key }) => key)).toEqual([
    'ENG-1',
    'ENG-2',
    'ENG-3',
    'ENG-4',
  ]);
  expect([first.isLast, rest.isLast]).toEqual([false, true]);
  expect((await client.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql })).issues?.[0]).toEqual({
    id: blocker.id,
  });
  expect((await client.issueSearch.countIssues({ jql })).count).toBe(4);
  expect(
    (await client.issueSearch.matchIssues({ issueIds: [Number(made.id)], jqls: ['labels = c'] })).matches,
  ).toMatchObject([{ matchedIssues: [Number(made.id)] }]);

  expect(await client.myself.getCurrentUser()).toMatchObject({ accountId: bot.accountId, accountType: 'atlassian' });
  expect((await client.users.getUser({ accountId: ada.accountId })).displayName).toBe('Ada');
  expect(await client.userSearch.findUsers({ query: 'ship' })).toHaveLength(1);
  expect(await client.userSearch.findAssignableUsers({ project: 'ENG', query: 'ada' })).toHaveLength(1);
  const { permissions } = await client.permissions.getMyPermissions({
    permissions: 'BROWSE_PROJECTS,ADMINISTER',
    projectKey: 'ENG',
  });
  expect([permissions?.BROWSE_PROJECTS.havePermission, permissions?.ADMINISTER.havePermission]).toEqual([true, false]);
  expect((await client.serverInfo.getServerInfo()).deploymentType).toBe('Cloud');
  expect((await client.projects.searchProjects({ action: 'create' })).values?.map(({ key }) => key)).toEqual(['ENG']);
  expect((await client.projects.getProject({ projectIdOrKey: 'ENG' })).style).toBe('classic');
  const statuses = await client.projects.getAllStatuses({ projectIdOrKey: 'ENG' });
  expect(statuses[0]?.statuses?.map(({ name }) => name)).toContain('In Review');
  expect(await client.projectComponents.getProjectComponents({ projectIdOrKey: 'ENG' })).toMatchObject([
    { name: 'api' },
  ]);
  expect((await client.issueFields.getFields()).find(({ name }) => name === 'Sprint')?.schema?.custom).toBe(
    'com.pyxis.greenhopper.jira:gh-sprint',
  );
  expect((await client.issuePriorities.searchPriorities()).values).toHaveLength(5);
  expect((await client.workflowStatuses.getStatuses()).map(({ name }) => name)).toContain("Won't Do");
  expect(await client.workflowStatusCategories.getStatusCategories()).toHaveLength(3);
  expect(await client.issueTypes.getIssueAllTypes()).toHaveLength(5);
  expect((await client.labels.getAllLabels()).values).toEqual(['b', 'c']);

  expect(await status(client.issues.deleteIssue(id))).toBe(400);
  await client.issues.deleteIssue({ ...id, deleteSubtasks: 'true' as never });
  expect(isNotFoundError(await client.issues.getIssue(id).catch((error) => error))).toBe(true);
  // Webhooks of an app are for an app's own token: webhooks.test.ts.
  const missed = operationsOfStandIn.filter((name) => !called.has(name) && !name.startsWith('webhooks.'));
  expect(missed).toEqual([]);
  expect(jira.counts()).toMatchObject({ media: 1, 'issues.createIssue': 3 });
});

test('what is not as Jira has it is refused, and is seen', async () => {
  const other = await startJira();
  const { site } = other;
  const bot = site.addUser('Shipmate');
  const client = clientOf(bot, other);
  const project = addProject(site, { key: 'OPS', name: 'Operations' });
  const { issue } = somebody(site, bot).create({ project, summary: 'One' });
  const id = { issueIdOrKey: issue.key };
  const violated = async (work: Promise<unknown>, by: RegExp) => {
    expect(await status(work)).not.toBe(0);
    expect(() => other.expectClean()).toThrow(by);
  };
  await violated(client.issueComments.addComment({ ...id, body: 'text' as never }), /older markup/);
  await violated(
    client.issueComments.addComment({
      ...id,
      body: { type: 'doc', version: 1, content: [{ type: 'text', text: 'x' }] } as never,
    }),
    /no valid document/,
  );
  await violated(
    client.issues.editIssue({ ...id, fields: { description: 'text' } }),
    /description is no valid document/,
  );
  await violated(
    fetch(`${site.url}/rest/api/3/search?jql=x`).then(() => Promise.reject({ status: 404 })),
    /no operation/,
  );
  await violated(client.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: 7 as never }), /jql/);
  expect(() => other.expectClean()).not.toThrow();

  const refused = async (fields: Record<string, unknown>) =>
    client.issues
      .createIssue({ fields: { project: { key: 'OPS' }, issuetype: { name: 'Task' }, summary: 'x', ...fields } })
      .then(
        () => ({}),
        (error) => error.body.errors,
      );
  expect(await refused({ labels: ['a b'] })).toHaveProperty('labels');
  expect(await refused({ summary: 'x'.repeat(256) })).toHaveProperty('summary');
  expect(await refused({ customfield_1: 'x', parent: { key: issue.key } })).toMatchObject({
    customfield_1: expect.stringMatching(/cannot be set/),
    parent: expect.stringMatching(/hierarchy/),
  });
  expect(await refused({ issuetype: { name: 'Sub-task' } })).toHaveProperty('issuetype');
  expect(await refused({ description: textDocument('x'.repeat(32_768)) })).toMatchObject({
    description: expect.stringMatching(/32,767/),
  });
  expect(
    await status(client.issueComments.addComment({ ...id, body: textDocument('x'.repeat(32_600)) as never })),
  ).toBe(0);
  project.required.push('labels');
  expect(await refused({})).toEqual({ labels: 'Labels is required.' });
  await other.close();
});

test('what somebody may not do is refused, and what he may not see is not there', async () => {
  const { site } = jira;
  const eve = site.addUser('Eve');
  const project = addProject(site, { key: 'SEC', name: 'Secret' });
  const { issue } = somebody(site, site.addUser('Bob')).create({ project, summary: 'Hidden' });
  const client = clientOf(eve);
  const id = { issueIdOrKey: issue.key };
  deny(project, eve, 'ADD_COMMENTS', 'EDIT_ISSUES', 'ASSIGN_ISSUES', 'TRANSITION_ISSUES', 'ASSIGNABLE_USER');
  const tried = [
    client.issueComments.addComment({ ...id, body: textDocument('x') as never }),
    client.issues.editIssue({ ...id, fields: { summary: 'x' } }),
    client.issues.assignIssue({ ...id, accountId: null as never }),
  ];
  for (const work of tried) expect(isForbiddenError(await work.catch((error) => error))).toBe(true);
  const ofBob = somebody(site, site.addUser('Bob B', { roles: ['Developers'] }));
  const said = ofBob.comment(issue.key, 'Mine.').comment;
  issue.comments.push({ ...said, id: '1', visibility: { type: 'role', value: 'Developers' } });
  expect((await client.issueComments.getComments(id)).comments?.map(({ id: seen }) => seen)).toEqual([said.id]);
  expect((await clientOf(ofBob.user).issueComments.getComments(id)).total).toBe(2);
  expect(await status(client.issueComments.deleteComment({ ...id, id: said.id }))).toBe(400);
  expect((await client.issues.getTransitions(id)).transitions).toEqual([]);
  expect(await client.userSearch.findAssignableUsers({ project: 'SEC', query: 'Eve' })).toEqual([]);
  deny(project, eve, 'BROWSE_PROJECTS');
  expect(await status(client.issues.getIssue(id))).toBe(404);
  expect(await status(client.issueSearch.countIssues({ jql: 'project = SEC' }))).toBe(400);
  expect((await client.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: 'summary ~ Hidden' })).issues).toEqual(
    [],
  );
});

test("an answer of its own that is not Jira's is seen, too", async () => {
  const other = await startJira();
  const { site } = other;
  Object.assign(site.fields[0] as object, { name: 7 });
  const { issueFields } = clientOf(site.addUser('Ada'), other);
  expect((await issueFields.getFields().catch((error) => error)).name).toBe('SchemaMismatchError');
  expect(() => other.expectClean()).toThrow(/answer to issueFields.getFields is not Jira's: 0.name/);
  await other.close();
});
