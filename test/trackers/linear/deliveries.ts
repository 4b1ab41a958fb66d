import { randomUUID } from 'node:crypto';
import type { TrackerEvent } from '../../../src/core/delivery.ts';
import { signBody } from '../../../src/lib/signature.ts';
import {
  idHeader,
  readEvents,
  signatureHeader,
  verifyDelivery,
} from '../../../src/trackers/linear/reading/delivery.ts';

/* Deliveries as Linear sends them, made by hand, for what can be seen without a server. */

export const secret = 'lin_wh_secret';
export const now = Date.parse('2026-11-22T10:00:00.000Z');
export const workspace = 'org-1';
export const appUser = 'app-1';
export const apiUrl = 'https://api.linear.app/graphql';
export const agent = 'shipmate';

export const ada = {
  id: 'user-ada',
  name: 'Ada',
  email: 'ada@example.org',
  url: 'https://linear.app/acme/profiles/ada',
};
export const app = { id: appUser, name: 'shipmate', email: 'x@oauthapp.linear.app', url: 'https://linear.app/x' };
const team = { id: 'team-eng', key: 'ENG', name: 'Engineering' };
export const issue = {
  id: 'issue-1',
  identifier: 'ENG-1',
  title: 'Leak',
  url: 'https://linear.app/acme/issue/ENG-1',
  teamId: team.id,
  team,
};

export interface Sent {
  headers: Record<string, string>;
  body: Uint8Array;
}

export function sign(payload: object, key = secret): Sent {
  const whole = { organizationId: workspace, webhookId: 'hook', webhookTimestamp: now - 100, ...payload };
  return signText(JSON.stringify(whole), key);
}

export function signText(text: string, key = secret): Sent {
  const body = Buffer.from(text);
  const headers = { [idHeader]: randomUUID(), [signatureHeader]: signBody(key, body), 'linear-timestamp': String(now) };
  return { headers, body };
}

export function verify({ headers, body }: Sent, secrets = [secret], at = now): ReturnType<typeof verifyDelivery> {
  return verifyDelivery(secrets, headers, body, at);
}

/** What it means, once it is verified. */
export function read(sent: Sent): TrackerEvent[] {
  verify(sent);
  return readEvents({ agent, apiUrl, appUsers: new Map([[workspace, appUser]]) }, sent.body);
}

export function sessionEvent(
  action: 'created' | 'prompted',
  more: { session?: object } & Record<string, unknown> = {},
): Sent {
  const { session, ...rest } = more;
  const agentSession = {
    id: 'session-1',
    appUserId: appUser,
    organizationId: workspace,
    status: 'pending',
    type: 'commentThread',
    createdAt: '2026-11-22T09:59:59.000Z',
    updatedAt: '2026-11-22T09:59:59.000Z',
    issueId: issue.id,
    issue: { ...issue, description: 'It drips.' },
    commentId: 'anchor',
    comment: { id: 'anchor', body: 'This thread is for an agent session with shipmate.' },
    creatorId: ada.id,
    creator: ada,
    ...session,
  };
  return sign({
    type: 'AgentSessionEvent',
    action,
    appUserId: appUser,
    oauthClientId: 'client',
    agentSession,
    ...rest,
  });
}

export function prompt(body: string, more: object = {}): Sent {
  const agentActivity = {
    id: 'activity-1',
    agentSessionId: 'session-1',
    content: { type: 'prompt', body },
    sourceCommentId: 'comment-1',
    userId: ada.id,
    user: ada,
    createdAt: '2026-11-22T09:59:59.500Z',
    updatedAt: '2026-11-22T09:59:59.500Z',
    ...more,
  };
  return sessionEvent('prompted', { agentActivity });
}

export function issueChange(updatedFrom: object, data: object = {}, more: object = {}): Sent {
  return sign({
    type: 'Issue',
    action: 'update',
    actor: { type: 'user', ...ada },
    createdAt: '2026-11-22T09:59:59.000Z',
    data: {
      ...issue,
      number: 1,
      updatedAt: '2026-11-22T09:59:58.000Z',
      description: 'It drips.',
      priority: 2,
      stateId: 'state-todo',
      state: { id: 'state-todo', name: 'Todo', type: 'unstarted', color: '#fff' },
      labels: [],
      labelIds: [],
      ...data,
    },
    updatedFrom: { updatedAt: '2026-11-22T09:00:00.000Z', ...updatedFrom },
    url: issue.url,
    ...more,
  });
}

export function comment(body: string, data: object = {}, more: object = {}): Sent {
  return sign({
    type: 'Comment',
    action: 'create',
    actor: { type: 'user', ...ada },
    createdAt: '2026-11-22T09:59:59.000Z',
    data: {
      id: 'comment-1',
      body,
      createdAt: '2026-11-22T09:59:59.400Z',
      updatedAt: '2026-11-22T09:59:59.400Z',
      issueId: issue.id,
      issue,
      userId: ada.id,
      user: ada,
      ...data,
    },
    url: `${issue.url}#comment-1`,
    ...more,
  });
}
