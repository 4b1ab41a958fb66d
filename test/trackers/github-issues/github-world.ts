import type { StateCategory } from '../../../src/core/ticket.ts';
import { createGitHubIssuesTracker, type GitHubAccess } from '../../../src/trackers/github-issues/tracker.ts';
import type { Tracker } from '../../../src/trackers/tracker.ts';
import { createGitHubClient } from '../../../src/vendors/github/client.ts';
import { verifyGitHubDelivery } from '../../../src/vendors/github/webhooks.ts';
import type { SentDelivery, TrackerWorld } from '../../contracts/tracker-world.ts';
import { type Reporter, reporter, told } from '../../stand-ins/github/issue-people.ts';
import type { Issue, Repository, User } from '../../stand-ins/github/rows.ts';
import { type GitHub, startGitHub } from '../../stand-ins/github/server.ts';
import { readStatus } from '../one-comment/read-status.ts';

export interface GitHubWorld extends TrackerWorld {
  github: GitHub;
  repository: Repository;
  /** Whose issues are tickets, as they are set up. */
  repositories: string[];
  ada: Reporter;
  issue(ticketId: string): Issue;
  /** One more adapter on the same GitHub, as another process has it. */
  another(): Tracker;
}

export const agent = 'shipmate';
export const label = 'for-shipmate';
const states = { backlog: 'backlog', started: 'in progress', review: 'in review' } as const;

/** A GitHub with people at work in it, and our adapter on it; `token`: as an account of a person's kind, not as an App. */
export async function startGitHubWorld({ token = false, pageSize = 5 } = {}): Promise<GitHubWorld> {
  const github = await startGitHub({ requestsPerHour: 1_000_000, searchesPerMinute: 10_000 });
  const { app } = github.apps;
  const repository = await github.addRepository('acme/web');
  const repositories = ['acme/web'];
  github.apps.install(repository.owner);
  const own: User = token ? github.addUser(agent) : app.bot;
  if (token) repository.levels.set(agent, 'write');
  const keys = {
    apiUrl: github.apiUrl,
    appId: token ? null : String(app.id),
    privateKey: token ? null : app.privateKey,
    token: token ? github.apps.personalToken(own) : null,
  };
  const open = (): Tracker => {
    const client = createGitHubClient(keys);
    const access: GitHubAccess = {
      webUrl: client.webUrl,
      ask: client.ask,
      token: (name, signal) => client.tokenFor(name, { issues: 'read' }, signal),
      isApp: client.isApp,
      identity: async (signal) => ({ ...(await client.self(signal)), appId: client.isApp ? app.id : null }),
      verifyDelivery: (headers, body) => ({
        deliveryId: verifyGitHubDelivery([app.webhookSecret], headers, body),
      }),
    };
    return createGitHubIssuesTracker({ access, agent, label, repositories: () => repositories, pageSize });
  };
  const people = new Map<string, Reporter>();
  const as = (user: User, where = repository): Reporter => {
    const key = `${user.login} ${where.id}`;
    const known = people.get(key) ?? reporter(github, where, user);
    people.set(key, known);
    return known;
  };
  const [ada, bob, ci] = [github.addUser('ada'), github.addUser('bob'), github.addUser('ci[bot]', 'Bot')];

  const homeOf = (id: string): Repository => {
    const found = github.repositories.find((each) => String(each.id) === id.split('/')[0]);
    if (!found) throw new Error(`There is no repository of ${id}.`);
    return found;
  };
  const issueOf = (id: string): Issue => {
    const found = homeOf(id).issues.get(Number(id.split('/')[1]));
    if (!found) throw new Error(`There is no issue ${id}.`);
    return found;
  };
  const sent = (work: () => unknown, event = 'issues'): SentDelivery => {
    const delivery = told(github, work, event).at(-1);
    if (!delivery) throw new Error('Nothing was told of it.');
    return { headers: delivery.headers, body: delivery.body };
  };
  const hand = (who: User, id: string) => {
    const [doer, issue] = [as(who, homeOf(id)), issueOf(id)];
    return sent(() => (token ? doer.assign(issue, agent) : doer.label(issue, label)));
  };
  const move = (who: User, id: string, to: StateCategory) =>
    sent(() => {
      const [doer, issue] = [as(who, homeOf(id)), issueOf(id)];
      if (to === 'done' || to === 'canceled') return doer.close(issue, to === 'done' ? 'completed' : 'not_planned');
      if (issue.state === 'closed') doer.reopen(issue);
      const wanted = to === 'unstarted' ? null : states[to];
      if (wanted !== null) doer.label(issue, wanted);
      for (const { name } of [...issue.labels])
        if (Object.values<string>(states).includes(name) && name !== wanted) doer.unlabel(issue, name);
    });
  const ours = (id: string) => issueOf(id).comments.filter(({ user }) => user === own);
  const isStatus = (body: string) => body.startsWith('<!-- shipmate:status -->');
  const statusOf = (id: string): string => {
    const found = ours(id).filter(({ body }) => isStatus(body));
    if (found.length > 1) throw new Error(`There are ${found.length} status comments.`);
    return (found[0]?.body ?? '').replace(/<!--[\s\S]*?-->/g, '').trim();
  };
  const odd = (event: string, text: string): SentDelivery => {
    const body = Buffer.from(text);
    return { headers: github.outbox.sign(event, body), body };
  };
  const named = async (name: string): Promise<Repository> => {
    const known = github.repositories.find((each) => each.name === name);
    if (known) return known;
    repositories.push(`acme/${name}`);
    return github.addRepository(`acme/${name}`, { people: token ? { [agent]: 'write' } : {} });
  };

  return {
    github,
    repository,
    repositories,
    ada: as(ada),
    tracker: open(),
    another: open,
    issue: issueOf,
    pageSize,
    teams: [{ name: 'acme/web', key: null }],
    signatureHeader: 'x-hub-signature-256',
    unknownTicket: {
      tracker: 'github-issues',
      id: `${repository.id}/999999`,
      identifier: 'acme/web#999999',
      title: 'Unknown',
      url: `${github.url}/acme/web/issues/999999`,
      priority: 'none',
      team: 'web',
      project: null,
      ref: { repositoryId: repository.id, repository: 'acme/web', number: 999999, issueId: 1 },
    },
    person: {
      async createTicket({ title, description, labels = [], team, project }) {
        const home = team === undefined ? repository : await named(team);
        const doer = as(ada, home);
        const issue = doer.file({ title, body: description, labels });
        if (project !== undefined) doer.plan(issue, project);
        return { id: `${home.id}/${issue.number}`, identifier: `acme/${home.name}#${issue.number}` };
      },
      give: async (id) => hand(ada, id),
      async giveAway(id) {
        const [doer, issue] = [as(bob, homeOf(id)), issueOf(id)];
        if (issue.labels.some(({ name }) => name === label)) doer.unlabel(issue, label);
        doer.unassign(issue, agent);
        doer.assign(issue, 'bob');
      },
      async take(id) {
        const [doer, issue] = [as(ada, homeOf(id)), issueOf(id)];
        return sent(() => (token ? doer.unassign(issue, agent) : doer.unlabel(issue, label)));
      },
      say: async (id, body) => sent(() => as(ada, homeOf(id)).say(issueOf(id), body), 'issue_comment'),
      move: async (id, to) => move(ada, id, to),
      attach: async (id, name, content) => sent(() => as(ada, homeOf(id)).attach(issueOf(id), name, content)),
    },
    agentSays: async (id, body) => sent(() => as(own, homeOf(id)).say(issueOf(id), body), 'issue_comment'),
    botSays: async (id, body) => sent(() => as(ci, homeOf(id)).say(issueOf(id), body), 'issue_comment'),
    agentGives: async (id) => hand(own, id),
    botGives: async (id) => hand(ci, id),
    botMoves: async (id, to) => move(ci, id, to),
    oddDeliveries: () => {
      const place = { id: repository.id, full_name: 'acme/web' };
      return [
        odd('invented', JSON.stringify({ action: 'happened', repository: place })),
        odd('issues', JSON.stringify({ action: 'opened', repository: place })),
        odd('issues', JSON.stringify({ action: 'labeled', repository: place, issue: { id: 'x' } })),
        odd('issue_comment', JSON.stringify({ action: 'created', issue: null })),
        odd('issues', '[1, null, "three"]'),
        odd('issues', 'no JSON'),
        odd('issues', ''),
      ];
    },
    outside: {
      async activities(id) {
        const texts = new Map<string, string>();
        for (const { body } of ours(id)) {
          const [mark, , key = ''] = /\n\n<!-- shipmate:(([\w-]+)[/\d]*) -->$/.exec(body) ?? [];
          if (mark !== undefined) texts.set(key, (texts.get(key) ?? '') + body.slice(0, -mark.length));
        }
        return [...readStatus(statusOf(id)).said, ...texts.values()];
      },
      async state(id) {
        const { state, stateReason, labels } = issueOf(id);
        if (state === 'closed') return stateReason === 'completed' ? 'done' : 'canceled';
        const [standing] = Object.entries(states).filter(([, name]) => labels.some((each) => each.name === name));
        return (standing?.[0] ?? 'unstarted') as StateCategory;
      },
      plan: async (id) => readStatus(statusOf(id)).plan,
      attachments: async (id) =>
        [...statusOf(id).matchAll(/^Pull request \[#\d+: (.*)\]\((\S+)\)/gm)].map(([, title = '', url = '']) => ({
          title,
          url,
        })),
      links: async (id) => readStatus(statusOf(id)).links,
    },
    async close() {
      await github.close();
      github.expectClean();
    },
  };
}
