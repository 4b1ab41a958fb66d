import {
  addAttachment,
  addComment,
  addLink,
  carryOut,
  changeIssue,
  createIssue,
  deleteComment,
  deleteIssue,
  editComment,
  type IssueChanges,
  moveIssue,
  type NewIssue,
  setProperty,
} from './issues.ts';
import { workflowOf } from './projects.ts';
import type { Adf, Attachment, Comment, Issue, Project, User } from './rows.ts';
import type { Site } from './site.ts';
import { textDocument } from './text.ts';
import type { JiraDelivery } from './webhooks.ts';

/** What came of it: what was told, oldest first. */
export interface Deed {
  told: JiraDelivery[];
  /** The one of an event ("jira:issue_updated"); of a kind (`issue_assigned`), where that matters. Throws where there is none. */
  delivery(event: string, kind?: string): JiraDelivery;
}

type Text = string | Adf;

/** Somebody at work in Jira, in the browser: nobody asks for rights, limits or screens here. Issues are named by id or key. */
export interface Somebody {
  user: User;
  create(draft: Omit<NewIssue, 'description'> & { description?: Text }): Deed & { issue: Issue };
  change(issue: string, changes: Omit<IssueChanges, 'description'> & { description?: Text | null }): Deed;
  assign(issue: string, to: User | null): Deed;
  /** By a transition that leads there; over the workflow where none does. */
  move(issue: string, status: string): Deed;
  comment(issue: string, body: Text): Deed & { comment: Comment };
  /** A comment in which somebody is mentioned first. */
  mention(issue: string, who: User, text: string): Deed & { comment: Comment };
  editComment(issue: string, id: string, body: Text): Deed;
  deleteComment(issue: string, id: string): Deed;
  attach(issue: string, filename: string, mimeType: string, content: Uint8Array): Deed & { attachment: Attachment };
  /** `issue` blocks `other`, where the type is "Blocks". */
  link(issue: string, other: string, type?: string): Deed;
  setProperty(issue: string, key: string, value: unknown): Deed;
  moveTo(issue: string, project: Project): Deed;
  delete(issue: string): Deed;
}

export function somebody(site: Site, user: User): Somebody {
  const { outbox } = site;

  function during<T>(work: () => T): Deed & { result: T } {
    const from = outbox.told.length;
    const result = work();
    const told = outbox.told.slice(from);
    return {
      told,
      result,
      delivery(event, kind) {
        const found = told.find(
          (each) =>
            each.event === event && (kind ?? each.payload.issue_event_type_name) === each.payload.issue_event_type_name,
        );
        if (found) return found;
        throw new Error(`Nothing of ${event} ${kind ?? ''} was told: ${told.map((each) => each.event)}`);
      },
    };
  }

  function find(name: string): Issue {
    const issue = site.find(name);
    if (!issue) throw new Error(`There is no issue ${name}.`);
    return issue;
  }

  const documentOf = (text: Text): Adf => (typeof text === 'string' ? textDocument(text) : text);
  const comment: Somebody['comment'] = (issue, body) => {
    const deed = during(() => addComment(site, find(issue), { body: documentOf(body) }, user));
    return { ...deed, comment: deed.result };
  };

  return {
    user,
    create({ description, ...draft }) {
      const text = description === undefined || description === '' ? null : documentOf(description);
      const deed = during(() => createIssue(site, { ...draft, description: text }, user));
      return { ...deed, issue: deed.result };
    },
    change(issue, { description, ...changes }) {
      const text =
        description === undefined ? {} : { description: description === null ? null : documentOf(description) };
      return during(() => changeIssue(site, find(issue), { ...changes, ...text }, user));
    },
    assign: (issue, assignee) => during(() => changeIssue(site, find(issue), { assignee }, user)),
    move: (name, status) =>
      during(() => {
        const issue = find(name);
        const workflow = workflowOf(issue);
        const to = workflow.statuses.find((each) => each.name === status);
        if (!to) throw new Error(`There is no status "${status}" for ${issue.key}.`);
        const way = workflow.transitions.find(
          (each) => each.to === to.id && (each.from?.includes(issue.status.id) ?? true),
        );
        if (way) carryOut(site, issue, way, user);
        else changeIssue(site, issue, { status: to }, user);
      }),
    comment,
    mention: (issue, who, text) =>
      comment(issue, {
        type: 'doc',
        version: 1,
        content: [
          {
            type: 'paragraph',
            content: [
              { type: 'mention', attrs: { id: who.accountId, text: `@${who.displayName}`, accessLevel: '' } },
              { type: 'text', text: ` ${text}` },
            ],
          },
        ],
      }),
    editComment: (issue, id, body) =>
      during(() => editComment(site, find(issue), id, { body: documentOf(body) }, user)),
    deleteComment: (issue, id) => during(() => deleteComment(site, find(issue), id)),
    attach(issue, filename, mimeType, content) {
      const deed = during(() => addAttachment(site, find(issue), { filename, mimeType, content }, user));
      return { ...deed, attachment: deed.result };
    },
    link: (issue, other, type = 'Blocks') =>
      during(() => {
        const linkType = site.linkTypes.find(({ name }) => name === type);
        if (!linkType) throw new Error(`There is no link type "${type}".`);
        return addLink(site, linkType, find(issue), find(other), user);
      }),
    setProperty: (issue, key, value) => during(() => setProperty(site, find(issue), key, value, user)),
    moveTo: (issue, project) => during(() => moveIssue(site, find(issue), project, user)),
    delete: (issue) => during(() => deleteIssue(site, find(issue), user)),
  };
}
