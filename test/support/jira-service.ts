import { toMarkdown } from '../../src/trackers/jira/adf/to-markdown.ts';
import type { NewIssue } from '../stand-ins/jira/issues.ts';
import { type Somebody, somebody } from '../stand-ins/jira/people.ts';
import { addProject } from '../stand-ins/jira/projects.ts';
import type { Comment, Issue, Project, User } from '../stand-ins/jira/rows.ts';
import { type Jira, startJira } from '../stand-ins/jira/server.ts';
import { addWebhook } from '../stand-ins/jira/webhook-routes.ts';
import { type Setup, startSetup } from './processes.ts';
import { startTestService, type TestService, type TestServiceOptions } from './service.ts';

/** What people see of an issue in Jira. */
export interface SeenIssue {
  status: string;
  assignee: string | null;
  /** The agent's status comments, of which there is one, as Markdown. */
  shown: string[];
  /** Its other comments, each of which people are mailed, oldest first. */
  said: string[];
  /** On the issue itself; one that is struck through in brackets. */
  links: string[];
  /** Who moved it where: "Shipmate: In Progress". */
  moves: string[];
}

export interface JiraPeople {
  jira: Jira;
  project: Project;
  /** The agent's account. */
  bot: User;
  ada: Somebody;
  bob: Somebody;
  /** Ada files an issue that nobody has. */
  file(title: string, draft?: Partial<Omit<NewIssue, 'summary' | 'description'>> & { description?: string }): Issue;
  /** Ada files one and assigns it to the agent. */
  give(title: string, draft?: Parameters<JiraPeople['file']>[1]): Issue;
  seen(issue: Issue): SeenIssue;
  /** The newest of the agent's own comments. */
  last(issue: Issue): string | undefined;
}

export type JiraService = TestService & JiraPeople;
export type JiraSetup = Setup & JiraPeople;

export interface JiraServiceOptions extends TestServiceOptions {
  /** null: webhooks come; else so often it is asked. */
  pollSeconds?: number | null;
}

const webhookSecret = 'the-secret-of-the-webhook';

/**
 * The whole service as a member of a site: a stand-in Jira that sends it webhooks, by the settings that people make. `start`: what
 * it is beside that, such as a service on GitHub.
 */
export async function startJiraService(
  options: JiraServiceOptions,
  start: (options: TestServiceOptions & { env: Record<string, string> }) => Promise<TestService> = startTestService,
): Promise<JiraService> {
  const begun = await begin(options);
  try {
    const service = await start({ files: {}, parts: ['listen', 'worker'], ...options, ...begun.options });
    return { ...service, ...among(begun, service, options), stop: () => end(begun.jira, service) };
  } catch (error) {
    await begun.jira.close();
    throw error;
  }
}

/** The same with workers that are processes of their own, and can be killed. */
export async function startJiraSetup(
  options: JiraServiceOptions & { yaml?: Record<string, unknown> },
): Promise<JiraSetup> {
  const begun = await begin(options);
  const { env } = begun.options;
  try {
    const setup = await startSetup({ files: {}, parts: ['listen'], ...options, ...begun.options });
    return {
      ...setup,
      ...among(begun, setup, options),
      start: (command, more = {}) => setup.start(command, { ...more, env: { ...env, ...more.env } }),
      stop: () => end(begun.jira, setup),
    };
  } catch (error) {
    await begun.jira.close();
    throw error;
  }
}

interface Begun {
  jira: Jira;
  bot: User;
  options: Required<Pick<TestServiceOptions, 'change'>> & { env: Record<string, string> };
}

async function begin({ pollSeconds = null, change, env }: JiraServiceOptions): Promise<Begun> {
  const jira = await startJira();
  const { site } = jira;
  const bot = site.addUser('Shipmate', { isServiceAccount: true });
  return {
    ...{ jira, bot },
    options: {
      env: {
        ...{ JIRA_BASE_URL: site.url, JIRA_API_URL: jira.apiUrl, JIRA_WEBHOOK_SECRET: webhookSecret },
        ...{ JIRA_EMAIL: bot.emailAddress, JIRA_API_TOKEN: jira.oauth.addApiToken(site, bot).value },
        ...env,
      },
      change(config) {
        const opened = config.trackers.jira && { ...config.trackers.jira, pollSeconds };
        const withJira = { ...config, trackers: { ...config.trackers, jira: opened } };
        return change?.(withJira) ?? withJira;
      },
    },
  };
}

async function end(jira: Jira, service: TestService): Promise<void> {
  try {
    await service.stop();
    jira.expectClean();
    const mailed = jira.requests.filter(
      ({ operation, url }) => operation === 'issueComments.updateComment' && !url.includes('notifyUsers=false'),
    );
    if (mailed.length > 0) throw new Error('People were mailed of an edit of a comment.');
  } finally {
    await jira.close();
  }
}

function among({ jira, bot }: Begun, { url }: TestService, { pollSeconds = null }: JiraServiceOptions): JiraPeople {
  const { site } = jira;
  if (pollSeconds === null)
    addWebhook(site, { url: url === null ? null : `${url}/webhooks/jira`, secret: webhookSecret });
  const [ada, bob] = ['Ada', 'Bob'].map((name) => somebody(site, site.addUser(name))) as [Somebody, Somebody];
  const project = addProject(site, { key: 'ENG', name: 'Engineering', lead: bob.user, components: ['web', 'api'] });

  const file: JiraPeople['file'] = (title, draft = {}) =>
    ada.create({ project, description: '', ...draft, summary: title }).issue;
  const isStatus = ({ properties }: Comment) =>
    properties.some(({ value }) => Object.hasOwn(value as object, 'status'));
  const ours = (issue: Issue) => issue.comments.filter(({ author }) => author === bot);
  const seen: JiraPeople['seen'] = (issue) => ({
    status: issue.status.name,
    assignee: issue.assignee?.displayName ?? null,
    shown: ours(issue).filter(isStatus).map(textOf),
    said: ours(issue)
      .filter((comment) => !isStatus(comment))
      .map(textOf),
    links: issue.remoteLinks.map(({ object }) => {
      const { title, status } = object as { title: string; status?: { resolved?: boolean } };
      return status?.resolved ? `(${title})` : title;
    }),
    moves: issue.histories.flatMap(({ author, items }) =>
      items.flatMap((item) => (item.fieldId === 'status' ? [`${author.displayName}: ${item.toString}`] : [])),
    ),
  });
  return {
    ...{ jira, project, bot, ada, bob, file, seen },
    give(title, draft) {
      const issue = file(title, draft);
      ada.assign(issue.key, bot);
      return issue;
    },
    last: (issue) => seen(issue).said.at(-1),
  };
}

const textOf = ({ body }: Comment) => toMarkdown(body);
