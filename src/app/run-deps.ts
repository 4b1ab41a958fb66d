import { createAgent } from '../agents/index.ts';
import type { Config } from '../config.ts';
import { createBaselines, createHeart, fileApproved, type RunDeps } from '../flow.ts';
import type { Model } from '../models/model.ts';
import { ownPins } from '../tools/own-servers.ts';
import { createToolServers } from '../tools/tool-servers.ts';
import { rememberFacts } from '../workspaces/repository-facts.ts';
import { type Admission, createAdmission } from './admission.ts';
import { otherToolsOf, prepareServerTools } from './server-tools.ts';
import { announceSlots } from './slots.ts';
import { pinsIn } from './tool-servers.ts';

type Given =
  | 'db'
  | 'worker'
  | 'trackers'
  | 'codeHosts'
  | 'repositories'
  | 'workspaces'
  | 'driver'
  | 'wake'
  | 'name'
  | 'pageOf'
  | 'failpoint'
  | 'hasFallen'
  | 'only'
  | 'databaseAway';

/** What runs are made of beside what every part of the service has. Registers what it starts in `stops`. */
export async function openRunDeps(
  given: Pick<RunDeps, Given | 'log'> & { config: Config; model: Model; stops: (() => Promise<unknown>)[] },
): Promise<RunDeps & { admission: Admission }> {
  const { config, model, stops, ...parts } = given;
  const { db, workspaces, driver, log } = parts;
  const toolServers = createToolServers({ driver, pins: ownPins });
  stops.push(() => toolServers.close());
  // They may remember something between two calls, a page that is open for one.
  const others = createToolServers({ driver, pins: pinsIn(db), limits: { startMs: 30_000, idleMs: 300_000 } });
  stops.push(() => others.close());
  const heart = createHeart(db);
  // One that only rates has no room for what orders take.
  if (parts.only === undefined) await announceSlots({ db, worker: parts.worker, stops }, config.worker.slots);
  return {
    ...parts,
    heart,
    admission: createAdmission({ ...config.worker, atWork: heart.count, log }),
    describeRepository: rememberFacts(workspaces),
    agent: createAgent(config.agent, { model }),
    serverTools: await prepareServerTools({
      ...{ ...parts, stops, servers: toolServers },
      ...{ alerts: config.alerts, dataDir: config.dataDir },
    }),
    otherTools: otherToolsOf(others, config.toolServers),
    budget: config.budget,
    usdOfOrders: new Map(Object.entries(config.orders).map(([name, { usdPerDay }]) => [name, usdPerDay])),
    policy: { ...config.policy, publish: config.policy },
    fileParts: fileApproved,
    baselines: createBaselines({ db, workspaces }),
    fields: config.fields,
    routes: config.routes,
    guidance: config.guidance,
    knownSecrets: config.secrets,
  };
}
