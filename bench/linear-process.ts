import { somebody } from '../test/stand-ins/linear/people.ts';
import { type Linear, startLinear } from '../test/stand-ins/linear/server.ts';
import { addTeam, addUser } from '../test/stand-ins/linear/workspace.ts';

/** An issue that was given to the agent: its agent session, and when that was told, by `Date.now()`. */
export interface Given {
  identifier: string;
  session: string;
  at: number;
  /** What is told of it, as a webhook's body. */
  payload: Record<string, unknown>;
}

/** What one can have this process do; each is answered with what it comes to. */
export interface LinearDeeds {
  /** `to`: where it is told; null: nowhere, for somebody else will. */
  give(order: { title: string; count: number; to: string | null }): Given[];
  /** Bodies of webhooks about an issue, to be filled in: its description was changed, and somebody commented. */
  examples(): { issue: Record<string, unknown>; comment: Record<string, unknown> };
  /** When each agent session first heard of the agent. */
  firstActivities(): Record<string, number>;
  /** What was asked since the last time, by the names of its operations. */
  requests(): string[];
}

export interface LinearPlace {
  url: string;
  secret: string;
}

export interface Order {
  number: number;
  deed: keyof LinearDeeds;
  given: unknown;
}

/** The stand-in Linear in a process of its own, so that what it costs counts as nobody else's. */
async function main(): Promise<void> {
  const linear = await startLinear({ requestsPerHour: 1_000_000, complexityPerHour: 1_000_000_000 });
  const deeds = deedsOf(linear);
  process.on('message', ({ number, deed, given }: Order) => {
    process.send?.({ number, found: deeds[deed](given as never) });
  });
  process.once('disconnect', () => process.exit());
  process.send?.({ url: linear.url, secret: linear.outbox.secret } satisfies LinearPlace);
}

function deedsOf(linear: Linear): LinearDeeds {
  const { workspace, outbox } = linear;
  const teamId = addTeam(workspace, { key: 'ENG', name: 'Engineering' }).id;
  const ada = somebody(workspace, addUser(workspace, 'Ada'), linear.baseUrl);
  const first: Record<string, number> = {};

  function take(): string[] {
    const asked = linear.requests.splice(0);
    for (const { at, variables } of asked)
      for (const value of Object.values(variables)) {
        const { agentSessionId: session, content } = (value ?? {}) as { agentSessionId?: string; content?: unknown };
        if (session !== undefined && content !== undefined) first[session] ??= at;
      }
    return asked.map(({ line, operations }) => operations?.join() ?? line);
  }

  return {
    give({ title, count, to }) {
      outbox.urls.splice(0, outbox.urls.length, ...(to === null ? [] : [to]));
      return Array.from({ length: count }, (_, index): Given => {
        const { id, identifier } = ada.create({ teamId, title: `${title} ${index}` });
        const at = Date.now();
        const { payload } = ada.delegate(id).delivery('AgentSessionEvent', 'created');
        return { identifier, session: (payload.agentSession as { id: string }).id, at, payload };
      });
    },
    examples() {
      outbox.urls.length = 0;
      const { id } = ada.create({ teamId, title: 'An example' });
      return {
        issue: ada.change(id, { description: 'Please.' }).delivery('Issue', 'update').payload,
        comment: ada.comment(id, 'Please.').delivery('Comment', 'create').payload,
      };
    },
    firstActivities() {
      kept.push(...take());
      return first;
    },
    requests: () => [...kept.splice(0), ...take()],
  };
}

/** Asked for, and not told yet. */
const kept: string[] = [];

await main();
