import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TicketQuery } from '../../../src/core/ticket.ts';
import { VendorError } from '../../../src/core/vendor-error.ts';
import { listTeams } from '../../../src/trackers/jira/reading/list-teams.ts';
import { listTickets } from '../../../src/trackers/jira/reading/list-tickets.ts';
import { readTicket } from '../../../src/trackers/jira/reading/read-ticket.ts';
import { somebody } from '../../stand-ins/jira/people.ts';
import { addProject } from '../../stand-ins/jira/projects.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { anySignal, hintFor, listAll, openDesks } from './desk.ts';
import { worldOn } from './writing-world.ts';

let jira: Jira;
beforeAll(async () => {
  jira = await startJira();
});
afterAll(async () => {
  jira.expectClean();
  await jira.close();
});

test('of several sites one that cannot be asked is passed over, and told', async () => {
  const bot = jira.site.addUser('Shipmate', { isServiceAccount: true });
  const other = await jira.addSite({ name: 'beta' });
  const [bea, twin] = [somebody(other, other.addUser('Bea')), other.addUser('Shipmate')];
  const home = addProject(other, { key: 'BET', name: 'Beta' });
  const { issue } = bea.create({ project: home, summary: 'Over there', assignee: twin });
  const both = openDesks(jira, [
    { site: jira.site, user: bot },
    { site: other, user: twin },
  ]);
  const query: TicketQuery = { assignee: 'agent', team: 'BET' };
  expect((await listAll(query, both)).found).toEqual(['Over there']);
  const ticket = await readTicket(both, hintFor(`${other.url}/browse/${issue.key}`), anySignal());
  expect(ticket.account).toBe(new URL(other.url).host);
  expect((await readTicket(both, hintFor('BET-1'), anySignal())).id).toBe(ticket.id);
  expect(await listTeams(both, anySignal())).toContainEqual({ name: 'Beta', key: 'BET' });
  const here = both.sites.known().find(({ url }) => url === jira.site.url);
  await here?.own(anySignal());
  // Which of the two is asked first goes by their ports.
  const isFirst = new URL(jira.site.url).host < new URL(other.url).host;
  jira.faults.add({
    operation: 'projects.searchProjects',
    nth: isFirst ? 1 : 2,
    action: { type: 'rateLimit', seconds: 5 },
  });
  jira.clock.advance(120_000);
  const { found, passedOver } = await listAll(query, both);
  expect(found).toEqual(['Over there']);
  expect(passedOver).toMatchObject([{ code: 'rate_limited', account: here?.host, retryAfterMs: 5_000 }]);

  // One that was told to wait is not asked; and where that is all of them, that is the answer.
  const account = String(here?.host);
  const told = new VendorError('wait', { code: 'rate_limited', retryable: true, account });
  jira.requests.length = 0;
  const page = await listTickets(both, query, null, anySignal(), [told]);
  expect([page.tickets.map(({ title }) => title), page.passedOver]).toEqual([['Over there'], [told]]);
  expect(jira.requests.filter(({ cloudId }) => cloudId === jira.site.cloudId)).toEqual([]);
  await expect(
    listTickets(openDesks(jira, [{ site: jira.site, user: bot }]), query, null, anySignal(), [told]),
  ).rejects.toBe(told);

  const down = { type: 'status', status: 503, commit: 'before' } as const;
  jira.faults.add({ operation: 'projects.searchProjects', nth: isFirst ? 1 : 2, action: down });
  jira.clock.advance(120_000);
  expect(await listAll(query, both)).toMatchObject({
    ...{ found: ['Over there'], passedOver: [{ code: 'unavailable', account: here?.host }] },
  });
  jira.faults.add({ operation: 'projects.searchProjects', action: down });
  jira.clock.advance(120_000);
  await expect(listAll(query, both)).rejects.toMatchObject({ code: 'unavailable' });
  jira.faults.clear();
});

test('what names no project is not filed elsewhere while a site is away: it may have been filed there', async () => {
  const world = worldOn(jira);
  const away = new VendorError('away', { code: 'unavailable', retryable: true, account: 'other' });
  const gone = new VendorError('gone', { code: 'disconnected', retryable: true, account: 'other' });
  const nothing = { description: '', priority: 'none', labels: [], fields: {}, project: null, team: null } as const;
  const file = (lost: VendorError, team: string | null) => {
    const desks = world.desks();
    const filing = { id: randomUUID(), draft: { ...nothing, labels: [], title: 'x', team } };
    return world.file(filing, { ...desks, sites: { ...desks.sites, lost: async () => [lost] } });
  };
  await expect(file(away, null)).rejects.toBe(away);
  await expect(file(away, 'There')).rejects.toBe(away);
  expect(await file(away, world.project.name)).toMatchObject({ team: world.project.name });
  expect(await file(gone, null)).toMatchObject({ tracker: 'jira' });
});
