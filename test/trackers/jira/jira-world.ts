import type { StateCategory } from '../../../src/core/ticket.ts';
import { toMarkdown } from '../../../src/trackers/jira/adf/to-markdown.ts';
import { createTokenSites } from '../../../src/trackers/jira/connecting/token-sites.ts';
import { createJiraTracker } from '../../../src/trackers/jira/tracker.ts';
import type { Tracker } from '../../../src/trackers/tracker.ts';
import type { SentDelivery, TrackerWorld } from '../../contracts/tracker-world.ts';
import { addComment } from '../../stand-ins/jira/issues.ts';
import { type Deed, type Somebody, somebody } from '../../stand-ins/jira/people.ts';
import { addProject } from '../../stand-ins/jira/projects.ts';
import type { Comment, Issue, Project, User } from '../../stand-ins/jira/rows.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { addWebhook } from '../../stand-ins/jira/webhook-routes.ts';
import { readStatus } from '../one-comment/read-status.ts';

export interface JiraWorld extends TrackerWorld {
  jira: Jira;
  project: Project;
  ada: Somebody;
  bot: User;
}

const names: Record<StateCategory, string> = {
  backlog: 'Backlog',
  unstarted: 'To Do',
  started: 'In Progress',
  review: 'In Review',
  done: 'Done',
  canceled: "Won't Do",
};

/** A Jira with people at work in it, and our adapter on it. `isReadAtOnce`: what is given is, as the service does. */
export async function startJiraWorld({ isReadAtOnce = false } = {}): Promise<JiraWorld> {
  const often = { GET: 1e6, POST: 1e6, PUT: 1e6, DELETE: 1e6, getIssue: 1e6 };
  const jira = await startJira({ limits: { burst: often } });
  const { site } = jira;
  const { host } = new URL(site.url);
  const [ada, bob] = ['Ada', 'Bob'].map((name) => somebody(site, site.addUser(name, { isAdmin: true }))) as [
    Somebody,
    Somebody,
  ];
  const bot = site.addUser('Shipmate', { isServiceAccount: true });
  const [agent, ci] = [somebody(site, bot), somebody(site, site.addUser('CI', { accountType: 'app' }))];
  const project = addProject(site, { key: 'ENG', name: 'Engineering' });
  const webhook = addWebhook(site);
  const auth = { type: 'basic', email: bot.emailAddress, apiToken: jira.oauth.addApiToken(site, bot).value } as const;
  const jiraTracker = createJiraTracker({
    // Of what is kept for another start nothing is asked here.
    sites: createTokenSites({ urls: [site.url], auth, apiUrl: jira.apiUrl, connections: { update: async () => null } }),
    secrets: { webhooks: [webhook.secret ?? ''], apps: [] },
    agent: 'shipmate',
    label: 'for-shipmate',
    status: null,
    jql: null,
    states: { review: null },
  });
  await jiraTracker.check(); // who it is, is known
  // Writing waits a little for that.
  const readingTracker: Tracker = {
    ...jiraTracker,
    readEvents(delivery) {
      const events = jiraTracker.readEvents(delivery);
      for (const { type, ticket } of events)
        if (type === 'sessionCreated') jiraTracker.readTicket(ticket, AbortSignal.timeout(20_000)).catch(() => {});
      return events;
    },
  };
  const tracker = isReadAtOnce ? readingTracker : jiraTracker;

  const issueOf = (id: string): Issue => {
    const found = site.find(id.replace(`${host}/`, ''));
    if (!found) throw new Error(`There is no issue ${id}.`);
    return found;
  };
  const projectNamed = (name: string): Project =>
    site.projects.find((each) => each.name === name) ?? addProject(site, { key: `T${site.projects.length}`, name });
  const sent = (deed: Deed, event = 'jira:issue_updated'): SentDelivery => {
    const { headers, body } = deed.delivery(event);
    return { headers, body };
  };
  const give = (who: Somebody, id: string) => sent(who.assign(issueOf(id).key, bot));
  const say = (who: Somebody, id: string, body: string) => sent(who.comment(issueOf(id).key, body), 'comment_created');
  const move = (who: Somebody, id: string, to: StateCategory) => sent(who.move(issueOf(id).key, names[to]));

  const ours = (id: string) => issueOf(id).comments.filter(({ author }) => author === bot);
  const markOf = ({ properties }: Comment) => properties[0]?.value as { operation?: string; status?: object };
  const statusOf = (id: string): string => {
    const found = ours(id).filter((comment) => markOf(comment).status);
    if (found.length > 1) throw new Error(`There are ${found.length} status comments.`);
    return found[0] ? toMarkdown(found[0].body) : '';
  };
  function odd(value: unknown): SentDelivery {
    const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
    return { headers: jira.outbox.sign(webhook, body), body };
  }

  return {
    ...{ jira, project, ada, bot, tracker },
    pageSize: 50,
    teams: [{ name: 'Engineering', key: 'ENG' }],
    signatureHeader: 'x-hub-signature',
    unknownTicket: {
      tracker: 'jira',
      id: `${host}/999999999`,
      identifier: 'ENG-999999',
      title: 'Unknown',
      url: `${site.url}/browse/ENG-999999`,
      priority: 'none',
      team: 'Engineering',
      project: 'Engineering',
      account: host,
      ref: { site: host, issueId: '999999999', projectId: project.id },
    },
    // Documents say the same in other marks, and have no runs of spaces.
    plain: (text) =>
      text
        .replaceAll(/```|\{code\}|\\(?=[!-/:-@[-`{-~\n])/g, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    person: {
      async createTicket({ title, description, labels = [], team }) {
        const home = team === undefined ? project : projectNamed(team);
        const written = labels.map((label) => label.replaceAll(' ', '-')); // Jira takes no other
        const { issue } = ada.create({ project: home, summary: title, description, labels: written });
        return { id: `${host}/${issue.id}`, identifier: issue.key };
      },
      give: async (id) => give(ada, id),
      async giveAway(id) {
        bob.assign(issueOf(id).key, bob.user);
      },
      take: async (id) => sent(ada.assign(issueOf(id).key, null)),
      say: async (id, body) => say(ada, id, body),
      move: async (id, to) => move(ada, id, to),
      attach: async (id, name, content) =>
        sent(ada.attach(issueOf(id).key, name, name.endsWith('.png') ? 'image/png' : 'text/plain', content)),
    },
    async agentSays(id, body) {
      const text = { type: 'paragraph', content: [{ type: 'text', text: body }] };
      const from = jira.outbox.told.length;
      addComment(site, issueOf(id), { body: { type: 'doc', version: 1, content: [text] } }, bot);
      const { headers, body: told = Buffer.alloc(0) } = jira.outbox.told[from] ?? { headers: {} };
      return { headers, body: told };
    },
    botSays: async (id, body) => say(ci, id, body),
    agentGives: async (id) => give(agent, id),
    botGives: async (id) => give(ci, id),
    botMoves: async (id, to) => move(ci, id, to),
    oddDeliveries: () => {
      const timestamp = Date.now();
      const issue = { id: '1', key: 'ENG-1', self: `${site.url}/rest/api/2/issue/1`, fields: {} };
      return [
        odd({ timestamp, webhookEvent: 'jira:invented', issue }),
        odd({ timestamp, webhookEvent: 'jira:issue_updated' }),
        odd({ timestamp, webhookEvent: 'jira:issue_updated', issue, changelog: { items: [1, null, 'three'] } }),
        odd({ timestamp, webhookEvent: 'comment_created', issue, comment: { id: null } }),
        odd({ timestamp: 'now', webhookEvent: 7, issue: null }),
        odd('[1, null, "three"]'),
        odd('no JSON'),
        odd(''),
      ];
    },
    outside: {
      async activities(id) {
        const texts = new Map<string, string>();
        for (const comment of ours(id)) {
          const { operation } = markOf(comment);
          if (operation !== undefined) texts.set(operation, (texts.get(operation) ?? '') + toMarkdown(comment.body));
        }
        return [...readStatus(statusOf(id)).said, ...texts.values()];
      },
      state: async (id) =>
        (Object.entries(names).find(([, name]) => name === issueOf(id).status.name)?.[0] ?? '') as StateCategory,
      plan: async (id) => readStatus(statusOf(id)).plan,
      attachments: async (id) =>
        issueOf(id).remoteLinks.map(({ object: { url, title } }) => ({ url: String(url), title: String(title) })),
      links: async (id) => readStatus(statusOf(id)).links,
    },
    async close() {
      await jira.close();
      jira.expectClean();
    },
  };
}
