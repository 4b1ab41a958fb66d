import type { Activity } from '../../../src/core/activity.ts';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { TicketHint } from '../../../src/core/ticket.ts';
import { createJiraClient } from '../../../src/trackers/jira/client.ts';
import { hintOf } from '../../../src/trackers/jira/hint.ts';
import { createNews } from '../../../src/trackers/jira/news.ts';
import { createSite } from '../../../src/trackers/jira/sites.ts';
import { fileTicket } from '../../../src/trackers/jira/writing/file-ticket.ts';
import { createMemory } from '../../../src/trackers/jira/writing/memory.ts';
import type { Desks } from '../../../src/trackers/jira/writing/place.ts';
import { sendOperations } from '../../../src/trackers/jira/writing/send.ts';
import { somebody } from '../../stand-ins/jira/people.ts';
import { addProject } from '../../stand-ins/jira/projects.ts';
import type { Issue, Project, Workflow } from '../../stand-ins/jira/rows.ts';
import type { Jira } from '../../stand-ins/jira/server.ts';
import { wordsOf } from '../../stand-ins/jira/text.ts';

let projects = 0;

/** A project with a person, the agent, and a ticket that is the agent's; `desks()`: each time as of another process. */
export function worldOn(jira: Jira, options: { workflow?: Workflow; style?: Project['style'] } = {}) {
  const { site } = jira;
  projects += 1;
  const ada = site.addUser(`Ada ${projects}`, { isAdmin: true });
  const bot = site.addUser(`Shipmate ${projects}`);
  const key = `W${projects}`;
  const project = addProject(site, { key, name: `World ${projects}`, lead: ada, ...options });
  const people = somebody(site, ada);
  const apiToken = jira.oauth.addApiToken(site, bot).value;

  function desks(): Desks {
    const client = createJiraClient({
      site: { url: site.url, cloudId: null },
      auth: { type: 'basic', email: bot.emailAddress, apiToken },
    });
    const known = createSite(client);
    const own = { accountId: bot.accountId, displayName: bot.displayName };
    const sites = [{ ...known, own: async () => own }];
    return {
      sites: { all: async () => sites, known: () => sites },
      memory: createMemory(),
      news: createNews(),
      states: { review: null },
      label: 'shipmate',
    };
  }

  const hintFor = (issue: Issue): TicketHint =>
    hintOf(
      { host: new URL(site.url).host, url: site.url },
      {
        ...{ id: issue.id, key: issue.key },
        fields: { summary: issue.summary, project: { id: project.id, key, name: project.name } },
      },
    );

  const ticket = (summary = 'Steer the ship') => people.create({ project, summary, assignee: bot }).issue;

  return {
    ...{ site, project, people, ada, bot, desks, hintFor, ticket },
    send: (issue: Issue, operations: TicketOperation[], by = desks(), signal = AbortSignal.timeout(20_000)) =>
      sendOperations(by, hintFor(issue), operations, signal),
    file: (filing: Parameters<typeof fileTicket>[1], by = desks()) =>
      fileTicket(by, filing, AbortSignal.timeout(20_000)),
  };
}

export const say = (id: string, activity: Activity): TicketOperation => ({
  ...{ kind: 'postActivity', id, conversation: null, activity },
});

type Move = TicketOperation & { kind: 'moveTicket' };

export const move = (id: string, to: Move['to'], from: Move['from']): Move => ({ kind: 'moveTicket', id, to, from });

/** What people read in an issue's comments. */
export const read = ({ comments }: Issue): string[] => comments.map(({ body }) => wordsOf(body));
