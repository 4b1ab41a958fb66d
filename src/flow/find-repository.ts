import { inEscalation } from '../core/escalation.ts';
import { cleanText } from '../core/outgoing-text.ts';
import { isObeyed } from '../core/prompt.ts';
import type { Repository } from '../core/repository.ts';
import {
  byNumber,
  type RouteScope,
  routeByAnswer,
  routeBySuggestions,
  routeTicket,
  type Suggestion,
  scopeOf,
  unknownAnswer,
} from '../core/routing.ts';
import type { Person, Ticket } from '../core/ticket.ts';
import type { TicketFacts } from '../core/ticket-facts.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { addActivities } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { newestOptions } from '../store/questions.ts';
import { readRememberedRoute, rememberRoute } from '../store/remembered-routes.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { currentConversation, type SessionRow } from '../store/sessions.ts';
import type { NotPrepared } from './prepare.ts';
import type { RunDeps } from './run.ts';

/**
 * The repository of a ticket: the one that it is a pull request of; what its session has worked in before, else what the ticket, the rules of the configuration
 * and people's answers say (core/routing.ts). An answer is remembered for the ticket's project or team, and that is told.
 */
export async function findRepository(
  deps: RunDeps,
  run: ClaimedRun,
  session: SessionRow,
  ticket: Ticket,
  facts: TicketFacts,
  signal: AbortSignal,
): Promise<{ repository: Repository; base: string | null } | NotPrepared> {
  const { db } = deps;
  const all = [...deps.repositories.values()];
  if (session.repository !== null) {
    const repository = deps.repositories.get(session.repository);
    if (repository) return { repository, base: session.baseBranch };
    return failed(
      `The repository "${session.repository}" of this ticket is no longer in shipmate.yaml.`,
      'Add it back and say "continue".',
    );
  }
  if (ticket.request) {
    const there = await deps.trackers.get(ticket.tracker)?.suggestRepositories(session.hint, all, signal);
    const repository = deps.repositories.get(there?.[0]?.name ?? '');
    if (repository) return { repository, base: ticket.request.base };
    return failed(
      `${ticket.request.url} is in none of the repositories of shipmate.yaml, so I cannot push there.`,
      'Add its repository and say "continue".',
    );
  }
  if (all.length === 0)
    return failed('No repository is configured.', 'Name one under "repositories" in shipmate.yaml and say "continue".');
  const scope = scopeOf(ticket);
  const earlier = scope && (await readRememberedRoute(db, ticket.tracker, scope));
  const routing = { repositories: all, rules: deps.routes, remembered: earlier?.repository ?? null };
  const route = routeTicket(ticket, facts, routing);
  const isRemembered = 'repository' in route && route.remembered === true;
  if ('repository' in route && !isRemembered) return route;
  const prompts = (await unreadPrompts(db, session.id)).filter(isObeyed);
  const offered = prompts.length === 0 ? [] : await newestOptions(db, session.id);
  const answers = prompts.map(({ body }) => byNumber(body, offered));
  const answer = routeByAnswer(answers, all);
  // What was said on this ticket holds for it, whatever was answered on another meanwhile.
  if (answer) {
    const { repository } = answer;
    const said = prompts[answer.index];
    const isNewest = isRemembered && earlier !== null && Date.parse(said?.at ?? '') > earlier.at.getTime();
    // Where the ticket itself is wrong, only this ticket was meant.
    if (scope && said && ('ask' in route || isNewest)) {
      const { author: by, at } = said;
      await tell(deps, run, rememberedNow(repository, scope), (tx) =>
        rememberRoute(tx, { tracker: ticket.tracker, scope, repository: repository.name, by, at }),
      );
    }
    return answer;
  }
  if ('repository' in route) {
    if (scope && earlier) await tell(deps, run, rememberedBefore(route.repository, scope, earlier.by));
    return route;
  }
  if ('unknown' in route)
    return failed(
      noSuchRepository(route.unknown.given, route.unknown.known),
      'Answer with one of these names.',
      'Correct the ticket\'s "repository" field or shipmate.yaml, and say "continue".',
    );
  const { question } = route.ask;
  const newest = answers.at(-1);
  const given = newest === undefined ? null : unknownAnswer(newest);
  const suggested = routeBySuggestions(route.ask.options, await suggestions(deps, session, route.ask.options, signal));
  const taken = 'taken' in suggested && given === null ? deps.repositories.get(suggested.taken) : undefined;
  if (taken) {
    await tell(deps, run, takenBySuggestion(taken, ticket.tracker, 'why' in suggested ? suggested.why : undefined));
    return { repository: taken, base: null };
  }
  const options = 'taken' in suggested ? route.ask.options : suggested.options;
  const unknown = given === null ? '' : `There is no repository "${given}" here. `;
  const message = `${unknown}${question} Answer with its name: ${options.join(', ')}.`;
  return { outcome: { stopReason: 'needsInput', message, options }, heard: prompts.map(({ id }) => id) };
}

const suggestWithinMs = 10_000;

/** A tracker that cannot say keeps nobody from being asked. */
async function suggestions(
  deps: RunDeps,
  { hint }: SessionRow,
  options: readonly string[],
  signal: AbortSignal,
): Promise<Suggestion[]> {
  const candidates = options.flatMap((name) => deps.repositories.get(name) ?? []);
  const within = AbortSignal.any([signal, AbortSignal.timeout(suggestWithinMs)]);
  try {
    return (await deps.trackers.get(hint.tracker)?.suggestRepositories(hint, candidates, within)) ?? [];
  } catch (error) {
    signal.throwIfAborted();
    if (isDatabaseUnavailable(error)) throw error;
    deps.log.warn({ err: error, ticket: hint.identifier }, 'the tracker suggests no repository');
    return [];
  }
}

function noSuchRepository(given: string, known: readonly string[]): string {
  return `There is no repository "${given}" here; there are: ${known.join(', ')}.`;
}

/** Once on a ticket, whatever else is done with it in the same transaction. */
async function tell(deps: RunDeps, run: ClaimedRun, body: string, work: (tx: Tx) => Promise<void> = async () => {}) {
  if (run.purpose === 'scope') return; // a ticket that is only rated is told nothing
  await deps.db.transaction().execute(async (tx) => {
    await holdRun(tx, run);
    await work(tx);
    const conversation = await currentConversation(tx, run.sessionId);
    const stage = { sessionId: run.sessionId, runId: run.id, stepId: null, conversation };
    await addActivities(tx, stage, 'routed', [{ type: 'thought', body }]);
  });
  deps.wake('post');
}

function rememberedNow({ name }: Repository, scope: RouteScope): string {
  return (
    `\`${name}\` it is. I remember this for the ${shown(scope)}, and do not ask again there. ${howToChange(scope)} ` +
    'A ticket that is about another repository says so with `[repo=NAME]` in its description.'
  );
}

function rememberedBefore({ name }: Repository, scope: RouteScope, by: Person): string {
  return `I work in \`${name}\`, as ${cleanText(by.name, 100)} answered for the ${shown(scope)} before. ${howToChange(scope)}`;
}

function takenBySuggestion({ name }: Repository, tracker: string, why: string | undefined): string {
  const by = `by ${tracker.charAt(0).toUpperCase()}${tracker.slice(1)}'s suggestion`;
  return `I work in \`${name}\`, ${why ?? by}; if it is another one, write \`[repo=NAME]\` into the description.`;
}

function howToChange({ name }: RouteScope): string {
  return `To change it: \`shipmate routes forget ${JSON.stringify(cleanText(name, 200).replaceAll('`', "'"))}\`, or a rule under \`routes\` in shipmate.yaml.`;
}

function shown({ kind, name }: RouteScope): string {
  return `${kind} "${cleanText(name, 200)}"`;
}

/** Nothing more can be done here before people have done one of these. */
export function failed(blocks: string, ...options: string[]): NotPrepared {
  return { outcome: inEscalation('failed', { blocks, options }), heard: [] };
}
