import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import type { Delivery } from '../../../src/core/delivery.ts';
import type { LinearTokens, Workspace } from '../../../src/trackers/linear/connecting/tokens.ts';
import { createLinearTracker } from '../../../src/trackers/linear/tracker.ts';
import type { Tracker } from '../../../src/trackers/tracker.ts';
import { setTeamAccess } from '../../stand-ins/linear/people.ts';
import { startLinear } from '../../stand-ins/linear/server.ts';
import { addTeam } from '../../stand-ins/linear/workspace.ts';
import { agent, apiUrl, appUser, issueChange, now, prompt, type Sent, secret, workspace } from './deliveries.ts';

const acme: Workspace = { id: workspace, name: 'Acme', urlKey: 'acme', appUserId: appUser };

function trackerWith(workspaces: LinearTokens['workspaces']): Tracker {
  const tokens: LinearTokens = { workspaces, token: async () => 'token' };
  return createLinearTracker({ apiUrl, agent, webhookSecrets: [secret], tokens, now: () => now });
}

function receive(tracker: Tracker, sent: Sent) {
  const { deliveryId } = tracker.verifyDelivery(sent.headers, sent.body);
  const delivery: Delivery = { source: 'linear', deliveryId, ...sent };
  return tracker.readEvents(delivery);
}

test('who we are is asked once, in the background, so that a ticket taken from us is known as one', async () => {
  let asked = 0;
  const tracker = trackerWith(async () => {
    asked += 1;
    return [acme];
  });
  const taken = issueChange({ delegateId: appUser }, { delegateId: null });
  await expect.poll(() => receive(tracker, taken)).toMatchObject([{ type: 'unassigned' }]);
  expect(asked).toBe(1);
});

test('a delivery to the app says who we are, too; without any a ticket taken from us is still a change', () => {
  const tracker = trackerWith(() => Promise.reject(new Error('away')));
  const taken = issueChange({ delegateId: appUser }, { delegateId: null });
  expect(receive(tracker, taken)).toMatchObject([{ type: 'ticketChanged', changed: ['assignee'] }]);
  receive(tracker, prompt('Hello'));
  expect(receive(tracker, taken)).toMatchObject([{ type: 'unassigned' }]);
});

test('a team that is opened to the app is known as soon as that is told', async () => {
  const linear = await startLinear();
  onTestFinished(() => linear.close());
  const { organizationId: id, appUser } = linear.workspace;
  const tokens: LinearTokens = {
    workspaces: async () => [{ id, name: 'Acme', urlKey: 'acme', appUserId: appUser.id }],
    token: async () => linear.token,
  };
  const tracker = createLinearTracker({ apiUrl: linear.url, agent, webhookSecrets: [linear.outbox.secret], tokens });
  const { id: first } = addTeam(linear.workspace, { key: 'ARC', name: 'Archive' });
  addTeam(linear.workspace, { key: 'ENG', name: 'Engineering' });
  linear.workspace.closedTeams.add(first);
  const filed = { title: 'x', description: '', priority: 'none', labels: [], fields: {}, project: null } as const;
  const fileSomewhere = async () => {
    const draft = { ...filed, labels: [], team: null };
    return (await tracker.createTicket({ id: randomUUID(), draft }, new AbortController().signal)).team;
  };
  expect(await fileSomewhere()).toBe('Engineering');
  const { headers, body } = setTeamAccess(linear.workspace, first, true);
  expect(await fileSomewhere(), 'nobody was told yet').toBe('Engineering');
  expect(tracker.verifyDelivery(headers, body)).toMatchObject({ isBroad: true });
  expect(await fileSomewhere()).toBe('Archive');
});
