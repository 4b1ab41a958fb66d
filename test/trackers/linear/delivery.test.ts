import { describe, test } from 'vitest';
import { idHeader, signatureHeader } from '../../../src/trackers/linear/reading/delivery.ts';
import {
  ada,
  app,
  appUser,
  comment,
  issue,
  issueChange,
  now,
  prompt,
  read,
  type Sent,
  secret,
  sessionEvent,
  sign,
  signText,
  verify,
  workspace,
} from './deliveries.ts';

const unauthorized = { name: 'VendorError', code: 'unauthorized', retryable: false };
const ticket = {
  tracker: 'linear',
  id: issue.id,
  identifier: 'ENG-1',
  team: 'Engineering',
  ref: { workspace, team: 'team-eng' },
};
const inSession = { key: 'linear:session-1', ref: { workspace, issue: issue.id, agentSession: 'session-1' } };
const onIssue = {
  key: 'linear:comment-1',
  ref: { workspace, issue: issue.id, agentSession: null, comment: { id: 'comment-1', thread: 'comment-1' } },
  isProvisional: true,
};

describe('signatures', () => {
  test('signed with either of two secrets it is taken; with another, with none and with that of other bytes it is not', ({
    expect,
  }) => {
    const sent = sessionEvent('created');
    const { deliveryId } = verify(sent);
    expect(deliveryId).toBe(sent.headers[idHeader]);
    expect(verify(sent, ['lin_wh_next', secret]).deliveryId).toBe(deliveryId);
    const tried = (headers: Record<string, string>, secrets?: string[]) => () =>
      verify({ headers, body: sent.body }, secrets);
    const { [signatureHeader]: signature = '', ...unsigned } = sent.headers;
    const others = comment('Hello').headers[signatureHeader] ?? '';
    expect(tried(sent.headers, ['lin_wh_other'])).toThrow(expect.objectContaining(unauthorized));
    expect(tried(unsigned)).toThrow(expect.objectContaining(unauthorized));
    for (const wrong of [others, '', 'x', signature.slice(1), `${signature}0`, `sha256=${signature}`, 'ü'.repeat(32)])
      expect(tried({ ...unsigned, [signatureHeader]: wrong }), wrong).toThrow(expect.objectContaining(unauthorized));
    // What is not signed cannot vouch for anything.
    expect(tried({ ...unsigned, 'linear-timestamp': String(now) })).toThrow(expect.objectContaining(unauthorized));
  });

  test('no secret at all lets nobody in, and an empty one is refused', ({ expect }) => {
    const sent = sessionEvent('created');
    expect(() => verify(sent, [])).toThrow(expect.objectContaining(unauthorized));
    expect(() => verify(sent, [''])).toThrow('empty');
  });

  test('one that cannot be told from others is refused', ({ expect }) => {
    const { headers, body } = sessionEvent('created');
    const { [idHeader]: _, ...nameless } = headers;
    for (const broken of [nameless, { ...nameless, [idHeader]: ' ' }])
      expect(() => verify({ headers: broken, body })).toThrow(expect.objectContaining({ code: 'invalid' }));
  });

  test('with any byte of body or signature altered, left out or added it is refused', ({ expect }) => {
    const { headers, body } = prompt('Grüße 🚢');
    const passes = (sent: Sent) => {
      try {
        verify(sent);
        return true;
      } catch {
        return false;
      }
    };
    const passed: string[] = [];
    for (let at = 0; at < body.length; at++) {
      const altered = Uint8Array.from(body);
      altered[at] = (altered[at] ?? 0) ^ (1 << (at % 8));
      if (passes({ headers, body: altered })) passed.push(`altered at ${at}`);
      if (passes({ headers, body: Buffer.concat([body.subarray(0, at), body.subarray(at + 1)]) }))
        passed.push(`without ${at}`);
      if (passes({ headers, body: Buffer.concat([body.subarray(0, at), Buffer.from(' '), body.subarray(at)]) }))
        passed.push(`with a space at ${at}`);
    }
    const signature = headers[signatureHeader] ?? '';
    for (let at = 0; at < signature.length; at++) {
      const digit = (Number.parseInt(signature[at] ?? '0', 16) ^ 1).toString(16);
      const altered = `${signature.slice(0, at)}${digit}${signature.slice(at + 1)}`;
      if (passes({ headers: { ...headers, [signatureHeader]: altered }, body })) passed.push(`signature at ${at}`);
    }
    expect(passed).toEqual([]);
    expect(passes({ headers, body })).toBe(true);
  });
});

describe('what is not acted on', () => {
  test('one that was signed more than a minute before it came is verified, and late', ({ expect }) => {
    const sent = sessionEvent('created', { webhookTimestamp: now - 60_001 });
    expect(verify(sent)).toMatchObject({ isLate: true });
    const fresh = sessionEvent('created', { webhookTimestamp: now - 60_000 });
    expect(verify(fresh)).toMatchObject({ isLate: false });
  });

  test('what is said to the agent is urgent, and nothing else is', ({ expect }) => {
    for (const action of ['created', 'prompted'] as const)
      expect(verify(sessionEvent(action, {}))).toMatchObject({ isUrgent: true });
    expect(verify(sign({ type: 'Issue', action: 'update' }))).toMatchObject({ isUrgent: false });
  });

  test('kinds that we do not know, and those about no ticket, mean nothing', ({ expect }) => {
    const access = { canAccessAllPublicTeams: true, addedTeamIds: [], removedTeamIds: ['team-eng'] };
    for (const payload of [
      { type: 'Reaction', action: 'create', data: { id: 'r' } },
      { type: 'SomethingNew', action: 'create' },
      { type: 'PermissionChange', action: 'teamAccessChanged', appUserId: appUser, ...access },
      { type: 'OAuthApp', action: 'revoked', oauthClientId: 'client' },
      { type: 'AppUserNotification', action: 'issueNewComment', appUserId: appUser, notification: { issue } },
    ])
      expect(read(sign(payload)), payload.type).toEqual([]);
    expect(read(sessionEvent('created', { session: { issue: null, issueId: null } }))).toEqual([]);
  });

  test('well signed nonsense of any shape means nothing, and never throws', ({ expect }) => {
    const time = now - 100;
    const naughty: unknown[] = [
      null,
      [],
      7,
      'x',
      {},
      { type: null },
      { type: 'Issue' },
      { type: ['Issue'] },
      { __proto__: null },
    ];
    for (const type of ['AgentSessionEvent', 'Issue', 'Comment', 'AppUserNotification']) {
      const base = { type, organizationId: workspace, webhookTimestamp: time };
      for (const action of ['created', 'prompted', 'create', 'update', 'remove', 'issueUnassignedFromYou', '', null, 7])
        for (const data of [null, {}, [], 'x', { issue: null }, { issue: [] }, { id: 1 }, { agentSession: { issue } }])
          naughty.push({
            ...base,
            action,
            data,
            agentSession: data,
            agentActivity: data,
            notification: data,
            appUserId: appUser,
          });
    }
    for (const one of naughty) expect(read(signText(JSON.stringify(one))), JSON.stringify(one)).toEqual([]);
    for (const text of ['', '{', '\ufeff{}', '\0', '[[[', `"${'x'.repeat(100_000)}"`, '['.repeat(50_000)])
      expect(read(signText(text))).toEqual([]);
    expect(read(sign({ type: 'Issue', action: 'update', webhookTimestamp: 'soon' }))).toEqual([]);
  });
});

describe('agent sessions', () => {
  test('a delegation gives the ticket: the comment that holds the thread was said by nobody', ({ expect }) => {
    expect(read(sessionEvent('created', { promptContext: '<issue identifier="ENG-1"></issue>' }))).toEqual([
      {
        type: 'sessionCreated',
        at: '2026-11-22T09:59:59.000Z',
        ticket: { ...ticket, title: 'Leak', url: issue.url, priority: 'none', project: null, account: 'org-1' },
        conversation: inSession,
        said: null,
        by: { id: ada.id, name: 'Ada', isBot: false },
        guidance: '',
      },
    ]);
  });

  test('a mention gives it with what was said, under the id of that comment', ({ expect }) => {
    const session = { commentId: 'c1', comment: { id: 'c1', body: '@shipmate fix *this*', userId: ada.id } };
    expect(read(sessionEvent('created', { session }))).toMatchObject([
      {
        type: 'sessionCreated',
        said: { key: 'c1', body: '@shipmate fix *this*', author: { id: ada.id, isBot: false } },
      },
    ]);
    const stop = { commentId: 'c1', comment: { id: 'c1', body: '@shipmate stop', userId: ada.id } };
    expect(read(sessionEvent('created', { session: stop }))).toMatchObject([{ said: { signal: 'stop' } }]);
  });

  test('mentioned in an answer, the words are the last of the thread, not its first', ({ expect }) => {
    const session = {
      ...{ commentId: 'root', sourceCommentId: 'reply' },
      comment: { id: 'root', body: 'It drips again.', userId: 'user-bob' },
    };
    const promptContext = [
      '<issue identifier="ENG-1"><title>Leak</title></issue>',
      '<primary-directive-thread comment-id="root">',
      '<comment author="Bob" created-at="2026-11-22T09:00:00.000Z">It drips again.</comment>',
      '<comment author="Ada" created-at="2026-11-22T09:59:58.900Z"><user id="app-1">shipmate</user> fix &lt;b&gt; &amp;amp; c</comment>',
      '</primary-directive-thread>',
      '<other-thread comment-id="o"><comment author="Eve" created-at="x">Ignore this</comment></other-thread>',
    ].join('\n');
    expect(read(sessionEvent('created', { session, promptContext }))).toMatchObject([
      {
        said: {
          key: 'reply',
          body: '@shipmate fix <b> &amp; c',
          at: '2026-11-22T09:59:58.900Z',
          author: { id: ada.id },
        },
      },
    ]);
    expect(read(sessionEvent('created', { session, promptContext: '<primary-directive-thread' }))).toMatchObject([
      { type: 'sessionCreated', said: null },
    ]);
  });

  test('nobody and another agent are bots', ({ expect }) => {
    for (const creator of [null, undefined, app, { ...ada, email: 'y@oauthapp.linear.app' }])
      expect(read(sessionEvent('created', { session: { creator } }))).toMatchObject([{ by: { isBot: true } }]);
  });

  test('guidance: the nearest team first, the workspace last, each by its name, and which of two holds', ({
    expect,
  }) => {
    const ruleOf = (id: string, parentId: string | null) => ({
      type: 'Team',
      team: { id, key: id, name: `Of\n${id}`, displayName: id, parentId },
    });
    const guidanceIn = (guidance: unknown) => read(sessionEvent('created', { guidance }))[0];
    const rules = [
      { body: 'Of all.', origin: { type: 'Organization' } },
      { body: 'Of the root.', origin: ruleOf('team-root', null) },
      { body: 'Of the parent.', origin: ruleOf('team-parent', 'team-root') },
      { body: ' Of the team. ', origin: ruleOf('team-eng', 'team-parent') },
    ];
    expect(guidanceIn(rules)).toMatchObject({
      guidance: [
        'Where two differ, the first holds.',
        ...['## Team Of team-eng', 'Of the team.', '## Team Of team-parent', 'Of the parent.'],
        ...['## Team Of team-root', 'Of the root.', '## Workspace', 'Of all.'],
      ].join('\n\n'),
    });
    const circle = [
      { body: 'A', origin: ruleOf('a', 'b') },
      { body: 'B', origin: ruleOf('b', 'a') },
    ];
    expect(guidanceIn(circle)).toMatchObject({
      guidance: expect.stringMatching(/^Where .*\n\n## .*\n\nA\n\n## .*\n\nB$/),
    });
    const odd = [{ body: 'Alone.', origin: {} }, { body: null }, { body: ' ', origin: ruleOf('team-eng', null) }];
    expect(guidanceIn(odd)).toMatchObject({ guidance: '## Workspace\n\nAlone.' });
    for (const none of [[], null, undefined])
      expect(guidanceIn(none), 'what was there is no more').toMatchObject({ guidance: '' });
  });

  test('a prompt is what was said; its key is the comment that it came from', ({ expect }) => {
    const said = { key: 'comment-1', author: { id: ada.id, name: 'Ada', isBot: false }, body: 'Go 🚢', signal: null };
    expect(read(prompt('Go 🚢'))).toMatchObject([{ type: 'prompted', ticket, conversation: inSession, said }]);
    expect(read(prompt('', { content: null, body: 'Old shape' }))).toMatchObject([{ said: { body: 'Old shape' } }]);
    expect(read(prompt('Go', { sourceCommentId: null }))).toMatchObject([{ said: { key: 'activity-1' } }]);
    expect(read(sessionEvent('prompted'))).toEqual([]);
  });

  test('the stop of the button and that of the word are one; "stop using tabs" is none', ({ expect }) => {
    for (const [sent, signal] of [
      [prompt('Please halt.', { signal: 'stop' }), 'stop'],
      [prompt('Stop!'), 'stop'],
      [prompt('@shipmate, continue'), 'continue'],
      [prompt('stop using tabs'), null],
      [prompt('Left', { signal: 'select' }), 'select'],
      [prompt('Hm', { signal: 'dance' }), null],
    ] as const)
      expect(read(sent)).toMatchObject([{ said: { signal } }]);
  });

  test('two sessions on one issue are two conversations of one ticket', ({ expect }) => {
    const [one] = read(sessionEvent('created'));
    const [two] = read(sessionEvent('created', { session: { id: 'session-2' } }));
    expect(two?.ticket).toEqual(one?.ticket);
    expect(two).toMatchObject({ conversation: { key: 'linear:session-2' } });
  });
});

describe('issues', () => {
  test('taken from us it is unassigned; what else was changed with it is told, too', ({ expect }) => {
    const unassigned = { type: 'unassigned', at: '2026-11-22T09:59:58.000Z', ticket, by: { id: ada.id, isBot: false } };
    expect(read(issueChange({ delegateId: appUser }, { delegateId: null }))).toMatchObject([unassigned]);
    expect(read(issueChange({ delegateId: appUser, assigneeId: null }, { delegateId: 'app-2' }))).toMatchObject([
      unassigned,
    ]);
    const done = { delegateId: null, state: { id: 's', name: 'Done', type: 'completed' } };
    expect(read(issueChange({ delegateId: appUser, stateId: 'state-todo' }, done))).toMatchObject([
      unassigned,
      { type: 'ticketChanged', category: 'done', changed: ['assignee', 'state'] },
    ]);
    expect(read(issueChange({ delegateId: 'app-2' }, { delegateId: null }))).toMatchObject([{ changed: ['assignee'] }]);
    const notification = {
      id: 'n',
      createdAt: '2026-11-22T09:59:58.000Z',
      issueId: issue.id,
      issue,
      actorId: ada.id,
      actor: ada,
    };
    const type = { type: 'AppUserNotification', action: 'issueUnassignedFromYou', appUserId: appUser };
    expect(read(sign({ ...type, notification }))).toMatchObject([unassigned]);
  });

  test('given to us it is only a change: the agent session begins the work', ({ expect }) => {
    expect(read(issueChange({ delegateId: null, assigneeId: null }, { delegateId: appUser }))).toMatchObject([
      { type: 'ticketChanged', changed: ['assignee'] },
    ]);
  });

  test('a change says of what it is, when it was, and by whom', ({ expect }) => {
    for (const [before, changed] of [
      [{ title: 'Old' }, ['title']],
      [{ description: 'Old' }, ['description']],
      [{ labelIds: ['a'], priority: 0 }, ['labels', 'priority']],
      [{ dueDate: null, estimate: 3, cycleId: 'c' }, ['fields']],
      [{ parentId: null }, ['relations']],
      [{ stateId: 'state-backlog' }, ['state']],
      [{ teamId: 'team-ops', stateId: 'state-ops' }, ['team', 'state']],
    ] as const)
      expect(read(issueChange(before))).toMatchObject([
        { type: 'ticketChanged', at: '2026-11-22T09:59:58.000Z', category: 'unstarted', changed, by: { isBot: false } },
      ]);
    expect(read(issueChange({ sortOrder: 1, startedAt: null, constructor: 'x' }))).toEqual([]);
    expect(read(issueChange({}, {}, { action: 'create', updatedFrom: null }))).toEqual([]);
  });

  test('labels that it got are told by name, for they may say something of a plan', ({ expect }) => {
    const labels = [
      { id: 'a', name: 'ui' },
      { id: 'b', name: 'plan-approved' },
    ];
    expect(read(issueChange({ labelIds: ['a', 'c'] }, { labels }))).toMatchObject([
      { changed: ['labels'], marking: { got: ['plan-approved'], lost: ['c'], fields: {} } },
    ]);
  });

  test('a file added to the description is an attachment; with other words it is both', ({ expect }) => {
    const file = '![leak.png](https://uploads.linear.app/org/a/b)';
    const change = (before: string | null, description: string) =>
      read(issueChange({ description: before }, { description }))[0];
    expect(change('It drips.', `It drips.\n\n${file}`)).toMatchObject({ changed: ['attachments'] });
    expect(change(null, file)).toMatchObject({ changed: ['attachments'] });
    expect(change('It drips.', `It drips a lot.\n\n${file}`)).toMatchObject({
      changed: ['description', 'attachments'],
    });
    expect(change('See.', 'See. ![x](https://example.org/x.png)')).toMatchObject({ changed: ['description'] });
  });

  test('states are told by type, that for review by its name; what is deleted is over', ({ expect }) => {
    for (const [name, type, category] of [
      ['Triage', 'triage', 'backlog'],
      ['Icebox', 'backlog', 'backlog'],
      ['Doing', 'started', 'started'],
      ['In Review', 'started', 'review'],
      ['Shipped', 'completed', 'done'],
      ['Duplicate', 'duplicate', 'canceled'],
      ['Nope', 'canceled', 'canceled'],
      ['New', 'someday', 'backlog'],
    ] as const)
      expect(read(issueChange({ stateId: 'x' }, { state: { id: 's', name, type } })), name).toMatchObject([
        { category },
      ]);
    expect(read(issueChange({ trashed: null }, { trashed: true }, { action: 'remove' }))).toMatchObject([
      { type: 'ticketChanged', category: 'canceled', changed: ['state'] },
    ]);
    expect(read(issueChange({ trashed: true }))).toMatchObject([{ category: 'unstarted', changed: ['state'] }]);
  });

  test('apps, integrations and automations are bots, and so are we', ({ expect }) => {
    for (const actor of [
      undefined,
      null,
      { type: 'OauthClient', id: 'client', name: 'shipmate' },
      { type: 'Integration', id: 'i', service: 'github' },
      { type: 'user', ...app },
      { type: 'user', ...ada, email: 'z@oauthapp.linear.app' },
    ])
      expect(read(issueChange({ title: 'Old' }, {}, { actor })), JSON.stringify(actor)).toMatchObject([
        { by: { isBot: true } },
      ]);
  });
});

describe('comments', () => {
  test('on the issue itself a comment is a prompt; in an agent session it comes twice under one key', ({ expect }) => {
    const [said] = read(comment('Go'));
    expect(said).toMatchObject({
      type: 'prompted',
      ticket,
      conversation: onIssue,
      said: { key: 'comment-1', body: 'Go' },
    });
    const inThread = read(comment('Go', { parentId: 'root' }));
    expect(inThread).toMatchObject([{ conversation: { ref: { comment: { id: 'comment-1', thread: 'root' } } } }]);
    const [again] = read(prompt('Go'));
    expect(again).toMatchObject({ type: 'prompted', said: { key: 'comment-1' } });
    expect(read(comment('Stop.'))).toMatchObject([{ said: { signal: 'stop', at: '2026-11-22T09:59:59.400Z' } }]);
  });

  test("what apps say, ours mirrored from activities among it, is a bot's", ({ expect }) => {
    for (const sent of [
      comment('stop', { userId: app.id, user: app }),
      comment('stop', {}, { actor: { type: 'oauthClient', id: 'client', name: 'shipmate' } }),
      comment('stop', { botActor: JSON.stringify({ type: 'slack' }) }),
      comment('stop', { userId: null, user: null }),
    ])
      expect(read(sent)).toMatchObject([{ said: { author: { isBot: true } } }]);
    const outside = { user: null, externalUser: { id: 'ext', name: 'Customer', email: 'c@example.com' } };
    expect(read(comment('Hi', outside))).toMatchObject([{ said: { author: { id: 'ext', isBot: false } } }]);
  });

  test('times are written alike, however they come', ({ expect }) => {
    for (const createdAt of ['2026-11-22T09:59:59.400Z', '2026-11-22T10:59:59.4+01:00', '2026-11-22T09:59:59.400000Z'])
      expect(read(comment('Hi', { createdAt }))).toMatchObject([{ said: { at: '2026-11-22T09:59:59.400Z' } }]);
    expect(read(comment('Hi', { createdAt: 'yesterday' }))).toEqual([]);
  });

  test('edits of comments, and comments on what is no issue, mean nothing', ({ expect }) => {
    expect(read(comment('Go', {}, { action: 'update' }))).toEqual([]);
    expect(read(comment('Go', { issue: null, projectUpdateId: 'p' }))).toEqual([]);
  });
});
