import { issueFor } from './issue-routes.ts';
import { addLink, deleteProperty, record, removeLink, setProperty } from './issues.ts';
import { bad, forbidden, invalid, missing } from './refusal.ts';
import { type Routes, route } from './rest.ts';
import type { Issue, RemoteLink } from './rows.ts';
import { describeLink, describeRemoteLink } from './views.ts';

const noLinking = 'No Link Issue Permission for issue';
const mostPropertyBytes = 32_768;

export const linkRoutes: Routes = {
  'issueLinkTypes.getIssueLinkTypes': route<'issueLinkTypes.getIssueLinkTypes'>('read', ({ site, eye }) => ({
    body: {
      issueLinkTypes: site.linkTypes.map((type) => ({
        ...type,
        self: `${eye.base}/rest/api/3/issueLinkType/${type.id}`,
      })),
    },
  })),

  'issueLinks.linkIssues': route<'issueLinks.linkIssues'>('write', (call) => {
    const { site, user, given } = call;
    const type = site.linkTypes.find(({ id, name }) => id === given.type?.id || name === given.type?.name);
    if (!type) throw missing(`No issue link type with name '${given.type?.name}' found.`);
    const side = (issue: { id?: string | undefined; key?: string | undefined } | undefined): Issue =>
      issueFor(call, String(issue?.key ?? issue?.id ?? ''), 'LINK_ISSUES', noLinking);
    const [inward, outward] = [side(given.inwardIssue), side(given.outwardIssue)];
    if (inward === outward) throw bad('You cannot link an issue to itself.');
    addLink(site, type, inward, outward, user);
    // Jira says nothing of the link it made.
    return { status: 201 };
  }),

  'issueLinks.getIssueLink': route<'issueLinks.getIssueLink'>('read', ({ site, eye, given }) => {
    const link = site.links.find(({ id }) => id === given.linkId);
    if (!link) throw missing(`No issue link with id '${given.linkId}' exists.`);
    return { body: describeLink(eye, link, null) };
  }),

  'issueLinks.deleteIssueLink': route<'issueLinks.deleteIssueLink'>('write', ({ site, user, given }) => {
    const link = site.links.find(({ id }) => id === given.linkId);
    if (!link) throw missing(`No issue link with id '${given.linkId}' exists.`);
    if (!site.may(user, 'LINK_ISSUES', link.inward.project)) throw forbidden(noLinking);
    removeLink(site, link, user);
    return {};
  }),

  'issueRemoteLinks.getRemoteIssueLinks': route<'issueRemoteLinks.getRemoteIssueLinks'>(
    'read',
    ({ site, eye, user, given }) => {
      const issue = site.see(given.issueIdOrKey, user);
      if (given.globalId === undefined)
        return { body: issue.remoteLinks.map((link) => describeRemoteLink(eye, issue, link)) };
      const link = issue.remoteLinks.find(({ globalId }) => globalId === given.globalId);
      if (!link) throw missing('The remote issue link does not exist.');
      return { body: describeRemoteLink(eye, issue, link) };
    },
  ),

  'issueRemoteLinks.createOrUpdateRemoteIssueLink': route<'issueRemoteLinks.createOrUpdateRemoteIssueLink'>(
    'write',
    (call) => {
      const { site, user, given, eye } = call;
      const issue = issueFor(call, given.issueIdOrKey, 'LINK_ISSUES', noLinking);
      const { globalId = null, application = null, relationship = null, object } = given;
      const { title, url } = (object ?? {}) as { title?: string; url?: string };
      if (!title?.trim()) throw invalid({ title: "'title' is required." });
      if (!URL.canParse(url ?? '')) throw invalid({ url: "'url' is invalid." });
      if (globalId !== null && globalId.length > 255)
        throw invalid({ globalId: 'globalId should not exceed 255 characters' });
      if (title.length > 255) throw invalid({ title: 'title should not exceed 255 characters' });
      const known = globalId === null ? undefined : issue.remoteLinks.find((link) => link.globalId === globalId);
      const made: Omit<RemoteLink, 'id'> = {
        globalId,
        application: application as RemoteLink['application'],
        relationship,
        object: object as never,
      };
      const link: RemoteLink = { id: known?.id ?? Number(site.nextId()), ...made };
      if (known) Object.assign(known, made);
      else {
        issue.remoteLinks.push(link);
        const words = `This issue links to "${title}"`;
        const item = {
          field: 'RemoteIssueLink',
          fieldtype: 'jira',
          fieldId: '',
          from: null,
          fromString: null,
          to: String(link.id),
          toString: words,
        } as const;
        record(site, issue, [item], user, 'issue_updated');
      }
      return {
        status: known ? 200 : 201,
        body: { id: link.id, self: `${eye.base}/rest/api/3/issue/${issue.key}/remotelink/${link.id}` },
      };
    },
  ),

  'issueRemoteLinks.getRemoteIssueLinkById': route<'issueRemoteLinks.getRemoteIssueLinkById'>(
    'read',
    ({ site, eye, user, given }) => {
      const issue = site.see(given.issueIdOrKey, user);
      const link = issue.remoteLinks.find(({ id }) => String(id) === given.linkId);
      if (!link) throw missing('The remote issue link does not exist.');
      return { body: describeRemoteLink(eye, issue, link) };
    },
  ),

  'issueRemoteLinks.deleteRemoteIssueLinkByGlobalId': route<'issueRemoteLinks.deleteRemoteIssueLinkByGlobalId'>(
    'write',
    (call) => {
      const issue = issueFor(call, call.given.issueIdOrKey, 'LINK_ISSUES', noLinking);
      const at = issue.remoteLinks.findIndex(({ globalId }) => globalId === call.given.globalId);
      if (at === -1) throw missing('The remote issue link does not exist.');
      issue.remoteLinks.splice(at, 1);
      return {};
    },
  ),

  'issueProperties.getIssuePropertyKeys': route<'issueProperties.getIssuePropertyKeys'>(
    'read',
    ({ site, eye, user, given }) => {
      const issue = site.see(given.issueIdOrKey, user);
      const self = (key: string) => `${eye.base}/rest/api/3/issue/${issue.id}/properties/${key}`;
      return { body: { keys: [...issue.properties.keys()].map((key) => ({ key, self: self(key) })) } };
    },
  ),

  'issueProperties.getIssueProperty': route<'issueProperties.getIssueProperty'>('read', ({ site, user, given }) => {
    const issue = site.see(given.issueIdOrKey, user);
    const { propertyKey: key } = given;
    if (!issue.properties.has(key)) throw missing(`The property with key '${key}' does not exist.`);
    return { body: { key, value: issue.properties.get(key) } };
  }),

  'issueProperties.setIssueProperty': route<'issueProperties.setIssueProperty'>('write', (call) => {
    const { site, user, given } = call;
    const issue = issueFor(
      call,
      given.issueIdOrKey,
      'EDIT_ISSUES',
      'You do not have permission to edit issues in this project.',
    );
    if (given.propertyKey.length > 255) throw bad('The property key cannot be longer than 255 characters.');
    if (Buffer.byteLength(JSON.stringify(given.body)) > mostPropertyBytes)
      throw bad('The property value cannot be longer than 32768 characters.');
    const isNew = !issue.properties.has(given.propertyKey);
    setProperty(site, issue, given.propertyKey, given.body, user);
    return { status: isNew ? 201 : 200, body: {} };
  }),

  'issueProperties.deleteIssueProperty': route<'issueProperties.deleteIssueProperty'>('write', (call) => {
    const { site, user, given } = call;
    const issue = issueFor(
      call,
      given.issueIdOrKey,
      'EDIT_ISSUES',
      'You do not have permission to edit issues in this project.',
    );
    if (!issue.properties.has(given.propertyKey))
      throw missing(`The property with key '${given.propertyKey}' does not exist.`);
    deleteProperty(site, issue, given.propertyKey, user);
    return {};
  }),
};
