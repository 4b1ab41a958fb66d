import { randomBytes, randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, type TestContext, test } from 'vitest';
import { actorOf, type Delivery, type TrackerEvent } from '../../src/core/delivery.ts';
import type { TicketOperation } from '../../src/core/effect.ts';
import type { Plan } from '../../src/core/plan.ts';
import { hintOf, type Ticket, type TicketDraft, type TicketHint, type TicketQuery } from '../../src/core/ticket.ts';
import { sendOne } from '../../src/trackers/tracker.ts';
import type { SentDelivery, TrackerWorld } from './tracker-world.ts';

const never = new AbortController().signal;
const odd = 'Zeile\n\n\ttab "quotes" \\ <b>&amp;</b> 🚢👩‍🚀 \u202Eright to left\u202C עברית é e\u0301';

/**
 * What every tracker must do. `skips` names a test by its title and says why this tracker cannot pass it; the reason is
 * printed with the result.
 */
export function trackerContract(
  name: string,
  setup: () => Promise<TrackerWorld>,
  skips: Record<string, string> = {},
): void {
  describe(`tracker contract: ${name}`, () => {
    const unused = new Set(Object.keys(skips));
    let world: TrackerWorld;
    beforeAll(async () => {
      world = await setup();
    });
    afterAll(async () => {
      await world?.close();
    });

    function contract(title: string, work: (context: TestContext) => Promise<void>): void {
      const reason = skips[title];
      unused.delete(title);
      test(title, (context) => (reason === undefined ? work(context) : context.skip(reason)));
    }

    function receive(sent: SentDelivery): TrackerEvent[] {
      const { deliveryId } = world.tracker.verifyDelivery(sent.headers, sent.body);
      const delivery: Delivery = { source: world.tracker.kind, deliveryId, headers: sent.headers, body: sent.body };
      return world.tracker.readEvents(delivery);
    }

    /** A ticket in the agent's hands, with hint and conversation as they come back from our store. */
    async function given(title = `Ticket ${randomUUID()}`): Promise<{ ticket: TicketHint; conversation: unknown }> {
      const { id } = await world.person.createTicket({ title, description: 'Please.' });
      const [event] = receive(await world.person.give(id));
      if (event?.type !== 'sessionCreated') throw new Error(`not given: ${JSON.stringify(event)}`);
      return JSON.parse(JSON.stringify({ ticket: event.ticket, conversation: event.conversation.ref }));
    }

    const send = (ticket: TicketHint, operation: TicketOperation) => sendOne(world.tracker, ticket, operation, never);
    const sendFiveTimesAtOnce = (ticket: TicketHint, operation: TicketOperation) =>
      Promise.all(Array.from({ length: 5 }, () => send(ticket, operation)));

    /** All that fit the query, page by page. */
    async function list(query: TicketQuery): Promise<{ pages: TicketHint[][]; ids: string[] }> {
      const pages: TicketHint[][] = [];
      for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
        const page = await world.tracker.listTickets(query, cursor, never);
        if (page.passedOver !== undefined) throw new Error('an account that can be asked was passed over');
        pages.push(page.tickets);
        cursor = page.next;
      }
      return { pages, ids: pages.flat().map(({ id }) => id) };
    }

    const plain = (text = ''): string => world.plain?.(text) ?? text;
    const read = (ticket: TicketHint): Promise<Ticket> => world.tracker.readTicket(ticket, never);
    const draft = (changes: Partial<TicketDraft> = {}): TicketDraft => ({
      title: `Filed ${randomUUID()}`,
      description: 'Please.',
      priority: 'none',
      labels: [],
      fields: {},
      team: null,
      project: null,
      ...changes,
    });
    /** A hint of a ticket that a person filed and gave to nobody. */
    async function nobodys(changes: { labels?: string[]; team?: string; project?: string } = {}): Promise<TicketHint> {
      const filed = { title: `Nobody's ${randomUUID()}`, description: 'Please.', ...changes };
      const { id } = await world.person.createTicket(filed);
      return read({ ...world.unknownTicket, id });
    }

    contract('a ticket is read whole', async ({ expect }) => {
      const title = `A title with 🚢 and עברית ${randomUUID()}`;
      const { id, identifier } = await world.person.createTicket({ title, description: odd });
      const [event] = receive(await world.person.give(id));
      await world.person.say(id, odd);
      const ticket = await world.tracker.readTicket(event?.ticket as TicketHint, never);
      expect(ticket).toMatchObject({ tracker: world.tracker.kind, id, identifier, title });
      expect(plain(ticket.description)).toBe(plain(odd));
      expect(ticket.state.category).toBe('unstarted');
      expect(ticket.comments.map(({ body, author }) => [plain(body), author.isBot])).toEqual([[plain(odd), false]]);
      expect(Date.parse(ticket.comments[0]?.at ?? '')).toBeGreaterThan(0);
      expect(Date.parse(ticket.updatedAt)).toBeGreaterThan(0);
      expect(JSON.parse(JSON.stringify(ticket))).toEqual(ticket);
    });

    contract('a ticket is read by its identifier too', async ({ expect }) => {
      const { ticket } = await given();
      const found = await read({ ...world.unknownTicket, id: ticket.identifier });
      expect(found).toEqual(await read(ticket));
    });

    contract('a description of 200 kB is read whole', async ({ expect }) => {
      const description = 'Grüße 🚢\n'.repeat(16_000);
      const { id } = await world.person.createTicket({ title: 'Long', description });
      const [event] = receive(await world.person.give(id));
      const ticket = await world.tracker.readTicket(event?.ticket as TicketHint, never);
      expect(ticket.description === description).toBe(true);
    });

    contract('a file is told, listed, and read byte for byte', async ({ expect }) => {
      const { ticket } = await given();
      const content = new Uint8Array(randomBytes(200_000));
      expect(receive(await world.person.attach(ticket.id, 'mockup 🚢.png', content))).toMatchObject([
        { type: 'ticketChanged', ticket: { id: ticket.id }, changed: ['attachments'] },
      ]);
      await world.person.attach(ticket.id, 'empty.txt', new Uint8Array());
      const { attachments } = await world.tracker.readTicket(ticket, never);
      expect(attachments).toMatchObject([
        { name: 'mockup 🚢.png', mediaType: 'image/png', bytes: 200_000 },
        { name: 'empty.txt', mediaType: 'text/plain', bytes: 0 },
      ]);
      const read = await Promise.all(attachments.map(({ id }) => world.tracker.readAttachment(ticket, id, never)));
      expect(Buffer.compare(read[0] ?? new Uint8Array(), content)).toBe(0);
      expect(read[1]).toHaveLength(0);
      await expect(world.tracker.readAttachment(ticket, 'no-such-file', never)).rejects.toMatchObject({
        name: 'VendorError',
        code: 'not_found',
        retryable: false,
      });
    });

    contract('a ticket that does not exist is not found', async ({ expect }) => {
      const { conversation } = await given();
      const expected = { name: 'VendorError', code: 'not_found', retryable: false };
      await expect(world.tracker.readTicket(world.unknownTicket, never)).rejects.toMatchObject(expected);
      await expect(
        send(world.unknownTicket, { kind: 'updatePlan', id: randomUUID(), conversation, plan: [] }),
      ).rejects.toMatchObject(expected);
    });

    contract('a ticket given to the agent creates a session', async ({ expect }) => {
      const title = `Given ${randomUUID()}`;
      const { id, identifier } = await world.person.createTicket({ title, description: '' });
      const events = receive(await world.person.give(id));
      expect(events).toMatchObject([
        {
          type: 'sessionCreated',
          ticket: { tracker: world.tracker.kind, id, identifier, title },
          by: { isBot: false },
        },
      ]);
    });

    contract('a comment prompts, word for word, in the same conversation', async ({ expect }) => {
      const { id } = await world.person.createTicket({ title: 'Talk', description: '' });
      const [created] = receive(await world.person.give(id));
      const first = receive(await world.person.say(id, odd));
      const second = receive(await world.person.say(id, odd));
      expect(first).toMatchObject([
        { type: 'prompted', ticket: { id }, said: { signal: null, author: { isBot: false } } },
      ]);
      const [a, b] = [first[0], second[0]];
      if (created?.type !== 'sessionCreated' || a?.type !== 'prompted' || b?.type !== 'prompted')
        throw new Error('not the events that were expected');
      expect(plain(a.said.body)).toBe(plain(odd));
      expect(a.conversation.key).toBe(created.conversation.key);
      expect(a.said.key).not.toBe(b.said.key);
      expect(Date.parse(a.said.at)).toBeLessThanOrEqual(Date.parse(b.said.at));
    });

    contract('a comment whose delivery is only a hint is read again where it stands', async ({ expect }) => {
      const { tracker } = world;
      const { ticket } = await given();
      const { headers, body } = await world.person.say(ticket.id, odd);
      const { deliveryId, isHint = false } = tracker.verifyDelivery(headers, body);
      expect(isHint).toBe(tracker.readAgain !== undefined);
      const delivery: Delivery = { source: tracker.source, deliveryId, headers, body };
      const told = tracker.readEvents(delivery);
      const again = isHint ? await tracker.readAgain?.(delivery, never) : told;
      expect(again).toMatchObject([{ type: 'prompted', ticket: { id: ticket.id } }]);
      const saidIn = ([event]: TrackerEvent[] = []) =>
        event?.type === 'prompted' && { ...event.said, body: plain(event.said.body) };
      expect(saidIn(again)).toEqual(saidIn(told));
      expect(JSON.parse(JSON.stringify(again))).toEqual(again);
    });

    contract('"stop" and "continue" are signals', async ({ expect }) => {
      const { id } = await world.person.createTicket({ title: 'Signals', description: '' });
      await world.person.give(id);
      for (const [body, signal] of [
        ['stop', 'stop'],
        ['Continue', 'continue'],
        ['stop using tabs', null],
      ] as const)
        expect(receive(await world.person.say(id, body)), body).toMatchObject([{ type: 'prompted', said: { signal } }]);
    });

    contract('a ticket taken from the agent is unassigned', async ({ expect }) => {
      const { ticket } = await given();
      expect(receive(await world.person.take(ticket.id))).toMatchObject([
        { type: 'unassigned', ticket: { id: ticket.id }, by: { isBot: false } },
      ]);
    });

    contract('a state changed by a person is told', async ({ expect }) => {
      const { ticket } = await given();
      expect(receive(await world.person.move(ticket.id, 'done'))).toMatchObject([
        { type: 'ticketChanged', ticket: { id: ticket.id }, category: 'done', by: { isBot: false } },
      ]);
    });

    contract('what the agent itself and other bots do is told as theirs, or not at all', async ({ expect }) => {
      const { ticket } = await given();
      const { id: nobodys } = await world.person.createTicket({ title: "Nobody's", description: '' });
      const { id: another } = await world.person.createTicket({ title: 'Another', description: '' });
      for (const sent of [
        await world.agentSays(ticket.id, 'stop'),
        await world.botSays(ticket.id, 'Do this too.'),
        await world.botMoves(ticket.id, 'done'),
        await world.agentGives(nobodys),
        await world.botGives(another),
      ])
        expect(receive(sent).filter((event) => !actorOf(event).isBot)).toEqual([]);
    });

    contract('each event says when it happened, in the order in which things happened', async ({ expect }) => {
      const { id } = await world.person.createTicket({ title: 'In order', description: '' });
      const sent = [
        await world.person.give(id),
        await world.person.say(id, 'one'),
        await world.person.move(id, 'done'),
        await world.person.move(id, 'unstarted'),
        await world.person.say(id, 'two'),
        await world.person.take(id),
      ];
      const times = sent.flatMap(receive).map((event) => (event.type === 'prompted' ? event.said.at : event.at));
      expect(times).toHaveLength(sent.length);
      for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
      expect(times.toSorted()).toEqual(times);
    });

    contract('unknown events mean nothing', async ({ expect }) => {
      const sent = world.oddDeliveries();
      expect(sent.length).toBeGreaterThan(0);
      for (const delivery of sent) expect(receive(delivery)).toEqual([]);
    });

    contract('a delivery keeps its id and its meaning; another has another', async ({ expect }) => {
      const { id } = await world.person.createTicket({ title: 'Twice', description: '' });
      const sent = [await world.person.give(id), await world.person.say(id, 'one'), await world.person.say(id, 'one')];
      const verify = ({ headers, body }: SentDelivery) => world.tracker.verifyDelivery(headers, body).deliveryId;
      const ids = sent.map(verify);
      expect(new Set(ids).size).toBe(3);
      expect(sent.map(verify)).toEqual(ids);
      for (const delivery of sent) expect(receive(delivery)).toEqual(receive(delivery));
    });

    contract('only what is signed with our secret is accepted', async ({ expect }) => {
      const { id } = await world.person.createTicket({ title: 'Signed', description: '' });
      const { headers, body } = await world.person.give(id);
      const { [world.signatureHeader]: signature = '', ...unsigned } = headers;
      const verify = (forgedHeaders: Record<string, string>, forgedBody: Uint8Array) => () =>
        world.tracker.verifyDelivery(forgedHeaders, forgedBody);
      const refused = expect.objectContaining({ name: 'VendorError', code: 'unauthorized' });

      expect(verify(headers, body)).not.toThrow();
      expect(verify(unsigned, body)).toThrow(refused);
      for (const forged of [
        '',
        'x',
        signature.slice(0, -1),
        `${signature}0`,
        signature.replace(/[0-9a-f]{64}/i, '0'.repeat(64)),
      ])
        expect(verify({ ...headers, [world.signatureHeader]: forged }, body), forged).toThrow(refused);
      for (let at = 0; at < body.length; at++) {
        const altered = Uint8Array.from(body);
        altered[at] = (altered[at] ?? 0) ^ 1;
        expect(verify(headers, altered), `byte ${at}`).toThrow(refused);
      }
      expect(verify(headers, body.subarray(0, -1))).toThrow(refused);
      expect(verify(headers, Buffer.concat([body, Buffer.from(' ')]))).toThrow(refused);
      expect(verify(headers, new Uint8Array())).toThrow(refused);
    });

    contract('each kind of activity is seen once, in order, however often it is sent', async ({ expect }) => {
      const { ticket, conversation } = await given();
      const activities = [
        { type: 'thought', body: 'I am thinking.' },
        { type: 'action', action: 'Reading', parameter: 'src/a.ts', result: '12 lines' },
        { type: 'elicitation', body: 'Which one?', options: ['left', 'right'] },
        { type: 'error', body: 'That went wrong.' },
        { type: 'response', body: 'Here it is.' },
      ] as const;
      for (const activity of activities) {
        const operation: TicketOperation = {
          kind: 'postActivity',
          id: randomUUID(),
          conversation,
          activity: structuredClone(activity) as never,
        };
        const answer = await send(ticket, operation);
        expect(await send(ticket, operation)).toEqual(answer);
        for (const again of await sendFiveTimesAtOnce(ticket, operation)) expect(again).toEqual(answer);
      }
      const seen = await world.outside.activities(ticket.id);
      expect(seen).toHaveLength(activities.length);
      for (const [index, part] of ['thinking', 'src/a.ts', 'Which one?', 'went wrong', 'Here it is.'].entries())
        expect(seen[index]).toContain(part);
    });

    contract('an activity sent five times at once is seen once', async ({ expect }) => {
      const { ticket, conversation } = await given();
      const operation: TicketOperation = {
        kind: 'postActivity',
        id: randomUUID(),
        conversation,
        activity: { type: 'response', body: odd },
      };
      const answers = await sendFiveTimesAtOnce(ticket, operation);
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      const seen = await world.outside.activities(ticket.id);
      expect(seen).toHaveLength(1);
      expect(plain(seen[0])).toContain(plain(odd));
    });

    contract('an activity of 200 kB arrives whole', async ({ expect }) => {
      const { ticket, conversation } = await given();
      const body = 'Grüße 🚢\n'.repeat(16_000);
      await send(ticket, {
        kind: 'postActivity',
        id: randomUUID(),
        conversation,
        activity: { type: 'response', body },
      });
      expect((await world.outside.activities(ticket.id))[0]?.includes(body)).toBe(true);
    });

    contract('the plan is replaced whole', async ({ expect }) => {
      const { ticket, conversation } = await given();
      const first: Plan = [
        { content: 'Read 🚢', status: 'inProgress' },
        { content: 'Write', status: 'pending' },
      ];
      const second: Plan = [
        { content: 'Read 🚢', status: 'completed' },
        { content: 'Write', status: 'canceled' },
      ];
      await sendFiveTimesAtOnce(ticket, { kind: 'updatePlan', id: randomUUID(), conversation, plan: first });
      expect(await world.outside.plan(ticket.id)).toEqual(first);
      await send(ticket, { kind: 'updatePlan', id: randomUUID(), conversation, plan: second });
      expect(await world.outside.plan(ticket.id)).toEqual(second);
    });

    contract('a late repetition of an old plan changes nothing', async ({ expect }) => {
      const { ticket, conversation } = await given();
      const step = (content: string): Plan => [{ content, status: 'pending' }];
      const old: TicketOperation = { kind: 'updatePlan', id: randomUUID(), conversation, plan: step('old') };
      await send(ticket, old);
      await send(ticket, { kind: 'updatePlan', id: randomUUID(), conversation, plan: step('new') });
      await send(ticket, old);
      expect(await world.outside.plan(ticket.id)).toEqual(step('new'));
    });

    contract('a ticket is moved once, and is there when it is there', async ({ expect }) => {
      const { ticket } = await given();
      const operation: TicketOperation = {
        kind: 'moveTicket',
        id: randomUUID(),
        to: 'started',
        from: ['backlog', 'unstarted'],
      };
      const answers = await sendFiveTimesAtOnce(ticket, operation);
      for (const answer of [...answers, await send(ticket, operation)]) expect(answer).toEqual(answers[0]);
      expect(answers[0]).not.toHaveProperty('skipped');
      expect(await world.outside.state(ticket.id)).toBe('started');
      await send(ticket, { kind: 'moveTicket', id: randomUUID(), to: 'review', from: ['started'] });
      expect(await world.outside.state(ticket.id)).toBe('review');
    });

    contract('what was begun is taken back to where it stood, but not over a person', async ({ expect }) => {
      const start: Omit<TicketOperation & { kind: 'moveTicket' }, 'id'> = {
        kind: 'moveTicket',
        to: 'started',
        from: ['backlog', 'unstarted'],
      };
      for (const [category, later] of [
        ['backlog', null],
        ['unstarted', null],
        ['unstarted', 'review'],
      ] as const) {
        const { ticket } = await given();
        if (category !== 'unstarted') await world.person.move(ticket.id, category);
        const stood = (await read(ticket)).state;
        await send(ticket, { ...start, id: randomUUID(), stood });
        if (later) await world.person.move(ticket.id, later);
        const back = { kind: 'moveTicket', to: stood.category, from: ['started'], named: stood.name } as const;
        const answer = await send(ticket, { ...back, from: [...back.from], id: randomUUID() });
        expect(answer).toEqual(later ? { skipped: expect.any(String) } : { state: stood.name });
        expect(await world.outside.state(ticket.id)).toBe(later ?? category);
      }
    });

    contract("a ticket is never moved over a person's change", async ({ expect }) => {
      const { ticket } = await given();
      await world.person.move(ticket.id, 'canceled');
      const operation: TicketOperation = {
        kind: 'moveTicket',
        id: randomUUID(),
        to: 'started',
        from: ['backlog', 'unstarted'],
      };
      expect(await send(ticket, operation)).toEqual({ skipped: expect.any(String) });
      expect(await world.outside.state(ticket.id)).toBe('canceled');
    });

    contract('a late repetition of a move does not undo what a person did since', async ({ expect }) => {
      const { ticket } = await given();
      const operation: TicketOperation = { kind: 'moveTicket', id: randomUUID(), to: 'started', from: ['unstarted'] };
      const answer = await send(ticket, operation);
      await world.person.move(ticket.id, 'unstarted');
      expect(await send(ticket, operation)).toEqual(answer);
      expect(await world.outside.state(ticket.id)).toBe('unstarted');
    });

    contract('a person who moves a ticket at the same moment wins', async ({ expect }) => {
      for (let round = 0; round < 10; round++) {
        const { ticket } = await given();
        await Promise.all([
          send(ticket, { kind: 'moveTicket', id: randomUUID(), to: 'started', from: ['unstarted'] }),
          world.person.move(ticket.id, 'done'),
        ]);
        expect(await world.outside.state(ticket.id)).toBe('done');
      }
    });

    contract('a pull request is attached once', async ({ expect }) => {
      const { ticket } = await given();
      const url = `https://example.org/pull/${randomUUID()}`;
      const attach = (title: string): TicketOperation => ({
        kind: 'attachPullRequest',
        id: randomUUID(),
        url,
        title,
        number: 7,
      });
      await sendFiveTimesAtOnce(ticket, attach('Fix the ship 🚢'));
      await send(ticket, attach('Fix the ship 🚢'));
      expect(await world.outside.attachments(ticket.id)).toMatchObject([
        { url, title: expect.stringContaining('Fix the ship 🚢') },
      ]);
    });

    contract('a file of the agent is on the ticket once, or is said not to be', async ({ expect }) => {
      const { ticket } = await given();
      const content = randomBytes(100_000);
      content.set(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
      const name = `1-before-${randomUUID().slice(0, 8)}.png`;
      const attach = (): TicketOperation => ({
        ...{ kind: 'attachFile', id: randomUUID(), name, mediaType: 'image/png', evidence: 'camera/1.png', content },
      });
      const first = attach();
      const [answer] = await sendFiveTimesAtOnce(ticket, first);
      expect(await send(ticket, first)).toEqual(answer);
      const { attachments } = await world.tracker.readTicket(ticket, never);
      if (answer && 'skipped' in answer) return expect(attachments).toEqual([]);
      expect(attachments).toMatchObject([{ name, mediaType: 'image/png', bytes: 100_000, isOwn: true }]);
      const read = await world.tracker.readAttachment(ticket, attachments[0]?.id ?? '', never);
      expect(Buffer.compare(read, content)).toBe(0);
      // The same of a later run.
      await send(ticket, attach());
      expect((await world.tracker.readTicket(ticket, never)).attachments).toHaveLength(1);
    });

    contract('the page of the session is linked once', async ({ expect }) => {
      const { ticket, conversation } = await given();
      const url = `https://shipmate.example/sessions/${ticket.identifier}/${randomUUID()}`;
      const operation: TicketOperation = { kind: 'linkSession', id: randomUUID(), conversation, url };
      await sendFiveTimesAtOnce(ticket, operation);
      await send(ticket, operation);
      expect(await world.outside.links(ticket.id)).toEqual([url]);
    });

    contract('where both handles lead to one place, nothing is said of leaving it', async ({ expect }) => {
      const { ticket, conversation } = await given();
      const activity = { type: 'thought', body: 'On it.' } as const;
      await send(ticket, { kind: 'postActivity', id: randomUUID(), conversation, activity });
      for (const to of [conversation, null]) {
        const plan = [{ content: 'Look', status: 'pending' as const }];
        const places = { conversation, to, message: 'I go on elsewhere.', plan };
        const operation: TicketOperation = { kind: 'leaveConversation', id: randomUUID(), ...places };
        const answers = await sendFiveTimesAtOnce(ticket, operation);
        for (const answer of answers) expect(answer).toEqual({ skipped: expect.stringMatching(/./) });
      }
      expect(await world.outside.activities(ticket.id)).toEqual(['On it.']);
      expect(await world.outside.plan(ticket.id)).toEqual([]);
    });

    contract('a signal that has fired stops it before anything is written', async ({ expect }) => {
      const { ticket, conversation } = await given();
      const fired = AbortSignal.abort(new Error('enough'));
      const operation: TicketOperation = {
        kind: 'postActivity',
        id: randomUUID(),
        conversation,
        activity: { type: 'thought', body: 'Too late.' },
      };
      await expect(sendOne(world.tracker, ticket, operation, fired)).rejects.toThrow('enough');
      await expect(world.tracker.readTicket(ticket, fired)).rejects.toThrow('enough');
      await expect(world.tracker.listTickets({ assignee: 'agent' }, null, fired)).rejects.toThrow('enough');
      expect(await world.outside.activities(ticket.id)).toEqual([]);
    });

    contract('all tickets of the agent that are not finished are listed, each once', async ({ expect }) => {
      const mine = new Set<string>();
      for (let made = 0; made <= world.pageSize; made++) mine.add((await given()).ticket.id);
      const { ticket: finished } = await given();
      await world.person.move(finished.id, 'done');
      const { ticket: taken } = await given();
      await world.person.take(taken.id);
      const { id: nobodys } = await world.person.createTicket({ title: "Nobody's", description: '' });

      const { pages, ids: listed } = await list({ assignee: 'agent' });
      expect(pages.length).toBeGreaterThan(1);
      expect(new Set(listed).size).toBe(listed.length);
      expect(listed).toEqual(expect.arrayContaining([...mine]));
      for (const id of [finished.id, taken.id, nobodys]) expect(listed).not.toContain(id);
      const [hint] = pages[0] ?? [];
      expect(await read(hint as TicketHint)).toMatchObject(hint as TicketHint);
    });

    contract("what is nobody's is listed, and nothing else", async ({ expect }) => {
      const mine = (await given()).ticket;
      const [free, finished, theirs] = [await nobodys(), await nobodys(), await nobodys()];
      await world.person.move(finished.id, 'canceled');
      await world.person.giveAway(theirs.id);
      const { ids } = await list({ assignee: 'nobody' });
      expect(ids).toContain(free.id);
      for (const { id } of [mine, finished, theirs]) expect(ids).not.toContain(id);
      const { ids: everybodys } = await list({});
      expect(everybodys).toEqual(expect.arrayContaining([mine.id, free.id, theirs.id]));
      expect(everybodys).not.toContain(finished.id);
    });

    contract('tickets are listed by their state', async ({ expect }) => {
      const [todo, started] = [await nobodys(), await nobodys()];
      await world.person.move(started.id, 'started');
      const { ids } = await list({ categories: ['started'] });
      expect(ids).toContain(started.id);
      expect(ids).not.toContain(todo.id);
      expect((await list({ categories: ['started', 'unstarted'] })).ids).toEqual(
        expect.arrayContaining([todo.id, started.id]),
      );
      expect((await list({ categories: [] })).ids).toEqual([]);
    });

    contract('tickets are listed by their labels: those that have all of them', async ({ expect }) => {
      const [one, two] = [`one ${randomUUID()}`, `two ${randomUUID()}`];
      const [both, single] = [await nobodys({ labels: [one, two] }), await nobodys({ labels: [one] })];
      expect((await list({ labels: [one] })).ids).toEqual([both.id, single.id]);
      expect((await list({ labels: [one, two] })).ids).toEqual([both.id]);
      expect((await list({ labels: [`${one}.`] })).ids).toEqual([]);
    });

    contract('tickets are listed on which people have spoken since', async ({ expect }) => {
      const [before, spoken, silent, told] = [
        await nobodys(),
        await nobodys(),
        await nobodys(),
        (await given()).ticket,
      ];
      await world.person.say(before.id, 'Before.');
      const since = (await read(before)).comments.at(-1)?.at as string;
      while (Date.now() <= Date.parse(since)) await setImmediate();
      await world.person.say(spoken.id, 'Since then.');
      const activity = { type: 'thought', body: 'By the agent.' } as const;
      await send(told, { kind: 'postActivity', id: randomUUID(), conversation: null, activity });
      const { ids } = await list({ spokenSince: since });
      expect(ids).toContain(spoken.id);
      for (const { id } of [before, silent, told]) expect(ids).not.toContain(id);
    });

    contract('tickets are listed by their team and project', async ({ expect }) => {
      const [team, project] = [`Team-${randomUUID()}`, `Project ${randomUUID()}`];
      const [both, single] = [await nobodys({ team, project }), await nobodys({ team })];
      expect([both.team, both.project, single.project]).toEqual([team, project, null]);
      expect((await list({ team })).ids).toEqual([both.id, single.id]);
      expect((await list({ team, project })).ids).toEqual([both.id]);
      expect((await list({ project, assignee: 'nobody', categories: ['unstarted'] })).ids).toEqual([both.id]);
      expect((await list({ team: project })).ids).toEqual([]);
    });

    contract(
      'pages hold each ticket once, oldest first, though tickets come and go between them',
      async ({ expect }) => {
        const label = `paged ${randomUUID()}`;
        const filed: string[] = [];
        for (let made = 0; made < 2 * world.pageSize + 1; made++) filed.push((await nobodys({ labels: [label] })).id);
        const query: TicketQuery = { labels: [label] };
        const first = await world.tracker.listTickets(query, null, never);
        await world.person.move(filed[0] ?? '', 'done');
        await nobodys({ labels: [label] });
        const listed = first.tickets.map(({ id }) => id);
        for (let cursor = first.next; cursor !== null; ) {
          const page = await world.tracker.listTickets(query, JSON.parse(JSON.stringify(cursor)), never);
          listed.push(...page.tickets.map(({ id }) => id));
          cursor = page.next;
        }
        expect(first.tickets).toHaveLength(world.pageSize);
        expect(listed.slice(0, filed.length)).toEqual(filed);
        expect(new Set(listed).size).toBe(listed.length);
      },
    );

    contract(
      'a sub-ticket is filed once, and both sides see what they have to do with each other',
      async ({ expect }) => {
        const { ticket: parent } = await given();
        const blocker = await nobodys();
        const operation: TicketOperation = {
          kind: 'createTicket',
          id: randomUUID(),
          draft: draft({ priority: 'high' }),
          relation: 'child',
          blockedBy: [blocker.id],
        };
        const answers = await sendFiveTimesAtOnce(parent, operation);
        for (const answer of [...answers, await send(parent, operation)]) expect(answer).toEqual(answers[0]);
        const hint = answers[0]?.hint as TicketHint;
        const child = await read(hint);
        expect((await list({})).pages.flat().filter(({ title }) => title === hint.title)).toHaveLength(1);
        expect(child).toMatchObject({ ...hint, title: operation.draft.title, priority: 'high', assignee: null });
        expect(child.state.category).toBe('unstarted');
        const seen = (ticket: Ticket) => ticket.relations.map(({ type, ticket: { id } }) => [type, id]);
        expect(seen(child)).toHaveLength(2);
        expect(seen(child)).toEqual(
          expect.arrayContaining([
            ['parent', parent.id],
            ['blockedBy', blocker.id],
          ]),
        );
        expect(seen(await read(parent))).toEqual([['child', child.id]]);
        expect(seen(await read(blocker))).toEqual([['blocks', child.id]]);
        await world.person.move(blocker.id, 'done');
        expect((await read(hint)).relations.find(({ type }) => type === 'blockedBy')?.category).toBe('done');
      },
    );

    contract('a related ticket is seen from both sides', async ({ expect }) => {
      const { ticket } = await given();
      const { hint } = await send(ticket, {
        kind: 'createTicket',
        id: randomUUID(),
        draft: draft(),
        relation: 'relatedTo',
        blockedBy: [],
      });
      const seen = async (hint: TicketHint) =>
        (await read(hint)).relations.map(({ type, ticket: { id } }) => [type, id]);
      expect(await seen(hint as TicketHint)).toEqual([['relatedTo', ticket.id]]);
      expect(await seen(ticket)).toEqual([['relatedTo', (hint as TicketHint).id]]);
    });

    contract('a ticket that is blocked by one that does not exist is not filed', async ({ expect }) => {
      const { ticket } = await given();
      const refused = draft();
      const operation: TicketOperation = {
        kind: 'createTicket',
        id: randomUUID(),
        draft: refused,
        relation: 'child',
        blockedBy: [world.unknownTicket.id],
      };
      for (let tried = 0; tried < 2; tried++)
        await expect(send(ticket, operation)).rejects.toMatchObject({ name: 'VendorError', code: 'not_found' });
      expect((await list({})).pages.flat().filter(({ title }) => title === refused.title)).toEqual([]);
    });

    contract('a ticket of its own is filed once, however often and late it is sent', async ({ expect }) => {
      const filing = { id: randomUUID(), draft: draft({ labels: ['shipmate'] }) };
      const file = () => world.tracker.createTicket(filing, never);
      const answers = await Promise.all(Array.from({ length: 5 }, file));
      const [hint] = answers;
      if (!hint) throw new Error('nothing was filed');
      await world.person.move(hint.id, 'started');
      for (const answer of [...answers, await file()]) expect(answer).toEqual(hint);
      expect((await list({})).pages.flat().filter(({ title }) => title === filing.draft.title)).toHaveLength(1);
      const filed = await read(hint);
      expect(filed).toMatchObject({
        ...hint,
        description: 'Please.',
        labels: ['shipmate'],
        assignee: null,
        relations: [],
      });
      const fired = AbortSignal.abort(new Error('enough'));
      await expect(world.tracker.createTicket({ id: randomUUID(), draft: draft() }, fired)).rejects.toThrow('enough');
    });

    contract('what the agent files keeps odd characters, and fails for none', async ({ expect }) => {
      const title = `🚢 "quotes" \\ \\u0000 <b>&amp;</b> עברית ${randomUUID()}`;
      const strange = draft({ title, description: odd, labels: ['größe 🚢'], team: 'Team \\u0000 🚢' });
      const hint = await world.tracker.createTicket({ id: randomUUID(), draft: strange }, never);
      expect(await read(hint)).toMatchObject({
        ...hint,
        title,
        description: odd,
        labels: ['größe 🚢'],
        team: strange.team,
      });
      const nul = draft({
        title: `N\0L ${randomUUID()}`,
        description: 'a\0b',
        labels: ['c\0d'],
        team: 'e\0f',
        project: 'g\ud800',
      });
      const filed = await world.tracker.createTicket({ id: randomUUID(), draft: nul }, never);
      expect(await read(filed)).toMatchObject({ ...filed, description: expect.stringMatching(/^a.?b$/s) });
      const long = `${'x'.repeat(498)}${'🚢'.repeat(300)}`;
      const cut = await world.tracker.createTicket({ id: randomUUID(), draft: draft({ title: long }) }, never);
      expect((await read(cut)).title).toBe(cut.title);
      expect(cut.title.isWellFormed()).toBe(true);
      const untitled = await world.tracker.createTicket({ id: randomUUID(), draft: draft({ title: ' \n' }) }, never);
      expect((await read(untitled)).title).toMatch(/\S/);
    });

    contract('a search finds any of the words, the best match first, and what is over, too', async ({ expect }) => {
      const word = () => randomBytes(8).toString('hex');
      const [one, two, three] = [word(), word(), word()];
      const file = async (title: string, description: string): Promise<TicketHint> =>
        read({ ...world.unknownTicket, id: (await world.person.createTicket({ title, description })).id });
      const below = await file('Below', `It says that ${one}, and no more.`);
      const titled = await file(`Übel${three}: the ${one} is slow`, 'Please.');
      const both = await file(`${two}: the ${one} fails`, `When ${one} begins.\n\n## Expected\n\nIt does not.`);
      await world.person.move(titled.id, 'done');
      const search = (words: string, limit = 10) => world.tracker.searchTickets(words, limit, never);
      const found = async (words: string, limit?: number) => (await search(words, limit)).map(({ hint: { id } }) => id);
      const all = [both.id, titled.id, below.id];
      // What was written a moment ago may be missing.
      await expect.poll(() => found(`${one} ${two}`), { interval: 100, timeout: 10_000 }).toEqual(all);

      expect(await found(`${one} ${two}`, 2)).toEqual(all.slice(0, 2));
      expect(await found(two.toUpperCase())).toEqual([both.id]);
      for (const typed of ['übel', 'Übel', 'ÜBEL']) expect(await found(`${typed}${three}`), typed).toEqual([titled.id]);
      for (const words of [word(), '', ' \n', '"', '🚢 \0 \ud800 \\ % :', 'x'.repeat(10_000)])
        expect(await found(words), words).toEqual([]);
      const [best, over] = await search(`${one} ${two}`);
      const { description: text, state, updatedAt } = await read(both);
      expect(best).toEqual({ hint: hintOf(both), state, text, updatedAt });
      expect(JSON.parse(JSON.stringify(best))).toEqual(best);
      expect(over?.state).toEqual((await read(titled)).state);
      expect(over?.state.category).toBe('done');

      for (const words of [
        `is:pr repo:other/x -label:"${two}" author:@me`,
        `"${two}`,
        `NOT ${two} AND (`,
        `-${two} OR) title~"x" */ --`,
        `'; drop table tickets; ${two} & | ! <-> %_\0\ud800🚢\u202E`,
        `${two} ${'x'.repeat(10_000)}`,
        `${two} ${Array.from({ length: 3_000 }, (_, index) => `w${index}`).join('\n')}`,
      ])
        expect(await found(words, 50), words.slice(0, 80)).toContain(both.id);
      const fired = AbortSignal.abort(new Error('enough'));
      await expect(world.tracker.searchTickets(one, 1, fired)).rejects.toThrow('enough');
    });

    contract('a label that cannot be had is left out, and keeps no ticket from being filed', async ({ expect }) => {
      const had = `had-${randomUUID()}`;
      const labels = [had, ' ', '', had.toUpperCase(), 'x'.repeat(300), 'a\0b', 'c\ud800', ',', '🚢'];
      const hint = await world.tracker.createTicket({ id: randomUUID(), draft: draft({ labels }) }, never);
      const { labels: there } = await read(hint);
      expect(there).toContain(had);
      expect(there.filter((label) => label.trim() === '' || !label.isWellFormed())).toEqual([]);
    });

    contract('where tickets can be filed is told, by the names that a draft may have', async ({ expect }) => {
      const teams = await world.tracker.listTeams(never);
      expect(teams).toEqual(world.teams.length === 0 ? [] : expect.arrayContaining(world.teams));
      for (const { name, key } of world.teams) {
        const hint = await world.tracker.createTicket({ id: randomUUID(), draft: draft({ team: name }) }, never);
        expect(hint.identifier.startsWith(key ?? name), hint.identifier).toBe(true);
      }
    });

    contract("nobody's ticket is taken once, and given up once", async ({ expect }) => {
      const ticket = await nobodys();
      const take: TicketOperation = { kind: 'takeTicket', id: randomUUID() };
      const answers = await sendFiveTimesAtOnce(ticket, take);
      for (const answer of [...answers, await send(ticket, take)]) expect(answer).toEqual(answers[0]);
      expect(answers[0]).toEqual({ at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) });
      expect(Date.parse(String(answers[0]?.at))).toBeLessThanOrEqual(Date.parse((await read(ticket)).updatedAt));
      expect((await list({ assignee: 'agent' })).ids).toContain(ticket.id);
      expect(await send(ticket, { kind: 'takeTicket', id: randomUUID() })).toEqual({ at: expect.any(String) });

      const release: TicketOperation = { kind: 'releaseTicket', id: randomUUID() };
      const released = await sendFiveTimesAtOnce(ticket, release);
      for (const answer of released) expect(answer).toEqual(released[0]);
      expect(released[0]).not.toHaveProperty('skipped');
      expect((await list({ assignee: 'nobody' })).ids).toContain(ticket.id);
      expect(await send(ticket, take)).toEqual(answers[0]);
      expect((await list({ assignee: 'nobody' })).ids, 'a late repetition takes nothing').toContain(ticket.id);
    });

    contract("a person's ticket is neither taken nor given up, nor is a finished one taken", async ({ expect }) => {
      const skipped = { skipped: expect.stringMatching(/./) };
      const theirs = await nobodys();
      await world.person.giveAway(theirs.id);
      expect(await send(theirs, { kind: 'takeTicket', id: randomUUID() })).toEqual(skipped);
      expect(await send(theirs, { kind: 'releaseTicket', id: randomUUID() })).toEqual(skipped);
      expect((await read(theirs)).assignee?.isBot).toBe(false);
      const finished = await nobodys();
      await world.person.move(finished.id, 'done');
      expect(await send(finished, { kind: 'takeTicket', id: randomUUID() })).toEqual(skipped);
      expect((await read(finished)).assignee).toBe(null);
    });

    contract('the check says that all is well', async ({ expect }) => {
      const checks = await world.tracker.check();
      expect(checks.length).toBeGreaterThan(0);
      for (const check of checks) expect(check).toMatchObject({ status: 'ok', message: expect.any(String) });
    });

    test('each declared skip names a test', ({ expect }) => {
      expect([...unused]).toEqual([]);
    });
  });
}
