import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeActivity } from '../../../src/core/activity.ts';
import { signDelivery } from '../../../src/trackers/board/delivery.ts';
import { stateOf } from '../../../src/trackers/board/states.ts';
import { git } from '../../code-hosts/local-git/world.ts';
import { type CodeHostWorld, codeHostContract } from '../../contracts/code-host.ts';
import { trackerContract } from '../../contracts/tracker.ts';
import type { SentDelivery, TrackerWorld } from '../../contracts/tracker-world.ts';
import { pageSize } from './board.ts';
import { type Told, worldClient } from './client.ts';
import { createWorldCodeHost } from './code-host.ts';
import { createWorldTracker } from './tracker.ts';
import { defaultSecret, startWorld } from './world.ts';

const agent = 'shipmate';
const ci = { id: 'ci', name: 'ci', isBot: true };

trackerContract('the stand-in world', async (): Promise<TrackerWorld> => {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-world-'));
  const { url, close } = await startWorld({ dir });
  const world = worldClient(url);
  const sent = async (told: Promise<Told>): Promise<SentDelivery> => {
    const { delivery } = await told;
    if (!delivery) throw new Error('nothing was delivered');
    return { headers: delivery.headers, body: Buffer.from(delivery.body, 'base64') };
  };
  return {
    tracker: createWorldTracker({ url, agent, secret: defaultSecret }),
    pageSize,
    teams: [],
    unknownTicket: {
      tracker: 'board',
      id: '999999',
      identifier: 'BOARD-999999',
      title: '',
      url: '',
      priority: 'none',
      team: null,
      project: null,
      ref: null,
    },
    signatureHeader: 'board-signature',
    person: {
      createTicket: async ({ team, project, ...draft }) =>
        (await world.create({ ...draft, fields: { ...(team && { team }), ...(project && { project }) } })).ticket,
      give: (id) => sent(world.assign(id)),
      giveAway: async (id) => void (await world.assign(id, 'grace')),
      take: (id) => sent(world.unassign(id)),
      say: (id, body) => sent(world.comment(id, body)),
      move: (id, to) => sent(world.move(id, stateOf(to))),
      attach: (id, name, content) => sent(world.attach(id, name, content)),
    },
    agentSays: (id, body) => sent(world.comment(id, body, { id: agent, name: agent, isBot: true })),
    botSays: (id, body) => sent(world.comment(id, body, ci)),
    agentGives: (id) => sent(world.assign(id, agent, { id: agent, name: agent, isBot: false })),
    botGives: (id) => sent(world.assign(id, agent, ci)),
    botMoves: (id, to) => sent(world.move(id, stateOf(to), ci)),
    oddDeliveries: () =>
      [{ event: 'ticket.exploded' }, { event: null }, {}].map((content, index) =>
        signDelivery(defaultSecret, { id: `odd-${index}`, ...content } as never),
      ),
    outside: {
      activities: async (id) => (await world.show(id)).activities.map(({ activity }) => describeActivity(activity)),
      state: async (id) => (await world.show(id)).state.category,
      plan: async (id) => (await world.show(id)).plan,
      attachments: async (id) => (await world.show(id)).attachments,
      links: async (id) => (await world.show(id)).attachments.map(({ url }) => url),
    },
    async close() {
      await close();
      await rm(dir, { recursive: true, force: true });
    },
  };
});

codeHostContract('the stand-in world', async (): Promise<CodeHostWorld> => {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-world-'));
  const { url, close } = await startWorld({ dir });
  const world = worldClient(url);
  const repository = await world.repository('app', { 'README.md': 'Read me.\n' });
  const gitDir = join(dir, 'ours.git');
  await git('clone', '--quiet', '--bare', repository.location, gitDir);
  const inTheirs = (...args: string[]) => git(`--git-dir=${repository.location}`, ...args);
  const branch = (name: string) => inTheirs('rev-parse', '--verify', '--quiet', `refs/heads/${name}`).catch(() => null);
  const commitOn = (parents: string[], at: string) => {
    const options = parents.flatMap((parent) => ['-p', parent]);
    return git(`--git-dir=${at}`, 'commit-tree', '-m', `Commit ${randomUUID()}`, ...options, 'main^{tree}');
  };
  return {
    host: createWorldCodeHost({ url }),
    repository,
    missing: { ...repository, location: join(dir, 'nowhere.git') },
    defaultBranch: 'main',
    permalinks: null,
    gitDir,
    commit: () => commitOn(['main'], gitDir),
    outside: { branch, pullRequests: () => world.pullRequests() },
    person: {
      async setBranch(name, commit) {
        await (commit === null
          ? inTheirs('update-ref', '-d', `refs/heads/${name}`)
          : inTheirs('update-ref', `refs/heads/${name}`, commit));
      },
      async merge({ base, head }) {
        const merged = await commitOn([base, head], repository.location);
        await inTheirs('update-ref', `refs/heads/${base}`, merged);
      },
    },
    async close() {
      await close();
      await rm(dir, { recursive: true, force: true });
    },
  };
});
