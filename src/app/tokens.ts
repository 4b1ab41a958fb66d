import type { Config } from '../config.ts';
import { isAmong } from '../core/people.ts';
import { Refusal } from '../core/refusal.ts';
import type { Person } from '../core/ticket.ts';
import { speakers } from '../flow/strangers.ts';
import type { Database } from '../store/database.ts';
import { addToken, listTokens, type PersonalToken, revokeToken } from '../store/personal-tokens.ts';

export type { PersonalToken };

/** What lets people's editors and terminals act in their name. */
export interface Tokens {
  /** The token is told this once. `isHeard`: what this person says on tickets is followed. Throws `Refusal` where they may have none. */
  create(person: { name: string; id: string | null; label: string }): Promise<{ token: string; isHeard: boolean }>;
  /** All there have been, the newest last. */
  list(): Promise<PersonalToken[]>;
  /** The one of that id, or the one in use of that label. Says whether it was still good. Throws `Refusal` where it is not one. */
  revoke(which: string): Promise<{ token: PersonalToken; now: boolean }>;
}

const longest = 200;

export interface TokensDeps {
  db: Database;
  config: Config;
  /** The agent's names on trackers. */
  agents: readonly string[];
}

export function createTokens({ db, config, agents: onTrackers }: TokensDeps): Tokens {
  const agents = [...onTrackers, ...(config.github ? [config.github.agent] : [])];

  return {
    async create(given) {
      const name = checked('name', given.name);
      const id = given.id === null ? name : checked('id', given.id);
      const label = given.label === '' ? '' : checked('label', given.label);
      const isAgent = agents.some((agent) => [name, id].some((each) => namesAgent(each, agent)));
      if (isAgent)
        throw new Refusal(`"${name}" is the agent itself. A token is for a person: name who is to act with it.`);
      const person: Person = { id, name, isBot: false };
      const { token } = await addToken(db, { person, label });
      return { token, isHeard: isAmong(person, speakers(config.policy)) };
    },
    list: () => listTokens(db),
    async revoke(which) {
      const all = await listTokens(db);
      const labelled = all.filter(({ label }) => label === which);
      const inUse = labelled.filter(({ revokedAt }) => revokedAt === null);
      if (inUse.length > 1)
        throw new Refusal(
          `${inUse.length} tokens have the label "${which}". Name one by its id: ${inUse.map(({ id, person }) => `${id} (${person.name})`).join(', ')}`,
        );
      const token = all.find(({ id }) => id === which) ?? inUse[0] ?? labelled.at(-1);
      if (token === undefined)
        throw new Refusal(`There is no token with the id or label "${which}". To see them: shipmate token list`);
      return { token, now: await revokeToken(db, token.id) };
    },
  };
}

function checked(what: string, text: string): string {
  const trimmed = text.trim();
  if (trimmed === '')
    throw new Refusal(`The ${what} is empty. Name the person as the tracker does: shipmate token create Ada`);
  if (trimmed.length > longest || /[\p{Cc}\p{Cf}]/u.test(trimmed))
    throw new Refusal(`The ${what} must be one line of at most ${longest} characters.`);
  return trimmed;
}

/** GitHub shows an App with an ending that its configuration has not. */
function namesAgent(name: string, agent: string): boolean {
  const bare = (text: string) => text.toLowerCase().replace(/^@|\[bot\]$/g, '');
  return bare(name) === bare(agent);
}
